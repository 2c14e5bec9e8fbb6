"""Plugins: what other packages add to our tables by entry points. Knows none of them, and loads one when it is used."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points

ENGINES = "manyhands.engines"  #: Engines, by the name that `specialist.toml` gives: classes with a `create`.
FORMATS = "manyhands.formats"  #: Answer formats, by the name that `[decoding]` gives: classes.


def plugin(group: str, name: str) -> EntryPoint | None:
    """The entry point that an installed package registered under `name`; None if there is none."""
    return next(iter(entry_points(group=group, name=name)), None)


def plugins(group: str) -> list[str]:
    """The names that installed packages registered in `group`."""
    return sorted({each.name for each in entry_points(group=group)})
