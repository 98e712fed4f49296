/* The protocol of one partition, for Spin: sequencer, lease, fence, cursor, retry, dead letter, vacuum.
 *
 * Two producers with overlapping transactions, two sequencers, two worker processes that may be killed at
 * any step and come back, a clock that may end a lease at any moment, and a vacuum. Every statement or
 * transaction of the library is one atomic step, named after the statement in sql/; what the databases do in
 * several statements under READ COMMITTED (the sequencer of MySQL) is several steps.
 *
 * Checked: every assertion, and that no run ends before every committed message is acknowledged or a dead
 * letter (an end elsewhere is an "invalid end state"). Each macro below takes one rule away; with any of
 * them Spin must find an error, else the rule or the model is idle.
 *
 *   RANGE_DELETE        the sequencer deletes all incoming rows up to the largest id it moved
 *   GREATER_THAN_LAST   the sequencer takes ids above the last one that it has seen
 *   NO_PARTITION_LOCK   two sequencers may work on one partition at a time
 *   LEASE_NOT_RESPECTED lease_and_read takes a partition whose lease is live
 *   NO_TOKEN            the fence does not compare the token
 *   TOKEN_OF_PROCESS    one token for each process instead of one for each acquisition
 *   NO_CANCEL_POINT     a handler is called although the lease may be over
 *   OLDER_ACK           an acknowledgement that is older than the cursor is taken, if its token is right
 *   DEAD_TWICE          an acknowledgement sent again writes its dead letters again
 *   ACK_BEFORE_DEAD     the cursor is advanced, and the dead letter written in a second transaction
 *   START_NOT_COUNTED   the start is not committed before the handler is called
 *   VACUUM_PAST_CURSOR  the vacuum deletes what has a number, read or not
 */

#ifndef N
#define N 2              /* messages; ids count from 0, seq from 1 */
#endif
#ifndef WORKERS
#define WORKERS 2
#endif
#ifndef KILLS
#define KILLS 1          /* how often a worker process may be killed in one run */
#endif
#ifndef RESENDS
#define RESENDS 1        /* how often an acknowledgement of unknown outcome is sent again */
#endif
#ifndef SEQUENCERS
#define SEQUENCERS 1
#endif
#define MAX_ATTEMPTS 2   /* a message that was started so often without an answer is given up */
#define NONE 255

/* The database. */
bool committed[N];
bool aborted[N];
bool incoming[N];
byte outgoing[N + 2] = NONE;      /* by seq, from 1; NONE: no row */
byte sequence;                    /* partitions.sequence */
byte cursor;                      /* processor.processed_seq */
byte attempts;                    /* processor.attempts */
byte locked_by = NONE;            /* processor.locked_by */
bool live;                        /* processor.locked_until is in the future */
byte dead[N];                     /* dead letters of a message */
byte vacuumed;                    /* vacuum.vacuumed_seq */
bool partition_locked;            /* the lock on the partitions row */

/* What an observer outside sees; no rule reads it. */
byte calls[N];                    /* calls of the handler */
byte finished_upto;               /* the largest seq that is acknowledged or a dead letter */
bool acknowledged[N];
byte busy = NONE;                 /* the token under whose live lease a handler runs */
byte kills;
byte workers;
byte resends;

/* An acknowledgement whose answer got lost: the first sending may still arrive after the second. */
chan late = [1] of { byte, byte, byte, byte };

/* Every token that is still known somewhere; a fresh one is none of them, so four values are enough. */
byte tokens[2] = NONE;
byte late_token = NONE;
#define KNOWN(t) (locked_by == t || tokens[0] == t || tokens[1] == t || late_token == t)

#define FINISHED(m) (aborted[m] || (committed[m] && (acknowledged[m] || dead[m] > 0)))
#if N > 2
#define ALL_DONE (FINISHED(0) && FINISHED(1) && FINISHED(2))
#define ANY_CLAIMABLE (CLAIMABLE(0) || CLAIMABLE(1) || CLAIMABLE(2))
#else
#define ALL_DONE (FINISHED(0) && FINISHED(1))
#define ANY_CLAIMABLE (CLAIMABLE(0) || CLAIMABLE(1))
#endif
#define FORGET token = NONE; at = 0; message = 0; answer = 0; started = 0; once_more = false
#define KILLED (kills < KILLS) -> kills++; FORGET; goto again

#ifdef NO_TOKEN
#define FENCE(t) (live)
#else
#define FENCE(t) (live && locked_by == t)
#endif
/* What an acknowledgement needs in addition: nothing later is settled. `at` is what it would set the cursor to. */
#ifdef OLDER_ACK
#define SETTLES(t, at) (FENCE(t))
#else
#define SETTLES(t, at) (FENCE(t) && cursor <= at)
#endif

/* enqueue: the id is given at the insert, the row is visible at the commit; the transactions overlap. */
proctype producer(byte id) {
    if
    :: atomic { committed[id] = true; incoming[id] = true }
    :: aborted[id] = true
    fi
}

#ifdef GREATER_THAN_LAST
#define CLAIMABLE(id) (incoming[id] && (last_seen == NONE || id > last_seen))
#else
#define CLAIMABLE(id) (incoming[id])                   /* whatever is visible: no lower bound */
#endif

/* sequence: in steps, as on MySQL and MariaDB; PostgreSQL and SQLite take them in one. */
active [SEQUENCERS] proctype sequencer() {
    bool claimed[N];
    byte last_seen = NONE;
    byte base;
    byte i;
    byte j;
    do
    :: ALL_DONE -> break
    :: atomic {
#ifdef NO_PARTITION_LOCK
           ANY_CLAIMABLE ->
#else
           (!partition_locked && ANY_CLAIMABLE) ->
#endif
           partition_locked = true;
           base = sequence;
           for (i : 0 .. N - 1) {
               claimed[i] = CLAIMABLE(i);
               if :: claimed[i] -> last_seen = i :: else fi
           }
       }
       atomic {                                        /* move_incoming, clear_incoming, advance_sequence */
           for (i : 0 .. N - 1) {
               if
               :: claimed[i] ->
                  base++;
                  assert(base <= N);
                  assert(outgoing[base] == NONE && vacuumed < base);      /* no number is given twice */
                  outgoing[base] = i;
#ifdef RANGE_DELETE
                  for (j : 0 .. i) { incoming[j] = false }
#else
                  incoming[i] = false
#endif
               :: else
               fi
           }
           sequence = base;
           for (i : 0 .. N - 1) { claimed[i] = false }
           base = 0; i = 0; j = 0;
           partition_locked = false
       }
    od
}

/* The database's clock: a lease, or the pause after a failure, may be over at any moment. */
active proctype clock() {
    do
    :: ALL_DONE -> break
    :: atomic { live -> live = false; busy = NONE }
    od
}

/* settle_and_read, one transaction under the fence. Answers: 0 success, 1 retry, 2 reject. */
inline settle(t, at, answer, message) {
    if
    :: answer == 1 ->                                  /* the failure is written and the lease released; */
       locked_by = NONE                                /* live goes on as the pause, the clock ends it */
    :: answer == 2 ->
#ifndef ACK_BEFORE_DEAD
       if
#ifdef DEAD_TWICE
       :: true -> dead[message]++
#else
       :: cursor < at -> dead[message]++               /* letters above the old cursor only */
       :: else
#endif
       fi
#else
       skip
#endif
    :: answer == 0 -> acknowledged[message] = true
    fi;
    busy = NONE;
    if
    :: answer != 1 ->
       assert(dead[message] <= 1);                     /* one letter for a message */
       assert(!(acknowledged[message] && dead[message] > 0));
       cursor = at;
       if :: finished_upto < at -> finished_upto = at :: else fi;
       assert(cursor == finished_upto);                /* it never falls */
       if
       :: (sequence > at && outgoing[at + 1] != NONE) -> attempts = 1       /* keep the lease and read on */
       :: else -> attempts = 0; locked_by = NONE; live = false
       fi
    :: else
    fi
}

/* The first sending of an acknowledgement that was sent twice, arriving last. */
active proctype network() {
    byte at;
    byte answer;
    byte message;
    do
    :: ALL_DONE -> break
    :: atomic {
           late ? late_token, at, answer, message ->
           if
           :: SETTLES(late_token, at) -> settle(late_token, at, answer, message)
           :: else
           fi;
           late_token = NONE; at = 0; answer = 0; message = 0
       }
    od
}

/* A process that works. Killed, it forgets everything and begins again. */
#define token tokens[me]
active [WORKERS] proctype worker() {
    byte me;
    byte fresh;
    byte at;                                           /* the seq in hand */
    byte message;
    byte started;                                      /* starts before this one without an answer */
    byte answer;
    bool once_more;
    atomic { me = workers; workers++ }
again:
    do
    :: ALL_DONE -> break
    :: atomic {                                        /* lease_and_read: take, count the start, read */
#ifdef LEASE_NOT_RESPECTED
           (sequence > cursor) ->
#else
           (sequence > cursor && !live) ->
#endif
#ifdef TOKEN_OF_PROCESS
           token = 0;
#else
           token = NONE;
           fresh = 0;
           do
           :: KNOWN(fresh) -> fresh++
           :: else -> break
           od;
           token = fresh;
           fresh = 0;
#endif
           locked_by = token;
           live = true;
           started = attempts;
#ifndef START_NOT_COUNTED
           if :: attempts <= MAX_ATTEMPTS -> attempts++ :: else fi;
#endif
           at = cursor + 1;
           message = outgoing[at];
           assert(message != NONE)                     /* the head stays as long as it is needed */
       }
hand_over:
       if
       :: started >= MAX_ATTEMPTS -> answer = 2        /* attempts_exhausted: given up without a call */
       :: else ->
          if
          :: atomic {
#ifdef NO_CANCEL_POINT
                 true ->
#else
                 FENCE(token) ->                       /* the cancel point lies before the lease's end */
#endif
                 calls[message]++;
                 assert(calls[message] <= MAX_ATTEMPTS);         /* each start was counted */
                 assert(busy == NONE || busy == token);          /* not twice at a time without a cause */
                 assert(!acknowledged[message]);                 /* not again after its acknowledgement */
                 assert(dead[message] == 0);                     /* nor after it was given up */
                 assert(finished_upto + 1 >= at);                /* in order */
                 if :: FENCE(token) -> busy = token :: else fi
             }
          :: atomic { !FENCE(token) -> FORGET; goto again }      /* over: nothing more is started */
          :: atomic { KILLED }
          fi;
          if
          :: answer = 0
          :: answer = 2
          :: atomic { started + 1 < MAX_ATTEMPTS -> answer = 1 }
          :: atomic { KILLED }                                   /* the message takes its process along */
          fi
       fi;
acknowledge:
       if
       :: atomic { KILLED }
       :: atomic {
              SETTLES(token, at) -> settle(token, at, answer, message);
              once_more = false;
              if
              :: (resends < RESENDS && answer != 1 && empty(late)) ->
                 resends++;
                 late_token = token;
                 late ! token, at, answer, message
              :: (resends < RESENDS && answer != 1) -> resends++; once_more = true
              :: true
              fi
          };
#ifdef ACK_BEFORE_DEAD
          if
          :: atomic { (answer == 2 && dead[message] == 0) -> dead[message]++ }
          :: atomic { (answer == 2 && dead[message] == 0) -> KILLED }
          :: atomic { !(answer == 2 && dead[message] == 0) -> skip }
          fi;
#endif
          if
          :: once_more -> once_more = false; goto acknowledge    /* the answer got lost */
          :: atomic {
                 (!once_more && answer != 1 && FENCE(token) && sequence > at) ->
                 at++;
                 message = outgoing[at];
                 assert(message != NONE);
                 started = 0;
                 goto hand_over
             }
          :: atomic { !(!once_more && answer != 1 && FENCE(token) && sequence > at) && !once_more -> FORGET }
          fi
       :: atomic { !FENCE(token) -> FORGET }                     /* the lease is lost: nothing is written */
       fi
    od
}

#undef token

/* vacuum: behind the cursor only. */
active proctype vacuum() {
    do
    :: ALL_DONE -> break
    :: atomic {
#ifdef VACUUM_PAST_CURSOR
           (vacuumed < sequence) ->
#else
           (vacuumed < cursor) ->
#endif
           vacuumed++;
           outgoing[vacuumed] = NONE
       }
    od
}

init {
    byte id;
    atomic { for (id : 0 .. N - 1) { run producer(id) } }
}
