"""The peer: what most people build first. A Celery worker that calls transformers' `generate` for one task at a time.

Run by `benchmarks.worker` as `celery --app benchmarks.peer worker --pool solo`. Same base, same adapter (merged by
peft), same prompt text, greedy as well. It has no grammar: it stops at the end of sequence.
"""

from __future__ import annotations

import os
from functools import cache
from typing import Any

import torch
from celery import Celery

from infra.settings import Settings
from specialists.catalog import load_catalog
from specialists.training.base_model import encode, load_base
from specialists.weights import ensure

URL = os.environ["PEER_REDIS_URL"]  # a benchmark's own process, started with nothing but this

app = Celery("peer", broker=URL, backend=URL)
app.conf.update(worker_prefetch_multiplier=1, task_acks_late=True)


@app.task(name="peer.answer")
def answer(name: str, input: dict[str, Any]) -> dict[str, Any]:
    specialist, model, tokenizer = load(name)
    prompt = torch.tensor([encode(tokenizer, specialist.render(input))])
    with torch.inference_mode():
        found = model.generate(
            prompt,
            attention_mask=torch.ones_like(prompt),
            max_new_tokens=specialist.manifest.decoding.max_tokens,
            do_sample=False,
            pad_token_id=tokenizer.eos_token_id,
        )
    tokens = found[0, prompt.shape[1] :]
    return {"text": tokenizer.decode(tokens, skip_special_tokens=True), "tokens": len(tokens)}


@cache
def load(name: str) -> tuple[Any, Any, Any]:
    """The specialist, its model with the adapter merged, and the tokenizer."""
    settings = Settings()
    specialist = load_catalog(settings.specialists).get(name)
    model, tokenizer = load_base(ensure(specialist.manifest.base.name, settings.weights))
    if specialist.manifest.adapter:
        model = merged(model, specialist)
    if settings.threads:
        torch.set_num_threads(settings.threads)
    return specialist, model.eval(), tokenizer


def merged(model: Any, specialist: Any) -> Any:
    from peft import get_peft_model, set_peft_model_state_dict
    from safetensors.torch import load_file

    from specialists.training.lora import lora_config

    adapter = specialist.manifest.adapter
    wrapped = get_peft_model(model, lora_config(adapter.rank, adapter.alpha))
    set_peft_model_state_dict(wrapped, load_file(specialist.adapter_path))
    return wrapped.merge_and_unload()
