"""The log of ``outbox run``, for people or for a log collector."""

from __future__ import annotations

import json
import logging
import sys
from datetime import datetime, timezone

TEXT = "%(asctime)s %(levelname)s %(name)s [%(threadName)s] %(message)s"
FORMATS = ("text", "json")
# What every record has; the rest of its attributes came as `extra`.
USUAL = frozenset(vars(logging.LogRecord("", 0, "", 0, "", None, None))) | {"message", "asctime", "taskName"}


class JsonLines(logging.Formatter):
    """One JSON object a record and a line: time, level, logger, thread, message, its `extra`, exception."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        moment = datetime.fromtimestamp(record.created, timezone.utc)
        line: dict[str, object] = {
            "time": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "thread": record.threadName,
            "message": record.getMessage(),
        }
        line |= {name: value for name, value in vars(record).items() if name not in USUAL | line.keys()}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str, ensure_ascii=False)


def start_logging(level: str, form: str) -> None:
    """Log to standard error; a module that sets logging up itself has the last word."""
    logging.basicConfig(level=level.upper(), format=TEXT, stream=sys.stderr, force=True)
    if form == "json":
        for handler in logging.getLogger().handlers:
            handler.setFormatter(JsonLines())


def switch_on_again() -> None:
    """Let our loggers speak after an application's `logging.config.dictConfig`.

    By default that silences every logger which was made before, also where its own settings name neither
    ours nor their silence.
    """
    for name in [*logging.getLogger().manager.loggerDict]:
        if name.partition(".")[0] == "outbox":
            logging.getLogger(name).disabled = False
