"""Memory before a model is loaded: what is needed, what there is, and what is said where it does not fit."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from workers.engines import EngineError
from workers.engines.memory import (
    GIB,
    WORKING,
    MemoryShort,
    Need,
    available_here,
    check,
    need_of,
    numbers_in,
    resident_here,
)

LLAMA = {"num_hidden_layers": 2, "num_attention_heads": 9, "num_key_value_heads": 3, "hidden_size": 576}


def write_tensors(path: Path, *shapes: list[int]) -> Path:
    """A safetensors file without its data: nothing here reads that."""
    header = {f"t{n}": {"dtype": "F16", "shape": shape, "data_offsets": [0, 0]} for n, shape in enumerate(shapes)}
    text = json.dumps(header | {"__metadata__": {"format": "pt"}}).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text)
    return path


@pytest.fixture
def base(tmp_path: Path) -> Path:
    (tmp_path / "config.json").write_text(json.dumps(LLAMA))
    write_tensors(tmp_path / "model.safetensors", [100, 10], [7])
    return tmp_path


def write_machine(root: Path, available_kib: int, groups: str = "") -> tuple[Path, Path]:
    """The folders that stand for /proc and /sys/fs/cgroup."""
    proc, cgroups = root / "proc", root / "cgroup"
    (proc / "self").mkdir(parents=True)
    cgroups.mkdir()
    (proc / "meminfo").write_text(f"MemTotal: 99999999 kB\nMemFree: 1 kB\nMemAvailable: {available_kib} kB\n")
    (proc / "self/cgroup").write_text(groups)
    return proc, cgroups


def write_group(folder: Path, **files: object) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(f"{text}\n")


def test_the_numbers_of_a_file_are_counted_by_its_header(tmp_path: Path) -> None:
    assert numbers_in(write_tensors(tmp_path / "a.safetensors", [2, 3], [4], [])) == 2 * 3 + 4 + 1


def test_weights_adapters_and_slots_are_counted_in_the_width_of_the_device(base: Path) -> None:
    adapter = write_tensors(base.parent / "adapter.safetensors", [5, 2])
    for width in (2, 4):
        need = need_of(base, [adapter], slots=8, length=100, width=width)
        slot = 2 * 2 * 3 * 64 * 100 * width  # keys and values, layers, heads, numbers a head, tokens
        assert need == Need(weights=1007 * width, adapters=10 * width, slot=slot, slots=8)
        assert need.total == (1007 + 10) * width + 8 * slot + WORKING


def test_weights_may_be_of_another_width_than_keys_and_values(base: Path) -> None:
    need = need_of(base, [], slots=1, length=1, width=4, weight_width=1)
    assert need
    assert (need.weights, need.slot) == (1007, 2 * 2 * 3 * 64 * 4)


def test_what_only_loading_needs_is_not_added_to_what_only_serving_needs() -> None:
    need = Need(weights=10, adapters=0, slot=2, slots=5, prefixes=3, loading=20, working=1)
    assert need.total == 10 + 1 + 20
    assert replace(need, loading=4).total == 10 + 1 + 3 + 2 * 5
    assert [need.slots_in(available) for available in (30, 31, 33)] == [0, 8, 9]


def test_a_model_without_shared_heads_has_keys_for_each(base: Path) -> None:
    whole = {"num_hidden_layers": 1, "num_attention_heads": 4, "hidden_size": 64, "head_dim": 32}
    (base / "config.json").write_text(json.dumps(whole))
    need = need_of(base, [], slots=1, length=1, width=4)
    assert need
    assert need.slot == 2 * 4 * 32 * 4


@pytest.mark.parametrize(
    "config",
    [{"text_config": LLAMA}, {"n_layer": 2, "n_head": 9, "n_embd": 576}, LLAMA | {"num_attention_heads": None}],
    ids=["nested", "other names", "nothing said"],
)
def test_nobody_knows_what_a_model_needs_whose_config_does_not_say(base: Path, config: dict[str, object]) -> None:
    (base / "config.json").write_text(json.dumps(config))
    assert need_of(base, [], slots=1, length=1, width=4) is None


def test_nobody_knows_what_weights_need_that_are_no_safetensors(base: Path) -> None:
    (base / "model.safetensors").rename(base / "pytorch_model.bin")
    assert need_of(base, [], slots=1, length=1, width=4) is None


def test_what_fits_is_not_refused() -> None:
    need = Need(weights=10, adapters=0, slot=1, slots=5, working=5)
    check(need, available=20, where="memory")
    check(need, available=None, where="memory")
    check(None, available=20, where="memory")


def test_what_does_not_fit_says_how_many_slots_would() -> None:
    need = Need(weights=GIB, adapters=0, slot=GIB // 4, slots=16, working=0)
    with pytest.raises(MemoryShort) as caught:
        check(need, available=3 * GIB, where="cpu's memory")
    assert "needs 5.00 GiB (weights 1.00 GiB" in str(caught.value)
    assert "3.00 GiB of cpu's memory are available: lower --slots to 8," in str(caught.value)
    assert not caught.value.retryable
    check(Need(weights=GIB, adapters=0, slot=GIB // 4, slots=8, working=0), available=3 * GIB, where="cpu's memory")


def test_where_not_one_slot_fits_no_number_of_slots_is_advised() -> None:
    with pytest.raises(MemoryShort, match="not even one slot fits"):
        check(Need(weights=GIB, adapters=0, slot=1, slots=16), available=GIB, where="memory")


def test_a_machine_without_limits_has_what_is_available(tmp_path: Path) -> None:
    assert available_here(*write_machine(tmp_path, 2048)) == 2048 * 1024


def test_a_limit_of_a_cgroup_counts_less_what_is_used_and_cannot_be_reclaimed(tmp_path: Path) -> None:
    proc, cgroups = write_machine(tmp_path, 999_999, "0::/app/worker\n")
    stat = "anon 1\ninactive_file 300\n"
    write_group(cgroups / "app/worker", memory__max=10_000, memory__current=4_000, memory__stat=stat)
    assert available_here(proc, cgroups) == 10_000 - 4_000 + 300


def test_a_limit_above_holds_for_the_cgroups_below(tmp_path: Path) -> None:
    proc, cgroups = write_machine(tmp_path, 999_999, "0::/app/worker\n")
    write_group(cgroups / "app/worker", memory__max="max", memory__current=4_000)
    write_group(cgroups / "app", memory__max=9_000, memory__current=5_000)
    assert available_here(proc, cgroups) == 4_000


def test_a_container_sees_its_own_cgroup_as_the_root(tmp_path: Path) -> None:
    proc, cgroups = write_machine(tmp_path, 999_999, "0::/../../docker/1234\n")
    write_group(cgroups, memory__max=7_000, memory__current=1_000)
    assert available_here(proc, cgroups) == 6_000


def test_the_first_version_of_cgroups_counts_too(tmp_path: Path) -> None:
    proc, cgroups = write_machine(tmp_path, 999_999, "4:memory:/docker/1234\n3:cpu:/\n0::/\n")
    unlimited = 9223372036854771712
    write_group(cgroups / "memory", memory__limit_in_bytes=unlimited, memory__usage_in_bytes=1)
    write_group(
        cgroups / "memory/docker/1234",
        memory__limit_in_bytes=5_000,
        memory__usage_in_bytes=2_000,
        memory__stat="total_inactive_file 500",
    )
    assert available_here(proc, cgroups) == 3_500


def test_a_cgroup_that_is_over_its_limit_has_nothing_left(tmp_path: Path) -> None:
    proc, cgroups = write_machine(tmp_path, 999_999, "0::/\n")
    write_group(cgroups, memory__max=1_000, memory__current=1_200)
    assert available_here(proc, cgroups) == 0


def test_where_there_is_no_proc_nobody_knows(tmp_path: Path) -> None:
    assert available_here(tmp_path, tmp_path) is None
    assert resident_here(tmp_path) is None


def test_what_a_process_has_in_memory_is_read(tmp_path: Path) -> None:
    (tmp_path / "self").mkdir()
    (tmp_path / "self/status").write_text("Name:\tpython\nVmRSS:\t    2048 kB\n")
    assert resident_here(tmp_path) == 2048 * 1024


@pytest.mark.parametrize("written", [b"", b"GGUF", b"\xff" * 8 + b"{}", (4).to_bytes(8, "little") + b"nope and more"])
def test_a_file_that_is_none_of_tensors_is_named(written: bytes, tmp_path: Path) -> None:
    file = tmp_path / "adapter.safetensors"
    file.write_bytes(written)
    with pytest.raises(EngineError, match=r"/adapter.safetensors is no file of safetensors"):
        numbers_in(file)
