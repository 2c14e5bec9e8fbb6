"""LoRA fine-tuning of one specialist that writes its answers: examples in, adapter out. Knows no queue."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model, get_peft_model_state_dict, set_peft_model_state_dict
from safetensors.torch import load_file, save_file

from infra.process.allocator import keep_freed_memory
from specialists.bases.model import dtype_on, load_base
from specialists.examples import Example, drawn
from specialists.specialist import ADAPTER, Specialist
from specialists.training import attention
from specialists.training.adapted import AdaptedLinear
from specialists.training.batches import PART_TOKENS, Tokens, tokenise
from specialists.training.course import Course, Look, Options, State, TrainingError, parts
from specialists.training.looks import look_examples


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
    torch.manual_seed(options.seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model, tokenizer, trained = _to_train(base, device, options, start)
    tokens, measured = _tokens_of(specialist, tokenizer, examples, dev, options, say)
    learner = LoraLearner(model, trained, measured, device)
    run = _digest(base, start, [tokens, measured], options)
    state = Course(specialist.name, learner, options, out, run, say, threads).train(tokens)
    path = out / ADAPTER
    save_file({name: tensor.half().contiguous().cpu() for name, tensor in state.items()}, path)
    return path


class LoraLearner:
    """What a course trains to make an adapter."""

    def __init__(
        self, model: Any, parameters: list[torch.nn.Parameter], measured: Sequence[Tokens], device: str
    ) -> None:
        self._model, self._measured, self._device = model, measured, device
        self.parameters = parameters
        self.look_tokens = sum(map(len, measured))

    def learn(self, batch: Sequence[Tokens]) -> float:
        return sum((_learn(self._model, part, batch, self._device) for part in parts(batch, PART_TOKENS)), 0.0)

    def look(self) -> Look:
        return _look(self._model, self._measured, self._device)

    def state(self) -> State:
        return dict(get_peft_model_state_dict(self._model))

    def load(self, state: State) -> None:
        set_peft_model_state_dict(self._model, state)


def _to_train(
    base: Path, device: str, options: Options, start: Path | None
) -> tuple[Any, Any, list[torch.nn.Parameter]]:
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
    options: Options,
    say: Callable[[str], None],
) -> tuple[list[Tokens], list[Tokens]]:
    """Examples to learn from, and development examples, within the manifest's limits. Raises TrainingError."""
    tokens = tokenise(specialist, tokenizer, examples)
    if not tokens:
        raise TrainingError(f"none of the examples fits the limits of {specialist.name!r}: input_tokens, max_tokens")
    if len(tokens) < len(examples):
        say(f"{len(examples) - len(tokens)} of {len(examples)} examples left out: longer than the manifest's limits")
    count = look_examples(round(options.epochs * len(tokens)))
    measured = tokenise(specialist, tokenizer, drawn(list(dev), count))
    if dev and not measured:
        raise TrainingError(f"none of the development examples fits the limits of {specialist.name!r}")
    return tokens, measured


def _adapter_to_go_on_from(path: Path, rank: int) -> dict[str, torch.Tensor]:
    state: dict[str, torch.Tensor] = load_file(path)
    ranks = {tensor.shape[0] for name, tensor in state.items() if "lora_A" in name}
    if ranks != {rank}:
        had = ", ".join(map(str, sorted(ranks))) or "none"
        raise TrainingError(f"{path.name} has rank {had}, not {rank}: give --rank, or another adapter to --start")
    return state


def _with_adapter(model: Any, options: Options) -> Any:
    with warnings.catch_warnings():
        # peft 0.21 reads a property that transformers 5 renamed; our code cannot avoid that.
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)
        config = lora_config(options.rank, options.alpha)
        config._register_custom_module({torch.nn.Linear: AdaptedLinear})  # peft offers no public way
        return get_peft_model(model, config)


def lora_config(rank: int, alpha: int) -> LoraConfig:
    return LoraConfig(r=rank, lora_alpha=alpha, lora_dropout=0.0, target_modules="all-linear", task_type="CAUSAL_LM")


def _learn(model: Any, part: Sequence[Tokens], batch: Sequence[Tokens], device: str) -> float:
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
    for part in parts(tokens, PART_TOKENS):
        logits, targets = _answered(model, part, device)
        loss += torch.nn.functional.cross_entropy(logits, targets, reduction="sum").item()
        right = torch.split(logits.argmax(-1) == targets, [len(example.answer) for example in part])
        exact += sum(bool(each.all()) for each in right)
    return Look(loss / sum(len(example.answer) for example in tokens), 100 * exact / len(tokens))


def _digest(base: Path, start: Path | None, tokens: Sequence[Sequence[Tokens]], options: Options) -> str:
    """The run that a checkpoint belongs to: a digest of base, start, examples and options."""
    began = hashlib.sha256(start.read_bytes()).hexdigest() if start else None
    facts = [base.name, began, asdict(options), [[[each.prompt, each.answer] for each in some] for some in tokens]]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()
