"""The inputs of a release's jobs, bound and bounded: a short plan may refer to one long list over and over."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic_core import to_json

from coordinator import references
from infra.records import Json

#: Of JSON. A request has 1 MB at most, unless the deployment says otherwise; steps may make some times more of it.
JOB_BYTES = 4_000_000
RELEASE_BYTES = 64_000_000


class TooLarge(ValueError):
    """A job's input, or all those of a release, would be larger than allowed; says by how much."""


class Binder:
    """Binds what is released together."""

    def __init__(self) -> None:
        self.bytes = 0  #: of all that was bound so far

    def bind(self, args: Json, scopes: Iterable[Mapping[str, Any]]) -> Iterator[Json]:
        """One job's input for each scope. Raises TooLarge before one is made that is, and Unresolved.

        The values must live until the end: they are told apart by identity, so that each is measured once, however
        many jobs refer to it.
        """
        measured: dict[int, int] = {}
        for index, values in enumerate(scopes):
            size = _size(args, values, measured)
            if size > JOB_BYTES:
                raise TooLarge(f"the input of job {index} would have {size} bytes, the limit is {JOB_BYTES}")
            self.bytes += size
            if self.bytes > RELEASE_BYTES:
                raise TooLarge(
                    f"jobs 0 to {index} bring the release to {self.bytes} bytes, the limit is {RELEASE_BYTES}"
                )
            yield references.bind(args, values)


def _size(template: Any, values: Mapping[str, Any], measured: dict[int, int]) -> int:
    """Bytes of the JSON that binding would make, within a few of separators."""
    if references.is_reference(template):
        value = references.resolve(template[references.KEY], values)
        if id(value) not in measured:
            measured[id(value)] = len(to_json(value))
        return measured[id(value)]
    if isinstance(template, dict):
        return 2 + sum(len(to_json(name)) + 2 + _size(value, values, measured) for name, value in template.items())
    if isinstance(template, list):
        return 2 + sum(1 + _size(value, values, measured) for value in template)
    return len(to_json(template))
