"""Links of a page that lead out of the documentation: the site has no page for them. Reads no file."""

from __future__ import annotations

import posixpath
import re

LINK = re.compile(r"\[([^]]+)\]\((\.\./[^)]+)\)")


def unlinked(markdown: str, path: str) -> str:
    """The Markdown of the page at `path`, below `docs/`, with only the words of each link that leads out of it."""
    folder = posixpath.dirname(path)

    def within(link: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(folder, link[2]))
        return link[1] if target.startswith("../") else link[0]

    return LINK.sub(within, markdown)
