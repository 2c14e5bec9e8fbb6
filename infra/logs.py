"""Logs: a sentence for people, fields for machines. Knows nothing of what is logged; callers never hand it a prompt."""

from __future__ import annotations

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from types import TracebackType

from infra.settings import Settings

#: The attributes that every log record of the standard library has. All others came in by `extra=`.
STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
LONGEST = 200  #: characters of one field: ids and counts fit, texts do not


def configure(settings: Settings) -> None:
    """Send this process's logs to standard error. Call once, in a composition root."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if settings.log_json else TextFormatter())
    logging.basicConfig(level=settings.log_level, handlers=[handler], force=True)


CHAINED = 8  #: most errors of one chain that a traceback shows

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


def where(error: BaseException) -> str:
    """Where `error` was raised, line by line. Its message is left out, because it may quote a job."""
    return "".join(traceback.format_tb(error.__traceback__))


class _Formatter(logging.Formatter):
    """Formats tracebacks without the messages of their errors, because these may quote a job."""

    def formatException(self, ei: ExcInfo) -> str:
        told: list[str] = []
        error: BaseException | None = ei[1]
        while error is not None and len(told) < CHAINED:
            told.append(f"{where(error)}{type(error).__qualname__}: (its words are not logged)")
            error = error.__cause__ or error.__context__
        return "\n".join(reversed(told))


class TextFormatter(_Formatter):
    """Writes `12:30:01 INFO infra.queue.protocol: sent 12 jobs action=send job_type=triage`."""

    def format(self, record: logging.LogRecord) -> str:
        fields = "".join(f" {name}={value}" for name, value in _fields(record).items())
        at = f"{_at(record):%H:%M:%S}"
        return _with_traceback(self, record, f"{at} {record.levelname} {record.name}: {record.getMessage()}{fields}")


class JsonFormatter(_Formatter):
    """Writes one object a line: `at`, `level`, `logger`, `message`, `traceback` if there is one, and the fields."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": _at(record).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(_fields(record) | line, ensure_ascii=False)


def _fields(record: logging.LogRecord) -> dict[str, str | int | float | bool | None]:
    # Libraries such as Ray add fields of their own to every record; their names begin with an underscore.
    extra = {name: value for name, value in vars(record).items() if name not in STANDARD and name[0] != "_"}
    return {name: _short(value) for name, value in extra.items()}


def _short(value: object) -> str | int | float | bool | None:
    if value is None or isinstance(value, bool | int | float):
        return value
    text = str(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _at(record: logging.LogRecord) -> datetime:
    return datetime.fromtimestamp(record.created, UTC)


def _with_traceback(formatter: logging.Formatter, record: logging.LogRecord, line: str) -> str:
    return f"{line}\n{formatter.formatException(record.exc_info)}" if record.exc_info else line
