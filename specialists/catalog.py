"""The catalog: every specialist that this deployment knows, by name. Knows nothing of who hosts them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from specialists.specialist import Specialist, SpecialistError, load_specialist

SHIPPED = Path(__file__).parent / "shipped"


class CatalogError(Exception):
    """Some folders are not usable; the message names every fault of every folder."""


class UnknownJobType(KeyError):
    def __init__(self, name: str, known: Iterable[str]) -> None:
        super().__init__(f"unknown job type {name!r}; known: {', '.join(known)}")

    def __str__(self) -> str:
        return str(self.args[0])


class Catalog:
    def __init__(self, specialists: Iterable[Specialist]) -> None:
        self._by_name = {specialist.name: specialist for specialist in sorted(specialists, key=lambda s: s.name)}

    def __iter__(self) -> Iterator[Specialist]:
        return iter(self._by_name.values())

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def names(self) -> list[str]:
        return list(self._by_name)

    def get(self, name: str) -> Specialist:
        """Return the specialist, or raise UnknownJobType, which lists the known names."""
        if name not in self._by_name:
            raise UnknownJobType(name, self._by_name)
        return self._by_name[name]


def load_catalog(extra: Iterable[Path] = (), adapters: bool = True, empty: bool = False) -> Catalog:
    """Load the shipped specialists and those in `extra`: specialists' folders, or folders of such folders.

    With `adapters=False` the adapter files are not checked: planning and training need none of them. With `empty`, a
    folder in `extra` may hold no specialist. It raises CatalogError with the faults of every folder at once; two
    specialists with one name are a fault.
    """
    found: dict[str, Specialist] = {}
    faults: list[str] = []
    for folder in _folders([SHIPPED, *extra], [] if empty else faults):
        try:
            specialist = load_specialist(folder, adapters, trial=folder.parent != SHIPPED)
        except SpecialistError as error:
            faults.append(str(error))
            continue
        if specialist.name in found:
            faults.append(f"{specialist.name!r} is in {found[specialist.name].folder} and in {folder}: rename one")
        found[specialist.name] = specialist
    faults += [fault for specialist in found.values() for fault in _fallback_faults(specialist, found)]
    if faults:
        raise CatalogError("\n".join(faults))
    return Catalog(found.values())


def _fallback_faults(specialist: Specialist, found: Mapping[str, Specialist]) -> Iterator[str]:
    """Yield the reasons why the specialist's fallback could not answer in its place."""
    fallback, where = specialist.manifest.fallback, f"{specialist.folder / 'specialist.toml'}: [fallback] to"
    if fallback is None:
        return
    other = found.get(fallback.to)
    if other is None or other is specialist:
        known = ", ".join(sorted(found.keys() - {specialist.name}))
        yield f"{where}: {fallback.to!r} is no other specialist; known: {known}"
        return
    if (other.input_schema, other.output_schema) != (specialist.input_schema, specialist.output_schema):
        yield f"{where}: {fallback.to!r} has not the same schemas; copy input.schema.json and output.schema.json"
    if other.manifest.fallback:
        yield f"{where}: {fallback.to!r} has a fallback itself, which would never be asked; name that one, or neither"


def _folders(roots: Iterable[Path], faults: list[str]) -> Iterator[Path]:
    for root in roots:
        if (root / "specialist.toml").exists():
            yield root
            continue
        inside = sorted(path.parent for path in root.glob("*/specialist.toml"))
        if not inside:
            faults.append(f"{root}: no specialist.toml in it nor in its folders")
        yield from inside
