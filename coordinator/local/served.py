"""The specialists that the worker of a house has to serve, as their folders are now. Knows no process."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from infra.records import Json
from specialists.catalog import CatalogError, load_catalog
from specialists.live_catalog import Seen, seen

LOOK_S = 1.0  #: the time between two looks at the folders

Tell = Callable[[str], None]


class Served:
    """Follows the folders in `extra`; the specialists that ship do not change."""

    def __init__(self, extra: Sequence[Path], tell: Tell) -> None:
        self._extra = tuple(extra)
        self._tell = tell
        self._seen = seen(extra)
        self._changed: Seen | None = None  #: a change that the last look saw; it may be a copy half done
        self._looked = time.monotonic()
        self._digests: dict[str, str] | None = None

    @property
    def digests(self) -> Mapping[str, str]:
        """Name -> digest of each specialist. Raises CatalogError if the folders did not load at first."""
        if self._digests is None:
            self._digests = self._load()
        return self._digests

    def is_served(self, workers: Iterable[Json]) -> bool:
        """Whether each specialist has a live worker that serves the version in its folder.

        `workers`: the records in which workers describe themselves.
        """
        told = [about.get("digests", {}) for about in workers]
        return all(
            any(digest.startswith(each.get(name, " ")) for each in told) for name, digest in self.digests.items()
        )

    def has_changed(self) -> bool:
        """Whether a worker that runs already must start again. A folder that does not load changes nothing."""
        if not self._extra or time.monotonic() - self._looked < LOOK_S:
            return False
        self._looked = time.monotonic()
        now, before = seen(self._extra), self._changed
        self._changed = None if now == self._seen else now
        if self._changed is None or now != before:
            return False
        self._seen, self._changed = now, None
        return self._renew()

    def _renew(self) -> bool:
        try:
            before, self._digests = self.digests, self._load()
        except CatalogError as error:
            self._tell(f"specialists stay as they were: {error}")
            return False
        return before != self._digests

    def _load(self) -> dict[str, str]:
        return {each.name: each.digest for each in load_catalog(self._extra, empty=True)}
