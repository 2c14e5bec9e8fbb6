"""LoRA fine-tuning of one specialist: examples in, adapter out, resumable. Knows nothing of queues or serving."""

from __future__ import annotations

import hashlib
import json
import math
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model, get_peft_model_state_dict, set_peft_model_state_dict
from safetensors.torch import load_file, save_file

from infra.process.allocator import keep_freed_memory
from specialists.bases.model import dtype_on, load_base
from specialists.examples import Example, drawn
from specialists.manifest import Recipe
from specialists.specialist import ADAPTER, Specialist
from specialists.training import attention
from specialists.training.adapted import AdaptedLinear
from specialists.training.batches import Tokens, batches, parts, tokenise
from specialists.training.threads import WORTH_STEPS, ThreadChoice

CHECKPOINT = "checkpoint.pt"
LOG = "train.jsonl"

#: The number of examples of a look: all of 480 took a third of a run's time on two cores (log, 2026-11-28).
LOOKED = 200


class TrainingError(Exception):
    """The specialist cannot be trained with these examples or options."""


@dataclass(frozen=True)
class Options:
    epochs: float = 1.0
    batch: int = 16  #: examples
    rate: float = 1e-3  #: peak, after a 5 % warm-up, falling linearly to 0
    rank: int = 16
    alpha: int = 32
    seed: int = 7
    checkpoint_every: int = 50  #: optimiser steps
    looks: int = 10  #: how often the run looks at the development set, at equal distances
    patience: int = 4  #: this many looks in a row without a better one end the run

    @classmethod
    def of(cls, recipe: Recipe) -> Options:
        return cls(**recipe.model_dump(exclude={"augment", "frozen"}), alpha=2 * recipe.rank)

    def steps(self, examples: int) -> int:
        return math.ceil(self.epochs * examples / self.batch)


@dataclass(frozen=True)
class Look:
    """The scores of one look at the development set."""

    loss: float  #: mean cross-entropy over the answers' tokens
    exact: (
        #: Percent of answers in which every token is the likeliest, which greedy decoding without a grammar writes.
        float
    )

    def beats(self, other: Look | None) -> bool:
        return other is None or (self.exact, -self.loss) > (other.exact, -other.loss)


@dataclass
class _Best:
    look: Look | None = None
    adapter: dict[str, torch.Tensor] = field(default_factory=dict)
    since: int = 0  #: the number of looks since the best one

    def consider(self, look: Look, model: Any) -> None:
        if not look.beats(self.look):
            self.since += 1
            return
        self.look, self.since = look, 0
        self.adapter = {name: tensor.detach().clone() for name, tensor in get_peft_model_state_dict(model).items()}


def train(
    specialist: Specialist,
    examples: list[Example],
    base: Path,
    out: Path,
    options: Options,
    say: Callable[[str], None],
    start: Path | None = None,
    dev: Sequence[Example] = (),
    threads: int | None = None,
) -> Path:
    """Train an adapter for `specialist` and write it to `out`; the run continues from the checkpoint there, if any.

    `start` is an adapter of the same rank to go on from. With `dev` the adapter of the best look at these examples is
    kept, and the run ends early if looks stop getting better. It returns the adapter's path. The code that serves also
    makes the prompts, cut if they are too long, and the texts of the answers. It raises TrainingError.
    """
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(options.seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model, tokenizer, trained = _to_train(base, device, options, start)
    tokens, measured = _tokens_of(specialist, tokenizer, examples, dev, say)
    total = options.steps(len(tokens))
    run = _digest(base, start, [tokens, measured], options)
    optimizer = torch.optim.AdamW(trained, lr=options.rate, weight_decay=0.0)
    first, best = _resume(model, optimizer, out / CHECKPOINT, run)
    if first:
        say(f"resuming {specialist.name} at step {first} of {total}")
    look_every = max(1, total // options.looks)
    spent_s, started, seen = _seconds(out / LOG, first), time.monotonic(), 0
    is_worth_it = device == "cpu" and threads is None and total - first >= WORTH_STEPS
    choice = ThreadChoice(torch.set_num_threads, say) if is_worth_it else None
    stream = batches(tokens, options.batch, options.seed)
    _forget_after(out / LOG, first)
    with (out / LOG).open("a") as log:
        for step in range(total):
            batch = next(stream)
            if step < first:
                continue  # drawing the same batches again lets a resumed run see what an unbroken one sees
            began = time.monotonic()
            for group in optimizer.param_groups:
                group["lr"] = options.rate * _schedule(step, total)
            loss = _step(model, optimizer, trained, batch, device)
            seen += sum(map(len, batch))
            if choice:
                choice.saw(sum(map(len, batch)), time.monotonic() - began)
            speed = seen / (time.monotonic() - started)
            line: dict[str, float] = {"step": step, "of": total, "loss": round(loss, 4), "tokens_s": round(speed)}
            line["seconds"] = round(spent_s + time.monotonic() - started, 2)
            if measured and ((step + 1) % look_every == 0 or step + 1 == total):
                look = _look(model, measured, device)
                best.consider(look, model)
                line |= {"dev_loss": round(look.loss, 4), "dev_exact": round(look.exact, 2)}
                say(
                    f"{specialist.name}: step {step + 1} of {total}, dev loss {look.loss:.3f}, exact {look.exact:.1f} %"
                )
            log.write(json.dumps(line) + "\n")
            log.flush()
            if best.since >= options.patience:
                say(f"{specialist.name}: {best.since} looks in a row were no better; the best one is kept")
                break
            if (step + 1) % options.checkpoint_every == 0:
                say(f"{specialist.name}: step {step + 1} of {total}, loss {loss:.3f}, {speed:.0f} tokens/s")
                _checkpoint(model, optimizer, out / CHECKPOINT, step + 1, run, best)
    path = out / ADAPTER
    state = best.adapter or get_peft_model_state_dict(model)
    save_file({name: tensor.half().contiguous().cpu() for name, tensor in state.items()}, path)
    (out / CHECKPOINT).unlink(missing_ok=True)  # the same command again is a new run
    return path


def _to_train(base: Path, device: str, options: Options, start: Path | None) -> tuple[Any, Any, list[torch.Tensor]]:
    """The base with an adapter, its tokenizer, and the adapter's parameters. Raises TrainingError."""
    model, tokenizer = load_base(base, device, dtype_on(device))
    model = _with_adapter(model, options)
    if start is not None:
        set_peft_model_state_dict(model, _adapter_to_go_on_from(start, options.rank))
    # If the base is bf16, the adapter itself must learn in fp32, or small updates round to nothing.
    trained = [p.requires_grad_(True) for p in model.parameters() if p.requires_grad]
    for parameter in trained:
        parameter.data = parameter.data.float()
    if device == "cpu":
        keep_freed_memory()
        if attention.fits(model.config):
            model.set_attn_implementation(attention.NAME)
    return model, tokenizer, trained


def _tokens_of(
    specialist: Specialist,
    tokenizer: Any,
    examples: Sequence[Example],
    dev: Sequence[Example],
    say: Callable[[str], None],
) -> tuple[list[Tokens], list[Tokens]]:
    """Examples to learn from, and development examples, within the manifest's limits. Raises TrainingError."""
    tokens = tokenise(specialist, tokenizer, examples)
    if not tokens:
        raise TrainingError(f"none of the examples fits the limits of {specialist.name!r}: input_tokens, max_tokens")
    if len(tokens) < len(examples):
        say(f"{len(examples) - len(tokens)} of {len(examples)} examples left out: longer than the manifest's limits")
    measured = tokenise(specialist, tokenizer, drawn(list(dev), LOOKED))
    if dev and not measured:
        raise TrainingError(f"none of the development examples fits the limits of {specialist.name!r}")
    return tokens, measured


def _step(
    model: Any, optimizer: torch.optim.Optimizer, trained: list[torch.Tensor], batch: list[Tokens], device: str
) -> float:
    """One update by a batch; returns the loss before it."""
    loss = sum(_learn(model, part, batch, device) for part in parts(batch))
    torch.nn.utils.clip_grad_norm_(trained, 1.0)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return loss


def _adapter_to_go_on_from(path: Path, rank: int) -> dict[str, torch.Tensor]:
    state: dict[str, torch.Tensor] = load_file(path)
    ranks = {tensor.shape[0] for name, tensor in state.items() if "lora_A" in name}
    if ranks != {rank}:
        had = ", ".join(map(str, sorted(ranks))) or "none"
        raise TrainingError(f"{path.name} has rank {had}, not {rank}: give --rank, or another adapter to --start")
    return state


def _seconds(log: Path, steps: int) -> float:
    """The seconds that the earlier steps took when they were done."""
    return float(json.loads(log.read_text().splitlines()[steps - 1])["seconds"]) if steps else 0.0


def _forget_after(log: Path, steps: int) -> None:
    """Delete lines of an earlier run, and of steps that are done again."""
    lines = log.read_text().splitlines(keepends=True) if log.exists() else []
    log.write_text("".join(lines[:steps]))


def use_threads(count: int | None) -> None:
    """Use `count` cores for arithmetic; None leaves all of them."""
    if count is not None:
        torch.set_num_threads(count)


def _with_adapter(model: Any, options: Options) -> Any:
    with warnings.catch_warnings():
        # peft 0.21 reads a property that transformers 5 renamed; our code cannot avoid that.
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)
        config = lora_config(options.rank, options.alpha)
        config._register_custom_module({torch.nn.Linear: AdaptedLinear})  # peft offers no public way
        return get_peft_model(model, config)


def lora_config(rank: int, alpha: int) -> LoraConfig:
    return LoraConfig(r=rank, lora_alpha=alpha, lora_dropout=0.0, target_modules="all-linear", task_type="CAUSAL_LM")


def _learn(model: Any, part: list[Tokens], batch: list[Tokens], device: str) -> float:
    """Add the gradient of `part`, and return its share of the batch's loss, a mean over the answers' tokens alone."""
    logits, targets = _answered(model, part, device)
    summed = torch.nn.functional.cross_entropy(logits, targets, reduction="sum")
    loss = summed / sum(len(example.answer) for example in batch)
    loss.backward()  # type: ignore[no-untyped-call]  # torch ships it untyped
    return loss.item()


def _answered(model: Any, part: Sequence[Tokens], device: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits (answers' tokens, V) in fp32 and targets (answers' tokens,); the head runs on no other position."""
    width = max(map(len, part)) - 1  # the last token is only predicted
    # (B, T), padded on the right, which causal attention never sees
    ids = torch.zeros(len(part), width, dtype=torch.long)
    picked = torch.zeros(len(part), width, dtype=torch.bool)  # (B, T): positions that predict an answer token
    targets: list[int] = []
    for row, example in enumerate(part):
        sequence = [*example.prompt, *example.answer]
        ids[row, : len(sequence) - 1] = torch.tensor(sequence[:-1])
        picked[row, len(example.prompt) - 1 : len(sequence) - 1] = True
        targets += example.answer
    inner = model.get_base_model()
    hidden = inner.model(input_ids=ids.to(device), use_cache=False).last_hidden_state  # (B, T, D)
    return inner.lm_head(hidden[picked.to(device)]).float(), torch.tensor(targets, device=device)


@torch.no_grad()
def _look(model: Any, tokens: Sequence[Tokens], device: str) -> Look:
    loss, exact = 0.0, 0
    for part in parts(tokens):
        logits, targets = _answered(model, part, device)
        loss += torch.nn.functional.cross_entropy(logits, targets, reduction="sum").item()
        right = torch.split(logits.argmax(-1) == targets, [len(example.answer) for example in part])
        exact += sum(bool(each.all()) for each in right)
    return Look(loss / sum(len(example.answer) for example in tokens), 100 * exact / len(tokens))


def _schedule(step: int, total: int) -> float:
    warm_up = max(1, round(0.05 * total))
    return min((step + 1) / warm_up, (total - step) / max(1, total - warm_up))


def _digest(base: Path, start: Path | None, tokens: Sequence[Sequence[Tokens]], options: Options) -> str:
    """The run that a checkpoint belongs to: a digest of base, start, examples and options."""
    began = hashlib.sha256(start.read_bytes()).hexdigest() if start else None
    facts = [base.name, began, asdict(options), [[[each.prompt, each.answer] for each in some] for some in tokens]]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def _checkpoint(model: Any, optimizer: Any, path: Path, step: int, run: str, best: _Best) -> None:
    state = {"adapter": get_peft_model_state_dict(model), "optimizer": optimizer.state_dict()}
    seen = {"look": asdict(best.look) if best.look else None, "best": best.adapter, "since": best.since}
    scratch = path.with_suffix(".new")
    torch.save({**state, **seen, "step": step, "run": run}, scratch)
    scratch.replace(path)


def _resume(model: Any, optimizer: Any, path: Path, run: str) -> tuple[int, _Best]:
    if not path.exists():
        return 0, _Best()
    saved = torch.load(path, weights_only=True)
    if saved["run"] != run:
        raise TrainingError(
            f"the checkpoint in {path.parent} is of a run with other examples, options or base; "
            "give those again to go on with it, or another --out (or delete it) to start afresh"
        )
    set_peft_model_state_dict(model, saved["adapter"])
    optimizer.load_state_dict(saved["optimizer"])
    look = Look(**saved["look"]) if saved["look"] else None
    return int(saved["step"]), _Best(look, saved["best"], saved["since"])
