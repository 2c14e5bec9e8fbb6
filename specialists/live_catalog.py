"""A catalog that follows its folders while a process runs: job types come, change and go without a restart.

A job type whose folder is gone is no longer offered, but its name still resolves for runs that go on. Knows nothing of
who hosts them.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from threading import Lock

from specialists.catalog import Catalog, CatalogError, UnknownJobType, load_catalog
from specialists.specialist import Specialist

LOOK_S = 1.0  #: time between two looks at the folders
AT_ONCE_S = 0.05  #: the same if an unknown name is asked for

logger = logging.getLogger(__name__)

#: (path, time of the last change in ns, bytes) of each file.
Seen = tuple[tuple[str, int, int], ...]


class LiveCatalog(Catalog):
    def __init__(self, extra: Sequence[Path], clock: Callable[[], float] = time.monotonic) -> None:
        """Load the shipped specialists and those in `extra`, without their adapters. It raises CatalogError."""
        self._extra = tuple(extra)
        self._clock = clock
        self._seen = seen(extra)
        self._looked = clock()
        self._changing = Lock()
        self._known: dict[str, Specialist] = {}
        self._take(load_catalog(extra, adapters=False))

    def __iter__(self) -> Iterator[Specialist]:
        self._look()
        return iter(self._now.values())

    def __contains__(self, name: object) -> bool:
        self._look(at_once=name not in self._now)
        return name in self._now

    def names(self) -> list[str]:
        self._look()
        return list(self._now)

    def get(self, name: str) -> Specialist:
        self._look(at_once=name not in self._known)
        found = self._now.get(name) or self._known.get(name)
        if found is None:
            raise UnknownJobType(name, self._now)
        return found

    def _look(self, at_once: bool = False) -> None:
        """Load the folders again if a file has changed.

        `at_once`: look sooner, since another process may have seen the change already.
        """
        wait_s = AT_ONCE_S if at_once else LOOK_S
        if not self._extra or self._clock() - self._looked < wait_s:
            return
        with self._changing:
            if self._clock() - self._looked < wait_s:  # another thread has looked meanwhile
                return
            self._looked = self._clock()
            try:
                self._look_now()
            except Exception as error:  # noqa: BLE001 - an unfinished folder must not end what goes on without it
                # Half of it may be written yet; the rest will be another change.
                told = str(error) if isinstance(error, CatalogError) else f"{type(error).__name__}: {error}"
                logger.warning("job types stay as they were: %s", told, extra={"action": "catalog_refused"})

    def _look_now(self) -> None:
        now = seen(self._extra)
        if now == self._seen:
            return
        try:
            self._take(load_catalog(self._extra, adapters=False, empty=True))
        except CatalogError:
            self._seen = now  # the same files have the same faults, so they are not loaded again
            raise
        self._seen = now

    def _take(self, catalog: Catalog) -> None:
        before = self._known.keys()
        self._now = {each.name: each for each in catalog}
        self._known = self._known | self._now
        if before and (added := sorted(self._now.keys() - before)):
            logger.info("new job types: %s", ", ".join(added), extra={"action": "catalog_grown"})


def seen(roots: Iterable[Path]) -> Seen:
    """The files in the specialists' folders in `roots`; a file that disappears meanwhile is left out."""
    found: list[tuple[str, int, int]] = []
    for root in roots:
        for folder in [root, *sorted(root.glob("*/"))]:
            for path in sorted(folder.glob("*")):
                try:
                    told = path.stat()
                except FileNotFoundError:
                    continue
                if path.is_file():
                    found.append((str(path), told.st_mtime_ns, told.st_size))
    return tuple(found)
