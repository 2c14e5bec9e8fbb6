"""The peer that most people would build first: a Celery worker that calls transformers' `generate`, one task at a time.

`benchmarks.engine.run` runs it as `celery --app benchmarks.peer worker --pool solo`. It has the same base, the same
adapter (merged by peft) and the same prompt text, and it is greedy as well. It has no grammar: it stops at the end of
sequence.
"""

from __future__ import annotations

import os
from typing import Any

import torch
from celery import Celery

from benchmarks.peer_model import load, text_of
from specialists.bases.model import encode

URL = os.environ["PEER_REDIS_URL"]  # a benchmark's own process, started with this variable alone

app = Celery("peer", broker=URL, backend=URL)
app.conf.update(worker_prefetch_multiplier=1, task_acks_late=True)


@app.task(name="peer.answer")  # type: ignore[untyped-decorator]  # Celery ships no types
def answer(name: str, input: dict[str, Any]) -> dict[str, Any]:
    specialist, model, tokenizer = load(name)
    prompt = torch.tensor([encode(tokenizer, specialist.render(input))], device=model.device)
    with torch.inference_mode():
        found = model.generate(
            prompt,
            attention_mask=torch.ones_like(prompt),
            max_new_tokens=specialist.answer_tokens,
            do_sample=False,
            pad_token_id=tokenizer.eos_token_id,
        )
    tokens = found[0, prompt.shape[1] :].tolist()
    return {"text": text_of(tokenizer, tokens, specialist.answer_tokens), "tokens": len(tokens)}
