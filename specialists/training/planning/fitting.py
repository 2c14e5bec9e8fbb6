"""Fitting: cases to an adapter, by gradient descent that can be interrupted. Knows no goal and no plan.

Every step writes a line to the log; every so many, a checkpoint and a look at cases that are held out.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import Any

import torch
from torch.nn import functional as F

from infra.allocator import keep_freed_memory
from specialists.heads.encoder import UNLIKE, Embedder, Encoder, Reading, Texts, lay, load_base, save_adapter
from specialists.planning.texts import TASKS
from specialists.specialist import ADAPTER
from specialists.training.planning.examples import Case
from specialists.training.planning.lessons import Lesson, answers, batches, labels, lessons

CHECKPOINT = "checkpoint.pt"
LOG = "train.jsonl"
#: How much each head's loss counts.
WEIGHTS = {"wants": 1.0, "type": 1.5, "part": 1.0, "bind": 0.7, "plan": 1.5}


class FittingError(Exception):
    """The planner cannot be trained so."""


@dataclass(frozen=True)
class Options:
    epochs: float = 2.0
    rate: float = 7e-4  #: peak, after `warm_up` steps, falling linearly to a fiftieth
    warm_up: int = 60  #: steps
    batch_tokens: int = 3000  #: with their padding
    decay: float = 0.01  #: of weights
    seed: int = 5
    checkpoint_every: int = 150  #: steps
    log_every: int = 25  #: steps
    steps: int | None = None  #: at most


def fit(
    epoch: Callable[[Random], Iterable[Case]],
    held_out: Sequence[Case],
    base: Path,
    out: Path,
    options: Options,
    say: Callable[[str], None],
) -> Path:
    """Train an adapter on what `epoch` draws, once for each epoch, and write it to `out`; returns its path.

    Goes on from the checkpoint in `out`, if there is one; it stays, for whoever does not want to train again. Raises
    FittingError where it is of a run with other options.
    """
    out.mkdir(parents=True, exist_ok=True)
    keep_freed_memory()
    torch.manual_seed(options.seed)
    encoder = Encoder(TASKS)
    load_base(encoder, base)
    run = _Run(encoder, Texts(base), Embedder.load(base), options, out, say)
    run.go(epoch, held_out)
    save_adapter(encoder, out / ADAPTER)
    return out / ADAPTER


class _Run:
    def __init__(
        self,
        encoder: Encoder,
        texts: Texts,
        embedder: Embedder,
        options: Options,
        out: Path,
        say: Callable[[str], None],
    ) -> None:
        self._encoder = encoder
        self._texts = texts
        self._embedder = embedder
        self._options = options
        self._out = out
        self._say = say
        self._learnt = list(encoder.trained().values())
        self._optimizer = torch.optim.AdamW(self._learnt, lr=options.rate, weight_decay=options.decay)
        self._epoch, self._at, self._step, self._total = 0, 0, 0, 0  # `at`: batches of the epoch that are done
        self._losses: dict[str, float] = {}
        self._seconds, self._tokens = 0.0, 0

    def go(self, epoch: Callable[[Random], Iterable[Case]], held_out: Sequence[Case]) -> None:
        self._resume()
        _forget_after(self._out / LOG, self._step)
        looked_at = [*batches(lessons(held_out, self._texts), self._options.batch_tokens, Random(self._options.seed))]
        while self._step < self._total or not self._total:
            self._go_on(epoch, looked_at)

    def _go_on(self, epoch: Callable[[Random], Iterable[Case]], looked_at: Sequence[Sequence[Lesson]]) -> None:
        """The rest of one epoch."""
        draw = Random(f"{self._options.seed} {self._epoch}")
        queue = list(batches(lessons(epoch(draw), self._texts), self._options.batch_tokens, draw))
        if not queue:
            raise FittingError("there is nothing to learn from: no goal, no ask and no value")
        if not self._total:
            self._total = min(round(self._options.epochs * len(queue)) or 1, self._options.steps or 10**9)
            self._say(f"planner: {self._total} steps, {len(queue)} in an epoch")
        began = time.monotonic() - self._seconds
        for batch in queue[self._at : self._at + self._total - self._step]:
            self._learn(batch)
            self._tokens += sum(lesson.length for lesson in batch)
            self._step, self._at = self._step + 1, self._at + 1
            self._seconds = time.monotonic() - began
            self._log()
            if self._step % self._options.checkpoint_every == 0 or self._step == self._total:
                self._keep(looked_at)
        self._epoch, self._at = self._epoch + 1, 0

    def _learn(self, batch: Sequence[Lesson]) -> None:
        for group in self._optimizer.param_groups:
            group["lr"] = self._rate()
        losses = self._losses_of(batch)
        loss = torch.stack([WEIGHTS[task] * each for task, each in losses.items()]).sum()
        loss.backward()  # type: ignore[no-untyped-call]  # torch ships it untyped
        torch.nn.utils.clip_grad_norm_(self._learnt, 1.0)
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        for task, each in losses.items():
            self._losses[task] = 0.97 * self._losses.get(task, each.item()) + 0.03 * each.item()

    def _rate(self) -> float:
        left = (self._total - self._step) / self._total
        return self._options.rate * min((self._step + 1) / self._options.warm_up, max(0.02, left))

    def _losses_of(self, batch: Sequence[Lesson]) -> dict[str, torch.Tensor]:
        found = self._encoder(lay(self._readings(batch)))
        wanted = labels(batch)
        return {
            task: F.binary_cross_entropy_with_logits(numbers, torch.tensor(wanted[task], dtype=torch.float))
            for task, numbers in found.items()
        }

    def _readings(self, batch: Sequence[Lesson]) -> list[Reading]:
        # All at once, so that texts of like lengths share a pass; they are kept for what follows.
        self._embedder.embed([text for lesson in batch for text in _embedded(lesson.case)])
        return [self._reading(lesson) for lesson in batch]

    def _reading(self, lesson: Lesson) -> Reading:
        vectors = self._embedder.beside(lesson.case.texts, lesson.case.tasks)
        # Vectors are made without a graph; a copy may stand in one.
        return Reading(lesson.prefix, lesson.branches, lesson.case.tasks, vectors.clone())

    # -- what is written ----------------------------------------------------------------------------------------------

    def _log(self) -> None:
        losses = {name: round(loss, 4) for name, loss in self._losses.items()}
        tokens_s = self._tokens / max(1e-6, self._seconds)
        line = {"step": self._step, "of": self._total, "seconds": round(self._seconds, 1), "tokens_s": round(tokens_s)}
        _append(self._out / LOG, {**line, "losses": losses})
        if self._step % self._options.log_every == 0:
            self._say(f"planner: step {self._step} of {self._total}, losses {losses}, {tokens_s:.0f} tokens/s")

    def _keep(self, looked_at: Sequence[Sequence[Lesson]]) -> None:
        """A checkpoint, the adapter as it is now, and a look at what is held out."""
        state = {"learnt": {name: tensor.detach() for name, tensor in self._encoder.trained().items()}}
        place = {"epoch": self._epoch, "at": self._at, "step": self._step, "total": self._total}
        spent = {"seconds": self._seconds, "tokens": self._tokens, "losses": self._losses}
        rest: dict[str, Any] = {"optimizer": self._optimizer.state_dict(), "options": asdict(self._options)}
        scratch = self._out / f"{CHECKPOINT}.new"
        torch.save({**state, **place, **spent, **rest}, scratch)
        scratch.replace(self._out / CHECKPOINT)
        save_adapter(self._encoder, self._out / ADAPTER)
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
            for name, tensor in self._encoder.trained().items():
                tensor.copy_(saved["learnt"][name])
        self._optimizer.load_state_dict(saved["optimizer"])
        self._epoch, self._at, self._step, self._total = (saved[name] for name in ("epoch", "at", "step", "total"))
        self._seconds, self._tokens, self._losses = (saved[name] for name in ("seconds", "tokens", "losses"))
        self._say(f"planner: goes on at step {self._step} of {self._total}")

    @torch.no_grad()
    def _look(self, looked_at: Sequence[Sequence[Lesson]]) -> dict[str, dict[str, float]]:
        """For each head: percent of answers on the right side of even, and of cases whose likeliest branch is right."""
        self._encoder.eval()
        right: dict[str, list[bool]] = {}
        first: dict[str, list[bool]] = {}
        for batch in looked_at:
            found = self._encoder(lay(self._readings(batch)))
            for task, said in answers(batch, {task: numbers.tolist() for task, numbers in found.items()}):
                right.setdefault(task, []).extend((x > 0) == wanted for x, wanted in said)
                if task != "wants" and 0 < sum(wanted for _, wanted in said) < len(said):
                    first.setdefault(task, []).append(max(said)[1])
        self._encoder.train()
        shares = {"right": right, "first": first}
        return {
            task: {name: round(100 * sum(s[task]) / len(s[task]), 1) for name, s in shares.items() if task in s}
            for task in right
        }


def _embedded(case: Case) -> list[str]:
    """The texts whose vectors are read: the prefix, and what is of a task that makes use of them."""
    return [case.prefix, *(branch.text for branch in case.branches if branch.task not in UNLIKE)]


def _append(path: Path, line: Mapping[str, Any]) -> None:
    with path.open("a") as log:
        log.write(json.dumps(line) + "\n")


def _forget_after(path: Path, step: int) -> None:
    """Lines of an earlier run, or of steps that are done again."""
    lines = path.read_text().splitlines(keepends=True) if path.exists() else []
    path.write_text("".join(line for line in lines if json.loads(line)["step"] <= step))
