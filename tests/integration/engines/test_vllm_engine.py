"""The vLLM engine: what it says where vLLM is missing, what it hands to vLLM, and several specialists on one base."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest
from safetensors.torch import load_file

from benchmarks.engine.written import load_written
from infra.settings import Settings
from specialists.examples import EXAMPLES, read_examples
from specialists.specialist import Specialist
from workers.engines import EngineError, PromptTooLong, Request
from workers.engines.limits import hosted_of
from workers.engines.load import load_engines
from workers.engines.vllm.peft_folder import ensure_peft
from workers.measuring.evaluate import evaluate

INSTALLED = find_spec("vllm") is not None
WAIT_S = 120


def by_vllm(name: str) -> Specialist:
    specialist = load_written(name)
    return replace(specialist, manifest=specialist.manifest.model_copy(update={"engine": "vllm"}))


@pytest.mark.skipif(INSTALLED, reason="vLLM is installed")
def test_where_vllm_is_missing_it_says_what_to_install() -> None:
    with pytest.raises(EngineError, match="pip install vllm") as caught:
        load_engines([by_vllm("triage")], Settings())

    assert not caught.value.retryable


def test_an_adapter_becomes_a_folder_that_peft_reads(tmp_path: Path) -> None:
    peft = pytest.importorskip("peft")
    adapter = hosted_of(by_vllm("triage")).adapter
    assert adapter

    folder = ensure_peft(adapter, tmp_path)

    config = peft.PeftConfig.from_pretrained(folder)
    assert (config.peft_type, config.r, config.lora_alpha) == ("LORA", adapter.rank, adapter.alpha)
    assert config.target_modules == {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}
    assert load_file(folder / "adapter_model.safetensors").keys() == load_file(adapter.path).keys()
    assert ensure_peft(adapter, tmp_path) == folder
    assert ensure_peft(replace(adapter, alpha=1), tmp_path) != folder


@pytest.mark.filterwarnings("default")  # vLLM warns of itself while it is imported
@pytest.mark.skipif(not INSTALLED, reason="engine vllm needs vLLM, in an environment of its own: docs/engines.md")
def test_specialists_on_one_base_answer_as_their_examples_say() -> None:
    specialists = [by_vllm(name) for name in ("triage", "command", "entities")]
    engines = load_engines(specialists, Settings(slots=8))
    try:
        assert len({id(engine) for engine in engines.values()}) == 1
        for specialist in specialists:
            found = evaluate(specialist, read_examples(specialist.folder / EXAMPLES), engines[specialist.name])
            assert found.valid_share == 100
            assert all(percent >= 80 for percent in found.metrics.values()), found.metrics
        stats = engines["triage"].stats()
        assert (stats.running, stats.waiting) == (0, 0)
        assert 0 < stats.steps <= stats.rows
        assert stats.step_s > 0
        first = engines["triage"].submit(Request("1", "triage", "tea " * 300, "start: /[a-z]{9}/", 4)).result(WAIT_S)
        again = engines["triage"].submit(Request("1", "triage", "tea " * 300, "start: /[a-z]{9}/", 4)).result(WAIT_S)
        assert again.text == first.text
        assert again.reused > 100
        with pytest.raises(PromptTooLong):
            engines["triage"].submit(Request("2", "triage", "tea " * 900, None, 4)).result(WAIT_S)
    finally:
        engines["triage"].close()
