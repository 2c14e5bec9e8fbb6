"""A peer's model: transformers' own, with the specialist's adapter merged by peft, in its fastest form here."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import torch

from benchmarks.engine.written import load_written
from infra.settings import Settings
from specialists.bases.model import load_base
from specialists.bases.weights import ensure
from workers.engines.precision import fastest
from workers.engines.transformers.decoder import best_device


@cache
def load(name: str) -> tuple[Any, Any, Any]:
    """Load the specialist, its model with the adapter merged, and the tokenizer."""
    settings = Settings()
    specialist = load_written(name)
    assert specialist.manifest.base
    model, tokenizer = load_base(ensure(specialist.manifest.base.name, settings.weights))
    if specialist.manifest.adapter:
        model = merged(model, specialist)
    if settings.threads:
        torch.set_num_threads(settings.threads)
    device = best_device()
    return specialist, model.eval().to(device, fastest(device).dtype), tokenizer


def text_of(tokenizer: Any, tokens: Sequence[int], most: int) -> str | None:
    """Decode `tokens`; None if there are `most` of them and they did not come to an end."""
    if len(tokens) >= most and tokens[-1] != tokenizer.eos_token_id:
        return None
    text: str = tokenizer.decode(tokens, skip_special_tokens=True)
    return text


def merged(model: Any, specialist: Any) -> Any:
    from peft import get_peft_model, set_peft_model_state_dict
    from safetensors.torch import load_file

    from specialists.training.lora import lora_config

    adapter = specialist.manifest.adapter
    wrapped = get_peft_model(model, lora_config(adapter.rank, adapter.alpha))
    set_peft_model_state_dict(wrapped, load_file(specialist.adapter_path))
    return wrapped.merge_and_unload()
