"""The planner engine: goals in, plans out, with a small encoder that matches and a search. Knows no queue, no run."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import torch

from infra.settings import Settings
from specialists.bases.weights import ensure
from specialists.heads.encoder import metadata_of
from specialists.heads.matcher import Scorer
from specialists.planning.planner import Planner
from specialists.planning.ranking.calibration import Calibration
from specialists.planning.words.texts import TASKS
from specialists.specialist import Specialist
from workers.engines import EngineError
from workers.engines.build import build_of
from workers.engines.function import Function, FunctionEngine

log = logging.getLogger(__name__)


class PlannerEngine(FunctionEngine):
    """Plans one goal at a time: its products take all cores, so two at once would only hold each other up."""

    name = "planner"
    build = build_of("torch", "tokenizers")
    precision = "fp32"
    threads = 1
    close_s = 5.0  #: Python aborts if it ends while a thread is inside torch

    @classmethod
    def create(cls, specialists: Sequence[Specialist], settings: Settings) -> PlannerEngine:
        return cls({each.name: load_planner(each, settings) for each in specialists}, settings.stall_s)


def load_planner(specialist: Specialist, settings: Settings) -> Function:
    """The planner's function from input to output. Raises WeightsError or EngineError."""
    manifest = specialist.manifest
    adapter = specialist.adapter_path
    if manifest.base is None or adapter is None:
        raise EngineError(f"{specialist.name!r} names no base or no adapter", retryable=False)
    base = ensure(manifest.base.name, settings.weights, log.info, manifest.base.sha256)
    if settings.threads:
        torch.set_num_threads(settings.threads)
    try:
        return Planner(Scorer.load(base, adapter, TASKS), Calibration.read(metadata_of(adapter))).plan
    except (KeyError, TypeError, ValueError) as error:
        raise EngineError(f"{specialist.name!r}: its adapter cannot be used: {error}", retryable=False) from error
