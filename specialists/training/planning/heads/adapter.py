"""The planner's adapter: trains it on cases, by gradient descent that can be interrupted. Knows no goal and no plan.

Every step writes a line to the log; every `checkpoint_every` steps write a checkpoint and look at held-out cases.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import Any

import torch
from torch.nn import functional as F

from infra.process.allocator import keep_freed_memory
from specialists.heads.encoder import Texts, load_base
from specialists.heads.matcher import Matcher, save_adapter
from specialists.planning.words.texts import TASKS
from specialists.specialist import ADAPTER
from specialists.training.planning.cases.examples import Case
from specialists.training.planning.cases.lessons import batch_of, batches, by_task

CHECKPOINT = "checkpoint.pt"
LOG = "train.jsonl"
#: The weight of ranking the right branch before the wrong ones, beside the loss of each branch by itself.
BESIDE = 0.5


class FittingError(Exception):
    """The planner cannot be trained with these options, this data or this specialist."""


@dataclass(frozen=True)
class Options:
    epochs: float = 0.5
    rate: float = 4e-4  #: peak rate of the encoder, after `warm_up` steps; it falls linearly to 3 %
    weights_rate: float = 2e-2  #: the same for the tasks' few weights
    warm_up: int = 40  #: steps
    batch_characters: int = 10_400  #: about 2,500 tokens
    decay: float = 0.01  #: weight decay
    seed: int = 5
    checkpoint_every: int = 160  #: steps
    log_every: int = 20  #: steps
    steps: int | None = None  #: at most this many; None sets no limit


def fit(
    epoch: Callable[[Random], Iterable[Case]],
    held_out: Sequence[Case],
    base: Path,
    out: Path,
    options: Options,
    say: Callable[[str], None],
) -> Path:
    """Train an adapter on the cases that `epoch` draws for each epoch; write it to `out` and return its path.

    The run continues from the checkpoint in `out`, if there is one; the checkpoint stays, so that the same call need
    not train again. It raises FittingError if the checkpoint is of a run with other options.
    """
    out.mkdir(parents=True, exist_ok=True)
    keep_freed_memory()
    torch.set_flush_denormal(True)
    torch.manual_seed(options.seed)
    matcher = Matcher(TASKS)
    load_base(matcher.encoder, base)
    run = _Run(matcher, Texts(base), options, out, say)
    run.go(epoch, held_out)
    save_adapter(matcher, out / ADAPTER)
    return out / ADAPTER


class _Run:
    def __init__(self, matcher: Matcher, texts: Texts, options: Options, out: Path, say: Callable[[str], None]) -> None:
        self._matcher = matcher
        self._texts = texts
        self._options = options
        self._out = out
        self._say = say
        self._learnt = list(matcher.learnt().values())
        encoder, weights = list(matcher.encoder.learnt().values()), list(matcher.weights.values())
        self._optimizer = torch.optim.AdamW(
            [{"params": encoder, "peak": options.rate}, {"params": weights, "peak": options.weights_rate}],
            weight_decay=options.decay,
            fused=True,
        )
        self._epoch, self._at, self._step, self._total = 0, 0, 0, 0  # `at` counts the finished batches of the epoch
        self._losses: dict[str, float] = {}
        self._seconds, self._tokens = 0.0, 0

    def go(self, epoch: Callable[[Random], Iterable[Case]], held_out: Sequence[Case]) -> None:
        self._resume()
        _forget_after(self._out / LOG, self._step)
        looked_at = [*batches(held_out, 4 * self._options.batch_characters, Random(self._options.seed))]
        while self._step < self._total or not self._total:
            self._go_on(epoch, looked_at)

    def _go_on(self, epoch: Callable[[Random], Iterable[Case]], looked_at: Sequence[Sequence[Case]]) -> None:
        """Do the rest of one epoch."""
        draw = Random(f"{self._options.seed} {self._epoch}")
        queue = list(batches(epoch(draw), self._options.batch_characters, draw))
        if not queue:
            raise FittingError("there is nothing to learn from: no goal, no ask and no value")
        if not self._total:
            self._total = min(round(self._options.epochs * len(queue)) or 1, self._options.steps or 10**9)
            self._say(f"planner: {self._total} steps, {len(queue)} in an epoch")
        began = time.monotonic() - self._seconds
        for cases in queue[self._at : self._at + self._total - self._step]:
            self._learn(cases)
            self._step, self._at = self._step + 1, self._at + 1
            self._seconds = time.monotonic() - began
            self._log()
            if self._step % self._options.checkpoint_every == 0 or self._step == self._total:
                self._keep(looked_at)
        self._epoch, self._at = self._epoch + 1, 0

    def _learn(self, cases: Sequence[Case]) -> None:
        left = (self._total - self._step) / self._total
        for group in self._optimizer.param_groups:
            group["lr"] = group["peak"] * min((self._step + 1) / self._options.warm_up, max(0.03, left))
        losses = self._losses_of(cases)
        torch.stack(list(losses.values())).sum().backward()  # type: ignore[no-untyped-call]  # torch ships it untyped
        torch.nn.utils.clip_grad_norm_(self._learnt, 1.0)
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        for task, each in losses.items():
            self._losses[task] = 0.97 * self._losses.get(task, each.item()) + 0.03 * each.item()

    def _losses_of(self, cases: Sequence[Case]) -> dict[str, torch.Tensor]:
        """The loss of each task: whether each branch fits, and which branch of a case fits best."""
        alone: dict[str, list[torch.Tensor]] = {}
        beside: dict[str, list[torch.Tensor]] = {}
        for task, numbers, right in self._numbers_of(cases):
            wanted = right.float()
            alone.setdefault(task, []).append(F.binary_cross_entropy_with_logits(numbers, wanted, reduction="none"))
            if 0 < int(right.sum()) < len(right):
                lost = torch.logsumexp(numbers, 0) - torch.logsumexp(numbers[right], 0)
                beside.setdefault(task, []).append(lost)
        found = {}
        for task, each in alone.items():
            found[task] = torch.cat(each).mean()
            if task in beside:
                found[task] = found[task] + BESIDE * torch.stack(beside[task]).mean()
        return found

    def _numbers_of(self, cases: Sequence[Case]) -> Iterator[tuple[str, torch.Tensor, torch.Tensor]]:
        """Yield for each case and task: the branches' scores, and which of them are right; both are (N,)."""
        batch = batch_of(cases, self._texts)
        self._tokens += batch.length
        told = self._matcher.encoder.tell(batch.tokens)
        for case in cases:
            prefix = told[batch.places[case.prefix]]
            for task, branches in by_task(case).items():
                likeness = self._matcher.likeness(prefix, [told[batch.places[each.text]] for each in branches])
                yield task, self._matcher.numbers(task, likeness), torch.tensor([each.right for each in branches])

    # -- what is written ----------------------------------------------------------------------------------------------

    def _log(self) -> None:
        losses = {name: round(loss, 4) for name, loss in self._losses.items()}
        tokens_s = self._tokens / max(1e-6, self._seconds)
        line = {"step": self._step, "of": self._total, "seconds": round(self._seconds, 1), "tokens_s": round(tokens_s)}
        _append(self._out / LOG, {**line, "losses": losses})
        if self._step % self._options.log_every == 0:
            self._say(f"planner: step {self._step} of {self._total}, losses {losses}, {tokens_s:.0f} tokens/s")

    def _keep(self, looked_at: Sequence[Sequence[Case]]) -> None:
        """Write a checkpoint and the present adapter, and look at the held-out cases."""
        state = {"learnt": {name: tensor.detach() for name, tensor in self._matcher.learnt().items()}}
        place = {"epoch": self._epoch, "at": self._at, "step": self._step, "total": self._total}
        spent = {"seconds": self._seconds, "tokens": self._tokens, "losses": self._losses}
        rest: dict[str, Any] = {"optimizer": self._optimizer.state_dict(), "options": asdict(self._options)}
        scratch = self._out / f"{CHECKPOINT}.new"
        torch.save({**state, **place, **spent, **rest}, scratch)
        scratch.replace(self._out / CHECKPOINT)
        save_adapter(self._matcher, self._out / ADAPTER)
        if looked_at:
            look = self._look(looked_at)
            _append(self._out / LOG, {"step": self._step, "look": look})
            self._say(f"planner: step {self._step}, held out: {look}")

    def _resume(self) -> None:
        if not (self._out / CHECKPOINT).exists():
            return
        saved = torch.load(self._out / CHECKPOINT, weights_only=True)
        if saved["options"] != asdict(self._options):
            raise FittingError(
                f"the checkpoint in {self._out} is of a run with other options; "
                "give those again to go on with it, or another --out (or delete it) to start afresh"
            )
        with torch.no_grad():
            for name, tensor in self._matcher.learnt().items():
                tensor.copy_(saved["learnt"][name])
        self._optimizer.load_state_dict(saved["optimizer"])
        self._epoch, self._at, self._step, self._total = (saved[name] for name in ("epoch", "at", "step", "total"))
        self._seconds, self._tokens, self._losses = (saved[name] for name in ("seconds", "tokens", "losses"))
        self._say(f"planner: goes on at step {self._step} of {self._total}")

    @torch.no_grad()
    def _look(self, looked_at: Sequence[Sequence[Case]]) -> dict[str, dict[str, float]]:
        """For each task: percent of branches judged right, and of cases whose likeliest branch is right."""
        self._matcher.eval()
        tokens = self._tokens
        right: dict[str, list[bool]] = {}
        first: dict[str, list[bool]] = {}
        for cases in looked_at:
            for task, numbers, wanted in self._numbers_of(cases):
                right.setdefault(task, []).extend(((numbers > 0) == wanted).tolist())
                if 0 < int(wanted.sum()) < len(wanted):
                    first.setdefault(task, []).append(bool(wanted[int(numbers.argmax())]))
        self._matcher.train()
        self._tokens = tokens  # speed counts learnt tokens only
        shares = {"right": right, "first": first}
        return {
            task: {name: round(100 * sum(s[task]) / len(s[task]), 1) for name, s in shares.items() if task in s}
            for task in right
        }


def _append(path: Path, line: Mapping[str, Any]) -> None:
    with path.open("a") as log:
        log.write(json.dumps(line) + "\n")


def _forget_after(path: Path, step: int) -> None:
    """Delete lines of an earlier run, and of steps that are done again."""
    lines = path.read_text().splitlines(keepends=True) if path.exists() else []
    path.write_text("".join(line for line in lines if json.loads(line)["step"] <= step))
