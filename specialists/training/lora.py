"""LoRA fine-tuning of one specialist: examples in, adapter out, resumable. Knows nothing of queues or serving."""

from __future__ import annotations

import hashlib
import json
import math
import random
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model, get_peft_model_state_dict, set_peft_model_state_dict
from safetensors.torch import load_file, save_file

from specialists.examples import Example
from specialists.specialist import ADAPTER, Specialist
from specialists.training.base_model import encode, load_base

CHECKPOINT = "checkpoint.pt"
LOG = "train.jsonl"
#: Padded tokens in one pass. More spill the cores' caches: batches of 2,050 tokens trained at 130 tokens/s and held
#: 14 GB, where 350 tokens ran at 345 (two AVX2 cores, smollm2-135m, 2026-11-22).
PART_TOKENS = 512


class TrainingError(Exception):
    """This specialist cannot be trained so."""


@dataclass(frozen=True)
class Options:
    epochs: float = 1.0
    batch: int = 16  #: examples
    rate: float = 1e-3  #: peak, after a 5 % warm-up, falling linearly to 0
    rank: int = 16
    alpha: int = 32
    seed: int = 7
    checkpoint_every: int = 50  #: optimiser steps

    def steps(self, examples: int) -> int:
        return math.ceil(self.epochs * examples / self.batch)


@dataclass(frozen=True)
class Tokens:
    prompt: list[int]
    answer: list[int]  #: ends with the end-of-sequence token

    def __len__(self) -> int:
        return len(self.prompt) + len(self.answer)


def train(
    specialist: Specialist,
    examples: list[Example],
    base: Path,
    out: Path,
    options: Options,
    say: Callable[[str], None],
    start: Path | None = None,
) -> Path:
    """Train an adapter for `specialist` and write it to `out`; continues from the checkpoint there, if any.

    `start` is an adapter of the same rank to go on from. Returns the adapter's path. The prompt and the answer's text
    are made by the code that serves: there is no other.
    """
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(options.seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model, tokenizer = load_base(base, device)
    model = _with_adapter(model, options)
    if start is not None:
        set_peft_model_state_dict(model, load_file(start))
    # On CUDA the base is bf16; the adapter itself must learn in fp32, or small updates round to nothing.
    trained = [p.requires_grad_(True) for p in model.parameters() if p.requires_grad]
    for parameter in trained:
        parameter.data = parameter.data.float()
    tokens = [tokenise(specialist, tokenizer, example) for example in examples]
    total = options.steps(len(tokens))
    run = _digest(base, start, tokens, options)
    optimizer = torch.optim.AdamW(trained, lr=options.rate, weight_decay=0.0)
    first = _resume(model, optimizer, out / CHECKPOINT, run)
    if first:
        say(f"resuming {specialist.name} at step {first} of {total}")
    started, seen = time.monotonic(), 0
    batches = _batches(tokens, options)
    with (out / LOG).open("a") as log:
        for step in range(total):
            batch = next(batches)
            if step < first:
                continue  # draws the same batches again, so that a resumed run sees what an unbroken one sees
            for group in optimizer.param_groups:
                group["lr"] = options.rate * _schedule(step, total)
            loss = sum(_learn(model, part, batch, device) for part in _parts(batch))
            torch.nn.utils.clip_grad_norm_(trained, 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            seen += sum(len(t) for t in batch)
            speed = seen / (time.monotonic() - started)
            log.write(json.dumps({"step": step, "of": total, "loss": round(loss, 4), "tokens_s": round(speed)}) + "\n")
            log.flush()
            if (step + 1) % options.checkpoint_every == 0:
                say(f"{specialist.name}: step {step + 1} of {total}, loss {loss:.3f}, {speed:.0f} tokens/s")
                _checkpoint(model, optimizer, out / CHECKPOINT, step + 1, run)
    path = out / ADAPTER
    state = get_peft_model_state_dict(model)
    save_file({name: tensor.half().contiguous().cpu() for name, tensor in state.items()}, path)
    (out / CHECKPOINT).unlink(missing_ok=True)  # the same command again is a new run
    return path


def use_threads(count: int | None) -> None:
    """Arithmetic on `count` cores; None leaves all of them."""
    if count is not None:
        torch.set_num_threads(count)


def _with_adapter(model: Any, options: Options) -> Any:
    with warnings.catch_warnings():
        # peft 0.21 reads a property that transformers 5 renamed; nothing of ours could be written otherwise.
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)
        return get_peft_model(model, lora_config(options.rank, options.alpha))


def lora_config(rank: int, alpha: int) -> LoraConfig:
    return LoraConfig(r=rank, lora_alpha=alpha, lora_dropout=0.0, target_modules="all-linear", task_type="CAUSAL_LM")


def tokenise(specialist: Specialist, tokenizer: Any, example: Example) -> Tokens:
    prompt = encode(tokenizer, specialist.render(example.input))
    return Tokens(prompt, [*encode(tokenizer, specialist.format.write(example.output)), tokenizer.eos_token_id])


def _batches(tokens: list[Tokens], options: Options) -> Iterator[list[Tokens]]:
    """Endless epochs of batches of similar length (without, half of the arithmetic is padding), in random order."""
    draw = random.Random(options.seed)
    while True:
        order = draw.sample(tokens, len(tokens))
        reach = 32 * options.batch
        pools = [sorted(order[start : start + reach], key=len) for start in range(0, len(order), reach)]
        batches = [pool[i : i + options.batch] for pool in pools for i in range(0, len(pool), options.batch)]
        yield from draw.sample(batches, len(batches))


def _parts(batch: list[Tokens]) -> Iterator[list[Tokens]]:
    """The batch in pieces of at most PART_TOKENS tokens with their padding: gradients add up to the batch's own."""
    part: list[Tokens] = []
    for example in sorted(batch, key=len):
        if part and (len(part) + 1) * len(example) > PART_TOKENS:
            yield part
            part = []
        part.append(example)
    yield part


def _learn(model: Any, part: list[Tokens], batch: list[Tokens], device: str) -> float:
    """Add the gradient of `part`, and return its share of the batch's loss: the mean cross-entropy over the answers'
    tokens alone. The language-model head sees no other position."""
    width = max(map(len, part)) - 1  # the last token is only predicted
    ids = torch.zeros(len(part), width, dtype=torch.long)  # (B, T), padded on the right: causal, so unseen
    picked = torch.zeros(len(part), width, dtype=torch.bool)  # (B, T): positions that predict an answer token
    targets: list[int] = []
    for row, example in enumerate(part):
        sequence = [*example.prompt, *example.answer]
        ids[row, : len(sequence) - 1] = torch.tensor(sequence[:-1])
        picked[row, len(example.prompt) - 1 : len(sequence) - 1] = True
        targets += example.answer
    inner = model.get_base_model()
    hidden = inner.model(input_ids=ids.to(device), use_cache=False).last_hidden_state  # (B, T, D)
    logits = inner.lm_head(hidden[picked.to(device)]).float()  # (answer tokens, V)
    summed = torch.nn.functional.cross_entropy(logits, torch.tensor(targets, device=device), reduction="sum")
    loss = summed / sum(len(example.answer) for example in batch)
    loss.backward()  # type: ignore[no-untyped-call]  # torch ships it untyped
    return loss.item()


def _schedule(step: int, total: int) -> float:
    warm_up = max(1, round(0.05 * total))
    return min((step + 1) / warm_up, (total - step) / max(1, total - warm_up))


def _digest(base: Path, start: Path | None, tokens: list[Tokens], options: Options) -> str:
    """What a checkpoint belongs to: the same base, beginning, examples and options."""
    began = hashlib.sha256(start.read_bytes()).hexdigest() if start else None
    facts = [base.name, began, asdict(options), [[example.prompt, example.answer] for example in tokens]]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def _checkpoint(model: Any, optimizer: Any, path: Path, step: int, run: str) -> None:
    state = {"adapter": get_peft_model_state_dict(model), "optimizer": optimizer.state_dict()}
    scratch = path.with_suffix(".new")
    torch.save({**state, "step": step, "run": run}, scratch)
    scratch.replace(path)


def _resume(model: Any, optimizer: Any, path: Path, run: str) -> int:
    if not path.exists():
        return 0
    saved = torch.load(path, weights_only=True)
    if saved["run"] != run:
        raise TrainingError(
            f"the checkpoint in {path.parent} is of a run with other examples, options or base; "
            "give those again to go on with it, or another --out (or delete it) to start afresh"
        )
    set_peft_model_state_dict(model, saved["adapter"])
    optimizer.load_state_dict(saved["optimizer"])
    return int(saved["step"])
