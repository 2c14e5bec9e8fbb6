"""Memory: what a model's engine will need, what is available, and whether the two fit. Loads no model."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from typing import Any

from workers.engines import EngineError

MIB, GIB = 1 << 20, 1 << 30

#: For torch, the tokenizer and the arithmetic of one step. With it the estimates were 1.03, 1.48 and 3.01 GiB, and the
#: peaks of the process were 1.01, 1.45 and 3.03: with triage in 1 slot, in 16, and with all four models in 16 (CPU,
#: torch 2.13, 2026-11).
WORKING = 512 * MIB

#: A cgroup without a limit says "max" in v2, and in v1 a number beyond any machine.
UNLIMITED = 1 << 60


class MemoryShort(EngineError):
    """The engine would not fit. The message says what is needed, what is available, and what to lower."""

    def __init__(self, message: str) -> None:
        super().__init__(message, retryable=False)


@dataclass(frozen=True)
class Need:
    """The need in bytes, known before anything is loaded."""

    weights: int
    adapters: int
    slot: int  #: keys and values of one slot
    slots: int
    prefixes: int = 0  #: keys and values of prompts, kept for other prompts that begin alike
    loading: int = 0  #: needed only until the weights are laid out, while no slot is used yet
    working: int = WORKING

    @property
    def slots_bytes(self) -> int:
        return self.slot * self.slots

    @property
    def total(self) -> int:
        fixed = self.weights + self.adapters + self.working
        return fixed + max(self.loading, self.prefixes + self.slots_bytes)

    def slots_in(self, available: int) -> int:
        """How many slots would fit into `available` bytes."""
        if replace(self, slots=0).total > available:
            return 0
        return (available - self.weights - self.adapters - self.working - self.prefixes) // self.slot

    def __str__(self) -> str:
        return (
            f"{gib(self.total)} (weights {gib(self.weights)}, {gib(self.loading)} more to load them, "
            f"adapters {gib(self.adapters)}, keys and values {gib(self.slots_bytes)} in {self.slots} slots and "
            f"{gib(self.prefixes)} of prefixes, working {gib(self.working)})"
        )


def need_of(
    base: Path, adapters: Iterable[Path], slots: int, length: int, width: int, weight_width: int | None = None
) -> Need | None:
    """The need of the model in folder `base`, with `slots` sequences of up to `length` tokens. `width`: bytes of a
    number; `weight_width`: bytes of a number of the weights, if they are others.

    None if its files do not say: weights that are not in safetensors, or a config that does not use Llama's words.
    """
    weights = sum(map(numbers_in, base.glob("*.safetensors")))
    a_token = _numbers_a_token(json.loads((base / "config.json").read_text("utf-8")))
    if not weights or a_token is None:
        return None
    return Need(
        weights * (weight_width or width), sum(map(numbers_in, adapters)) * width, width * length * a_token, slots
    )


def head_numbers(base: Path) -> int:
    """The numbers of the embedding. An engine may have it twice: to look tokens up, and laid out for products."""
    config = json.loads((base / "config.json").read_text("utf-8"))
    return int(config.get("vocab_size", 0)) * int(config.get("hidden_size", 0))


def check(need: Need | None, available: int | None, where: str) -> None:
    """Raise MemoryShort if `need` is more than `available` bytes. None is unknown, and then nothing is refused."""
    if need is None or available is None or need.total <= available:
        return
    fitting = need.slots_in(available)
    advice = f"lower --slots to {fitting}" if fitting > 0 else "not even one slot fits: take a machine with more memory"
    raise MemoryShort(
        f"the model needs {need}, and {gib(available)} of {where} are available: {advice}, "
        "or have this worker serve fewer specialists"
    )


def numbers_in(file: Path) -> int:
    """How many numbers the tensors of a safetensors file have. This reads only the header. Raises EngineError."""
    size = file.stat().st_size
    with file.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        text = stream.read(length) if length < size else b""
    try:
        header = json.loads(text)
    except ValueError:
        raise EngineError(f"{file.parent.name}/{file.name} is no file of safetensors", retryable=False) from None
    return sum(prod(tensor["shape"]) for name, tensor in header.items() if name != "__metadata__")


def _numbers_a_token(config: dict[str, Any]) -> int | None:
    """The numbers of keys and values for each token, over all layers."""
    layers, heads, hidden = map(config.get, ("num_hidden_layers", "num_attention_heads", "hidden_size"))
    if not (layers and heads and hidden):
        return None
    width = config.get("head_dim") or hidden // heads
    numbers: int = 2 * layers * (config.get("num_key_value_heads") or heads) * width
    return numbers


def available_here(proc: Path = Path("/proc"), cgroups: Path = Path("/sys/fs/cgroup")) -> int | None:
    """Bytes that this process may still take, from the machine and from each of its cgroups. None: not Linux."""
    machine = _field(proc / "meminfo", "MemAvailable:")
    if machine is None:
        return None
    return min([machine * 1024, *_rooms(proc / "self/cgroup", cgroups)])


def resident_here(proc: Path = Path("/proc")) -> int | None:
    """Bytes that this process has in memory; None on other systems than Linux."""
    resident = _field(proc / "self/status", "VmRSS:")
    return None if resident is None else resident * 1024


def _rooms(own: Path, cgroups: Path) -> Iterator[int]:
    """What is left in each cgroup, from our own up to the root, because a limit holds for all groups below it.

    In a container the path may be the host's, of which only the root is visible. Missing folders are passed over.
    """
    try:
        lines = own.read_text("utf-8").splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "memory":
            root, files = cgroups / "memory", V1
        elif controllers == "":
            root, files = cgroups, V2
        else:
            continue
        folder = root / path.lstrip("/")
        for each in (folder, *folder.parents):
            if each.is_relative_to(root):
                yield from _room(each, files)


@dataclass(frozen=True)
class CgroupFiles:
    limit: str
    usage: str
    reclaimable: str  #: the field of memory.stat with the file pages that the kernel gives up first


V1 = CgroupFiles("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
V2 = CgroupFiles("memory.max", "memory.current", "inactive_file")


def _room(folder: Path, files: CgroupFiles) -> Iterator[int]:
    limit, usage = _number(folder / files.limit), _number(folder / files.usage)
    if limit is not None and usage is not None and limit < UNLIMITED:
        yield max(0, limit - usage + (_field(folder / "memory.stat", files.reclaimable) or 0))


def _number(file: Path) -> int | None:
    try:
        return int(file.read_text("utf-8"))
    except (OSError, ValueError):  # it is "max", or the file is missing
        return None


def _field(file: Path, name: str) -> int | None:
    try:
        lines = file.read_text("utf-8").splitlines()
    except OSError:
        return None
    return next((int(words[1]) for line in lines if (words := line.split()) and words[0] == name), None)


def gib(size: int) -> str:
    return f"{size / GIB:.2f} GiB"
