"""The memory that heads on one base need, before anything is loaded. Loads no model."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from pathlib import Path

from workers.engines.memory import Need, available_here, check, gib, head_numbers, numbers_in

log = logging.getLogger(__name__)

FP32 = 4  #: bytes
PASSING = 64 << 20  #: bytes of activations of a pass


def need_of(base: Path, heads: Sequence[Path], layers: int | None) -> Need:
    """`layers`: those that are run; None for all. A base's layers are of one size."""
    config = json.loads((base / "config.json").read_text("utf-8"))
    numbers, embedding = sum(map(numbers_in, base.glob("*.safetensors"))), head_numbers(base)
    share = min(1.0, (layers or config["num_hidden_layers"]) / config["num_hidden_layers"])
    weights = embedding + round(share * (numbers - embedding))
    # While a weight that is several of the file's is put together, it is there twice.
    return Need(FP32 * weights, FP32 * sum(map(numbers_in, heads)), PASSING, 1, loading=FP32 * embedding)


def check_memory(base: Path, heads: Sequence[Path], layers: int | None) -> None:
    """Raises MemoryShort."""
    need, available = need_of(base, heads, layers), available_here()
    check(need, available, "the machine's memory")
    there = "unknown" if available is None else gib(available)
    log.info("memory: heads need %s; available: %s", need, there, extra={"action": "check"})
