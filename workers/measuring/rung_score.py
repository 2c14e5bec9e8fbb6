"""How good, how fast and how large a rung of the ladder is, by the engine that would serve it. Trains nothing."""

from __future__ import annotations

from collections.abc import Sequence

from infra.settings import Settings
from specialists.bases.weights import ensure
from specialists.examples import Example
from specialists.manifest import LINEAR
from specialists.specialist import Specialist
from specialists.training.ladder.climb import Score
from workers.engines.heads.need import need_of as need_of_head
from workers.engines.memory import MIB, WORKING, need_of, numbers_in
from workers.measuring.evaluate import evaluate_here

FP32 = 4  #: bytes
WRITTEN_TOKENS = 1024  #: of the prompt and the answer of a slot, where answers are written


def rung_score(specialist: Specialist, dev: Sequence[Example], settings: Settings) -> Score:
    found = evaluate_here(specialist, dev, settings)
    metric = next(iter(found.metrics))
    return Score(
        metric=metric,
        value=found.metrics[metric],
        interval=found.intervals[metric],
        right=round(100 * sum(each.right for each in found.answers) / found.n, 2),
        jobs_per_s=found.jobs_per_s,
        memory_mib=round(_memory(specialist, settings) / MIB),
    )


def _memory(specialist: Specialist, settings: Settings) -> int:
    """Bytes, as a worker reckons them before it loads anything."""
    base, head = specialist.manifest.base, specialist.manifest.head
    adapters = [specialist.adapter_path] if specialist.adapter_path else []
    assert base, "every rung has a base"
    if base.name == LINEAR:
        return WORKING + FP32 * sum(map(numbers_in, adapters))
    folder = ensure(base.name, settings.weights)
    if head:
        return need_of_head(folder, adapters, head.layers).total
    need = need_of(folder, adapters, settings.slots, WRITTEN_TOKENS, FP32)
    return need.total if need else 0
