"""The normal form of a plan, as a record: applied job types, and functions of fields. Knows no steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Use(NamedTuple):
    """An applied job type, with its arguments."""

    type: str
    arguments: tuple[tuple[str, str], ...]  #: parameter -> the origin of its value, or the literal as JSON
    mapped: bool
    kept: tuple[str, ...]  #: the conditions that selected the items it goes over

    @property
    def words(self) -> str:
        inner = ",".join(f"{name}={origin}" for name, origin in self.arguments)
        return f"{self.type}({inner}){'|'.join(('', *self.kept))}"


class Operation(NamedTuple):
    """A function applied to a field."""

    function: str
    source: str  #: the job type, or the input, that has the field
    field: str
    value: str  #: the function's other arguments as JSON
    origin: str  #: the exact origin of the field
    kept: tuple[str, ...]

    @property
    def condition(self) -> str:
        return f"{self.origin}:{self.value}"


@dataclass(frozen=True)
class Normal:
    uses: frozenset[Use]
    operations: frozenset[Operation]
    ends: int  #: the number of results that no other step needs

    @property
    def types(self) -> set[str]:
        return {use.type for use in self.uses}
