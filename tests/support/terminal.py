"""A terminal in a test: what it shows, as plain text."""

from __future__ import annotations

from rich.console import Console, RenderableType


def shown(view: RenderableType, width: int = 200) -> str:
    console = Console(width=width, force_terminal=False, no_color=True)
    with console.capture() as captured:
        console.print(view)
    return captured.get()
