"""One connection to Redis that appends waves by a script."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from redis.connection import ConnectionPool
from redis.exceptions import RedisError, ResponseError

from outbox.clock import Deadline, monotonic
from outbox.contrib.relays.answers import CONFIRMED, Answer, BrokerAway, Failed
from outbox.contrib.relays.outgoing import PARTITION, SOURCE, Outgoing, epoch_of

# A firewall may forget an idle connection without a word; a new one takes a millisecond.
MOST_IDLE = 30.0
# Replies that say nothing about the message.
PASSING = (
    "OOM",
    "LOADING",
    "READONLY",
    "MISCONF",
    "NOREPLICAS",
    "MASTERDOWN",
    "CLUSTERDOWN",
    "BUSY",
    "NOAUTH",
)

# Appends in order and stops at the first refusal. A number that is not larger than the last one is a
# duplicate, if the last entry is of the same partition of the same outbox; else the stream is another's.
# Arguments: maxlen or 0, source header, partition header; then for each message the number of its stream
# among the keys, its id, the number of its words, and its fields and values.
APPEND = """
local function mine(stream, source, partition)
  local last = redis.call('XREVRANGE', stream, '+', '-', 'COUNT', 1)[1]
  if not last then return false end
  local found = {}
  for i = 1, #last[2], 2 do found[last[2][i]] = last[2][i + 1] end
  return found['outbox-source'] == source and found['outbox-partition'] == partition
end
local maxlen, source, partition = ARGV[1], ARGV[2], ARGV[3]
local done, at = 0, 4
while at <= #ARGV do
  local stream, id, words = KEYS[tonumber(ARGV[at])], ARGV[at + 1], tonumber(ARGV[at + 2])
  local command = {'XADD', stream}
  if maxlen ~= '0' then
    for _, word in ipairs({'MAXLEN', '~', maxlen}) do command[#command + 1] = word end
  end
  command[#command + 1] = id
  for i = at + 3, at + 2 + words do command[#command + 1] = ARGV[i] end
  local reply = redis.pcall(unpack(command))
  if type(reply) == 'table' and reply.err then
    if not string.find(reply.err, 'equal or smaller', 1, true) then return {done, reply.err} end
    if not mine(stream, source, partition) then
      return {done, 'FOREIGN stream ' .. stream .. ' holds messages of another partition or outbox'}
    end
  end
  done = done + 1
  at = at + 3 + words
end
return {done, ''}
"""


class RedisSession:
    """A connection used by one thread at a time, which gives up within the patience it was opened with."""

    def __init__(self, url: str, maxlen: int | None, deadline: Deadline) -> None:
        """Connect; raises `BrokerAway`."""
        self._maxlen = maxlen or 0
        self._patience = max(deadline.remaining(), 0.001)
        # One attempt: redis-py would send the script again, for longer than the lease lasts.
        pool = ConnectionPool.from_url(
            url, socket_timeout=self._patience, socket_connect_timeout=self._patience, retry=None
        )
        self._failed = False
        self._idle_since = monotonic()
        self._connection: Any = pool.make_connection()
        try:
            self._connection.connect()
        except (RedisError, OSError) as error:
            self.close()
            raise BrokerAway(f"Redis cannot be reached: {error}") from error

    def usable(self) -> bool:
        """Whether it works and was used a short while ago."""
        return not self._failed and monotonic() - self._idle_since < MOST_IDLE

    def patient_for(self, deadline: Deadline) -> bool:
        """Whether it gives up before the deadline, whatever happens."""
        return self._patience <= deadline.remaining()

    def append(self, wave: Sequence[Outgoing], deadline: Deadline) -> list[Answer]:
        """Append every message and return the answers, in order."""
        streams = list(dict.fromkeys(stream_of(outgoing) for outgoing in wave))
        words = list(self._arguments(wave, {stream: place for place, stream in enumerate(streams, 1)}))
        try:
            self._connection.send_command("EVAL", APPEND, len(streams), *streams, *words)
            if not self._connection.can_read(timeout=deadline.remaining()):
                return self._failure(Failed("Redis did not answer in time"))
            done, problem = self._connection.read_response()
        except ResponseError as error:
            return self._failure(refusal(str(error)))
        except (RedisError, OSError) as error:
            return self._failure(Failed(f"the connection to Redis was lost: {error}"))
        self._idle_since = monotonic()
        answers: list[Answer] = [CONFIRMED] * done
        return [*answers, refusal(_text(problem))] if problem else answers

    def close(self) -> None:
        """Cut the connection."""
        self._failed = True
        self._connection.disconnect()

    def _failure(self, answer: Answer) -> list[Answer]:
        self._failed = True
        return [answer]

    def _arguments(self, wave: Sequence[Outgoing], streams: dict[str, int]) -> Iterator[str | bytes | int]:
        headers = wave[0].headers
        yield from (self._maxlen, headers[SOURCE], headers[PARTITION])
        for outgoing in wave:
            message = outgoing.message
            fields: list[str | bytes] = [word for pair in outgoing.headers.items() for word in pair]
            fields += ["body", outgoing.body, "content-type", outgoing.content_type]
            yield from (streams[stream_of(outgoing)], f"{epoch_of(message)}-{message.seq}", len(fields))
            yield from fields


def stream_of(outgoing: Outgoing) -> str:
    """Return the stream of a message: every partition has its own, because ids count within one."""
    return f"{outgoing.topic}:{outgoing.message.partition}"


def refusal(problem: str) -> Answer:
    """Return what an error reply means."""
    word = problem.partition(" ")[0].lstrip("-")
    return Failed(f"Redis: {problem}", counts=word not in PASSING)


def _text(problem: str | bytes) -> str:
    return problem if isinstance(problem, str) else problem.decode(errors="replace")
