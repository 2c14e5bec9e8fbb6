"""Parquet files, read and written as rows, by pyarrow where it is installed. Knows no option and no goal."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from infra.records import Json

MISSING = "Parquet needs pyarrow, which is not installed here: pip install '.[parquet]' from the clone installs it"


class ParquetFault(ValueError):
    """A Parquet file cannot be read or written. The message says why, but not which file it is."""


def check_installed() -> None:
    """Raises ParquetFault."""
    try:
        import pyarrow.parquet  # noqa: F401 - only whether it is there
    except ImportError:
        raise ParquetFault(MISSING) from None


def read_rows(data: bytes) -> list[Json]:
    """An object for each row, of values that JSON has: times are texts, and what is no number is null.

    Raises ParquetFault."""
    check_installed()
    import pyarrow
    import pyarrow.parquet

    try:
        rows = pyarrow.parquet.read_table(io.BytesIO(data)).to_pylist()
    except (pyarrow.ArrowException, OSError) as error:
        raise ParquetFault(f"is no Parquet file that can be read: {error}") from None
    return [{str(name): _told(value, str(name)) for name, value in row.items()} for row in rows]


def write_rows(rows: Sequence[Json]) -> bytes:
    """A Parquet file with a column for each name. Raises ParquetFault."""
    check_installed()
    import pyarrow
    import pyarrow.parquet

    names = dict.fromkeys(name for row in rows for name in row)
    out = io.BytesIO()
    try:
        table = pyarrow.table({name: pyarrow.array([row.get(name) for row in rows]) for name in names})
        pyarrow.parquet.write_table(table, out)
    except (pyarrow.ArrowException, OverflowError) as error:
        raise ParquetFault(f"the rows do not fit into a Parquet table: {error}") from None
    return out.getvalue()


def _told(value: Any, column: str) -> Any:
    """A value of Parquet as JSON has it."""
    if isinstance(value, list):
        return [_told(each, column) for each in value]
    if isinstance(value, dict):
        return {str(name): _told(each, column) for name, each in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if value is None or isinstance(value, str | int | float):
        return value
    raise ParquetFault(f"column {column!r} has values of type {type(value).__name__}, which JSON has not")
