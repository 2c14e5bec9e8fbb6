"""A decode step at several batch sizes, beside the least time that the device could need, and the parts of the rest.

The least time is the larger of two: the bytes of the weights and of the keys and values, at the speed of reading
memory; and the operations, at the speed of large products. Both speeds are measured in the same run.
"""

from __future__ import annotations

import json
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch.profiler import ProfilerActivity, profile

from benchmarks.delivery.tables import Row, show
from benchmarks.engine.child import folder_of
from benchmarks.engine.floor import operations_per_s, read_bytes_per_s, settle
from benchmarks.engine.options import Options
from infra.settings import Settings
from workers.engines.limits import hosted_of
from workers.engines.mask import Mask
from workers.engines.memory import need_of, numbers_in
from workers.engines.precision import fastest
from workers.engines.transformers.decoder import Decoder, best_device
from workers.engines.transformers.grouping import Piece
from workers.engines.transformers.techniques import Techniques

BATCHES = (1, 8, 32)
CONTEXT = 64  #: tokens that each slot holds, as for a triage prompt
STEPS = 30  #: steps of one measurement
ROUNDS = 5
FEW = 8  #: how many tokens may come next in the case "few"
PROFILED = 32

#: Part of torch's name for an operation -> its purpose; the first match counts.
PARTS = {
    "_linear_pointwise": "products of layers",
    "linear": "products of layers",
    "addmm": "products of layers",
    "mm": "products of layers",
    "mv": "products of layers",
    "attention": "attention",
    "rms_norm": "norms",
    "index": "keys, values and embeddings: stored and looked up",
    "copy": "numbers from one width to another",
    "topk": "the best token",
    "argmax": "the best token",
    "masked_fill": "the best token",
    "silu": "element by element",
    "mul": "element by element",
    "add": "element by element",
}
OTHER = "views and the like"


def steps(options: Options) -> Iterator[tuple[str, Any]]:
    """Yield the findings by name."""
    device = best_device()
    precision = fastest(device)
    workload = options.workload("triage")
    hosted, base = hosted_of(workload.specialist), folder_of(workload.specialist)
    if threads := Settings().threads:
        torch.set_num_threads(threads)
    read, multiply = read_bytes_per_s(device), operations_per_s(device, precision.dtype)
    slots, adapters = max(BATCHES), {workload.name: hosted.adapter}
    decoder = Decoder(base, adapters, slots, hosted.tokens, device, precision, Techniques())
    weights = sum(map(numbers_in, base.glob("*.safetensors")))
    need = need_of(base, [], slots, 1, precision.dtype.itemsize)
    assert need, "the base's files say how large it is"
    config = json.loads((base / "config.json").read_text("utf-8"))
    head = config["vocab_size"] * config["hidden_size"]
    model = Model(decoder, device, workload.name)
    rows = []
    for batch in BATCHES:
        for asked, allowed in (("few", model.few()), ("any", model.any())):
            seconds = statistics.median(model.step_s(batch, allowed) for _ in range(ROUNDS))
            numbers = weights - (head if asked == "few" else 0)
            least_bytes = numbers * precision.weight_bytes + batch * CONTEXT * need.slot
            least = max(least_bytes / read, 2 * numbers * batch / multiply)
            rows.append({
                "batch": batch, "may come next": asked, "step_ms": 1e3 * seconds, "floor_ms": 1e3 * least,
                "ratio": seconds / least, "share_of_memory": least_bytes / read / seconds,
            })  # fmt: skip
    speeds = f"reads {read / 1e9:.1f} GB/s, multiplies {multiply / 1e9:.0f} GFLOP/s"
    show(rows, f"{precision}, {CONTEXT} tokens of context; {device} {speeds}.")
    parts = model.profiled(PROFILED)
    show(parts, f"Where a step of {PROFILED} goes, any token may come next.")
    yield "read_bytes_per_s", read
    yield "operations_per_s", multiply
    yield "precision", precision
    yield "rows", rows
    yield "parts", parts


class Model:
    def __init__(self, decoder: Decoder, device: str, specialist: str) -> None:
        self._decoder, self._device, self._specialist = decoder, device, specialist
        self._vocabulary = decoder.vocabulary
        for slot in range(max(BATCHES)):
            decoder.feed([Piece(slot, 0, list(range(1000, 1000 + CONTEXT)), specialist)], [True])

    def few(self) -> Mask:
        may = np.zeros(-(-self._vocabulary // 32) * 32, bool)
        may[1000 : 1000 + FEW] = True
        return np.packbits(may, bitorder="little")

    def any(self) -> Mask:
        may = np.zeros(-(-self._vocabulary // 32) * 32, bool)
        may[: self._vocabulary] = True
        return np.packbits(may, bitorder="little")

    def step_s(self, batch: int, allowed: Mask) -> float:
        """The seconds of one step, as the mean of several in a row."""
        self._step(batch, allowed)
        started = time.perf_counter()
        for _ in range(STEPS):
            self._step(batch, allowed)
        settle(self._device)
        return (time.perf_counter() - started) / STEPS

    def _step(self, batch: int, allowed: Mask) -> None:
        pieces = [Piece(slot, CONTEXT, [1000], self._specialist) for slot in range(batch)]
        hidden = self._decoder.feed(pieces, [True] * batch)
        self._decoder.choose(hidden, [allowed] * batch)

    def profiled(self, batch: int) -> list[Row]:
        allowed = self.any()
        plain_s = statistics.median(self.step_s(batch, allowed) for _ in range(3))
        cuda = [ProfilerActivity.CUDA] if self._device.startswith("cuda") else []
        with profile(activities=[ProfilerActivity.CPU, *cuda]) as profiler:
            started = time.perf_counter()
            for _ in range(STEPS):
                self._step(batch, allowed)
            settle(self._device)
            wall_us = 1e6 * (time.perf_counter() - started)
        spent: dict[str, float] = defaultdict(float)
        for event in profiler.key_averages():
            on_device = event.self_device_time_total if cuda else event.self_cpu_time_total
            spent[part_of(event.key)] += on_device
        spent["Python, and waiting"] = max(0.0, wall_us - sum(spent.values()))
        order: Callable[[str], float] = lambda name: -spent[name]  # noqa: E731 - a key, and no more
        return [
            {"part": name, "percent": 100 * spent[name] / wall_us, "ms_a_step": 1e3 * plain_s * spent[name] / wall_us}
            for name in sorted(spent, key=order)
        ]


def part_of(name: str) -> str:
    return next((part for key, part in PARTS.items() if key in name), OTHER)
