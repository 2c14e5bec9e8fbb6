"""Examples as tokens: prompts cut as an engine cuts them, and answers as a model is to write them. Knows no model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from specialists.bases.model import encode
from specialists.examples import Example
from specialists.fitting import Unfit, fit
from specialists.specialist import Specialist

#: Padded tokens in one pass: 320 train at 810 tokens/s, 1,280 at 1,050, and memory grows with them (two Zen 5 cores,
#: smollm2-135m in bf16, 2026-11-28).
PART_TOKENS = 1024


@dataclass(frozen=True)
class Tokens:
    prompt: list[int]
    answer: list[int]  #: it ends with the end-of-sequence token

    def __len__(self) -> int:
        return len(self.prompt) + len(self.answer)


def tokenise(specialist: Specialist, tokenizer: Any, examples: Sequence[Example]) -> list[Tokens]:
    """Return the examples as tokens, with prompts cut as an engine cuts them. Examples that an engine could not take or
    could not finish are left out.
    """
    found = (_tokens(specialist, tokenizer, example) for example in examples)
    return [each for each in found if each]


def _tokens(specialist: Specialist, tokenizer: Any, example: Example) -> Tokens | None:
    text, limit = specialist.fill(example.input), specialist.manifest.limits.input_tokens
    answer = encode(tokenizer, specialist.write(example.output))
    if len(answer) > specialist.answer_tokens:
        return None
    try:
        prompt, _ = fit(partial(encode, tokenizer), text.text, text.cut, limit)
    except Unfit:
        return None
    return Tokens(prompt, [*answer, tokenizer.eos_token_id])
