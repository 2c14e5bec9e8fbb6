"""Models that were never trained for their job types: they are served only if that is wanted. Starts nothing."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from specialists.specialist import Specialist

log = logging.getLogger("workers.app")


class Untrained(Exception):
    """A worker would serve models that were never trained. The message says which, and what to do."""


def check_trained(specialists: Sequence[Specialist], untrained: bool) -> None:
    """Raise Untrained if a language model was never taught its job, unless `untrained` allows that."""
    manifests = [specialist.manifest for specialist in specialists if not specialist.manifest.trained]
    names = [manifest.name for manifest in manifests]
    if names and not untrained:
        written = any(manifest.decoding for manifest in manifests)
        tuned = "say `tuned = true` in [base] where the weights themselves were trained for it, " if written else ""
        raise Untrained(
            f"{', '.join(names)}: never trained, so its answers would be guesses; run `manyhands train {names[0]}`, "
            f"{tuned}or serve it all the same with `--untrained` (MANYHANDS_UNTRAINED=true)"
        )
    if names:
        log.warning("serves %s, never trained: its answers are guesses", ", ".join(names), extra={"action": "serve"})
