"""Binds the inputs of the jobs that are released together, and bounds their size. Knows no run and no ledger.

The bounds are needed because a short plan may refer to one long list many times, and because steps may nest the outputs
of others ever deeper in their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from pydantic_core import to_json

from coordinator.plans import references
from infra.json_values import DEEPEST, levels
from infra.records import Json

#: Limits in bytes of JSON. A request has 1 MB at most by default; steps may make a few times as much of it.
JOB_BYTES = 4_000_000
RELEASE_BYTES = 64_000_000


class TooLarge(ValueError):
    """A job's input, or all inputs of a release, would be larger or deeper than allowed. It says by how much."""


@dataclass(frozen=True)
class Unbound:
    """Stands in the place of a job's input that could not be made, and says why."""

    why: str


class Binder:
    """Binds the inputs of one release."""

    def __init__(self) -> None:
        self.bytes = 0  #: the size of all inputs that were bound so far

    def bind(self, args: Json, scopes: Iterable[Mapping[str, Any]]) -> Iterator[Json]:
        """One job's input for each scope. Raises Unresolved, and TooLarge before it makes an input that is too large.

        The values must live until the end. They are told apart by identity, so that each value is measured only once,
        however many jobs refer to it.
        """
        measured: dict[int, _Size] = {}
        for index, values in enumerate(scopes):
            yield self._bound(args, values, index, measured)

    def bind_each(self, args: Json, scopes: Iterable[Mapping[str, Any]]) -> Iterator[Json | Unbound]:
        """Like `bind`, but an input that cannot be made becomes an Unbound, and the others are still made.

        Raises TooLarge if all of them together are too large.
        """
        measured: dict[int, _Size] = {}
        for index, values in enumerate(scopes):
            try:
                yield self._bound(args, values, index, measured)
            except (references.Unresolved, TooLarge) as error:
                if self.bytes > RELEASE_BYTES:
                    raise
                yield Unbound(str(error))

    def _bound(self, args: Json, values: Mapping[str, Any], index: int, measured: dict[int, _Size]) -> Json:
        """Raises TooLarge, Unresolved."""
        size = _size(args, values, measured)
        if size.bytes > JOB_BYTES:
            raise TooLarge(f"the input of job {index} would have {size.bytes} bytes, the limit is {JOB_BYTES}")
        if size.levels > DEEPEST:
            raise TooLarge(f"the input of job {index} would nest {size.levels} levels deep, the limit is {DEEPEST}")
        self.bytes += size.bytes
        if self.bytes > RELEASE_BYTES:
            raise TooLarge(f"jobs 0 to {index} bring the release to {self.bytes} bytes, the limit is {RELEASE_BYTES}")
        bound: Json = references.bind(args, values)
        return bound


class _Size(NamedTuple):
    """The size of the JSON that binding would make, exact but for a few bytes of separators."""

    bytes: int
    levels: int


def _size(template: Any, values: Mapping[str, Any], measured: dict[int, _Size]) -> _Size:
    if references.is_reference(template):
        value = references.resolve(template[references.KEY], values)
        if references.makes_list(template[references.KEY]):  # the list is new, so no other reference shares it
            return _size_of(value)
        if id(value) not in measured:
            measured[id(value)] = _size_of(value)
        return measured[id(value)]
    if isinstance(template, dict):
        names = sum(len(to_json(name)) + 2 for name in template)
        return _around(2 + names, [_size(value, values, measured) for value in template.values()])
    if isinstance(template, list):
        return _around(2 + len(template), [_size(value, values, measured) for value in template])
    return _Size(len(to_json(template)), 0)


def _size_of(value: Any) -> _Size:
    return _Size(len(to_json(value)), levels(value))


def _around(own_bytes: int, inner: Sequence[_Size]) -> _Size:
    return _Size(own_bytes + sum(each.bytes for each in inner), 1 + max((each.levels for each in inner), default=0))
