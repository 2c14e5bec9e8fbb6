"""The table of reference pages: where each stands on the site, and what writes it."""

from __future__ import annotations

from collections.abc import Callable

from docs.generator.commands import commands_page
from docs.generator.engines import engines_page
from docs.generator.exits import exits_page
from docs.generator.http import http_page
from docs.generator.manifest import manifest_page
from docs.generator.metrics import metrics_page
from docs.generator.settings import settings_page

PAGES: dict[str, Callable[[], str]] = {
    "reference/settings.md": settings_page,
    "reference/manifest.md": manifest_page,
    "reference/commands.md": commands_page,
    "reference/http.md": http_page,
    "reference/exits.md": exits_page,
    "reference/engines.md": engines_page,
    "reference/metrics.md": metrics_page,
}
