"""Data files, and the JSON Lines in them: each line has a value, or a reason why it has none. Knows no job type.

Every reader of data uses this module, so that the same fault has the same message everywhere, and one bad line does
not spoil the others.
"""

from __future__ import annotations

import gzip
import io
import json
import sys
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.json_values import DEEPEST, unwritable

STANDARD_INPUT = "-"
SHOWN = 5  #: how many faulty lines a message names


class FileFault(ValueError):
    """A file that cannot be read. The message says why, but not which file it is."""


class NotJson(ValueError):
    """A text that is not JSON, or is JSON that cannot be kept. The message says why, and quotes nothing of the text."""


@dataclass(frozen=True)
class Line:
    number: int  #: from 1
    value: Any = None
    fault: str | None = None  #: why there is no value


def read_bytes(path: str | Path) -> bytes:
    """Read a file, or standard input if `path` is `-`. A file whose name ends in .gz is unpacked. Raises FileFault."""
    try:
        data = sys.stdin.buffer.read() if str(path) == STANDARD_INPUT else Path(path).read_bytes()
        return gzip.decompress(data) if str(path).lower().endswith(".gz") else data
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise FileFault(f"is no whole gzip file: {error}") from None
    except OSError as error:
        raise FileFault(f"cannot be read: {error.strerror or error}") from None


def text_of(data: bytes) -> str:
    """Decode UTF-8, without a byte order mark. Raises FileFault."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileFault(f"is not UTF-8 (byte {error.start}); save it as UTF-8") from None


def json_of(text: str) -> Any:
    """Parse JSON. NaN, half a surrogate pair and a value that nests too deep raise NotJson too."""
    value = parsed(text)
    if fault := unwritable(value):
        raise NotJson(fault)
    return value


def parsed(text: str) -> Any:
    """Parse JSON, which may hold what cannot be kept: the caller looks for that. Raises NotJson."""
    try:
        return json.loads(text, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, character {error.colno}" if error.lineno > 1 else f"character {error.pos + 1}"
        raise NotJson(f"is not JSON: {error.msg} at {where}") from None
    except ValueError as error:
        raise NotJson(f"is not JSON: {error}") from None
    except RecursionError:
        raise NotJson(f"nests deeper than {DEEPEST} levels") from None


def lines_of(data: bytes | Iterable[bytes]) -> Iterator[Line]:
    """The lines that are not blank. Only a line feed ends a line: other marks, such as U+2028, may stand in texts."""
    for number, raw in enumerate(io.BytesIO(data) if isinstance(data, bytes) else data, 1):
        if raw.strip():
            yield _line(number, raw)


def _line(number: int, raw: bytes) -> Line:
    try:
        return Line(number, json_of(raw.decode("utf-8-sig").strip()))
    except UnicodeDecodeError as error:
        return Line(number, fault=f"is not UTF-8 (byte {error.start})")
    except NotJson as error:
        return Line(number, fault=str(error))


def left_out(name: str, faults: Sequence[tuple[int, str]], total: int) -> str:
    """Say how many lines were left out, and why the first of them were. `faults`: pairs of line number and reason."""
    told = "; ".join(f"{name}:{number}: {why}" for number, why in faults[:SHOWN])
    more = f"; and {len(faults) - SHOWN} more" if len(faults) > SHOWN else ""
    return f"{len(faults)} of {total} lines of {name} left out: {told}{more}"


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")
