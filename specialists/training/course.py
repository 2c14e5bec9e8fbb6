"""A course of training steps: batches, schedule, looks at development examples, checkpoints, a log. Knows no model."""

from __future__ import annotations

import json
import math
import random
import time
from collections.abc import Callable, Iterator, Sequence, Sized
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import torch

from specialists.manifest import Recipe
from specialists.training.looks import Looks
from specialists.training.threads import WORTH_STEPS, ThreadChoice

CHECKPOINT = "checkpoint.pt"
LOG = "train.jsonl"

Item = TypeVar("Item", bound=Sized)
Learnt = TypeVar("Learnt", bound=Sized, contravariant=True)
State = dict[str, torch.Tensor]


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
    looks: int = 10  #: how often the run looks at the development set, at most, and at equal distances
    patience: int = 4  #: this many looks in a row without a better one end the run
    budget_s: float | None = None  #: the run ends, with its rate fallen to 0, after so long; None: after its epochs
    floor: float | None = None  #: a run that has fewer percent right in the middle is given up

    @classmethod
    def of(cls, recipe: Recipe) -> Options:
        return cls(**recipe.model_dump(exclude={"augment", "frozen"}), alpha=2 * recipe.rank)

    def steps(self, examples: int) -> int:
        return math.ceil(self.epochs * examples / self.batch)


@dataclass(frozen=True)
class Pace:
    """What a ladder says of a run beside its recipe; the fields are those of Options."""

    seed: int = 7
    budget_s: float | None = None
    floor: float | None = None


@dataclass(frozen=True)
class Look:
    """The scores of one look at the development set."""

    loss: float  #: the mean loss
    exact: float  #: percent of the examples that are wholly right

    def beats(self, other: Look | None) -> bool:
        return other is None or (self.exact, -self.loss) > (other.exact, -other.loss)


class Learner(Protocol[Learnt]):
    """What a course trains."""

    parameters: list[torch.nn.Parameter]
    look_tokens: int  #: tokens of the development examples of a look; 0 without any

    def learn(self, batch: Sequence[Learnt]) -> float:
        """Add the gradients of a batch, and return its mean loss."""

    def look(self) -> Look:
        """At the development examples."""

    def state(self) -> State: ...

    def load(self, state: State) -> None: ...


@dataclass
class _Best:
    look: Look | None = None
    state: State = field(default_factory=dict)
    least: float | None = None  #: the least loss of a look
    since: int = 0  #: the number of looks since one was better in any way

    def consider(self, look: Look, state: State) -> None:
        """Keep the state of the look with the most right. A run whose loss still falls is not at its end either."""
        is_best, learns = look.beats(self.look), self.least is None or look.loss < self.least
        self.since = 0 if is_best or learns else self.since + 1
        self.least = look.loss if learns else self.least
        if is_best:
            self.look = look
            self.state = {name: tensor.detach().clone() for name, tensor in state.items()}


class Course(Generic[Item]):
    """One run. It goes on from the checkpoint in `out`, if there is one of the same run."""

    def __init__(
        self,
        name: str,
        learner: Learner[Item],
        options: Options,
        out: Path,
        run: str,
        say: Callable[[str], None],
        threads: int | None = None,
    ) -> None:
        """`run`: a digest of everything that decides it. `threads`: given by the user; None lets the run choose."""
        self._name, self._learner, self._options, self._out, self._run = name, learner, options, out, run
        self._say, self._threads = say, threads
        self._optimizer = torch.optim.AdamW(learner.parameters, lr=options.rate, weight_decay=0.0)
        self._best = _Best()

    def train(self, items: Sequence[Item]) -> State:
        """The best state by the looks, or the last one where there are none. It raises TrainingError."""
        self._out.mkdir(parents=True, exist_ok=True)
        total, first = self._options.steps(len(items)), self._resumed()
        if first:
            self._say(f"resuming {self._name} at step {first} of {total}")
        log = _Log(self._out / LOG, first)
        choice = ThreadChoice(torch.set_num_threads, self._say) if self._chooses(total - first) else None
        looks = Looks(total, self._options.looks, self._learner.look_tokens)
        at = self._reached(first, total, log)
        for step, batch in zip(range(total), batches(items, self._options.batch, self._options.seed), strict=False):
            tokens = sum(map(len, batch))
            if step < first:
                looks.due(step + 1, tokens)
                continue  # drawing the same batches again lets a resumed run see what an unbroken one sees
            began = time.monotonic()
            loss = self._step(at, total, batch)
            if choice:
                choice.saw(tokens, time.monotonic() - began)
            line: dict[str, float] = {"step": step, "of": total, "loss": round(loss, 4)}
            at = self._reached(step + 1, total, log)
            if looks.due(min(total, math.floor(at)), tokens):
                line |= self._look(step + 1, total)
            log.write(line, tokens)
            if self._best.since >= self._options.patience:
                self._say(f"{self._name}: {self._best.since} looks in a row were no better; the best one is kept")
                break
            if self._is_hopeless(at / total):
                self._say(f"{self._name}: given up in the middle, far behind what is cheaper")
                break
            if at >= total:
                break
            if (step + 1) % self._options.checkpoint_every == 0:
                self._say(f"{self._name}: step {step + 1} of {total}, loss {loss:.3f}, {log.tokens_s:.0f} tokens/s")
                self._checkpoint(step + 1)
        (self._out / CHECKPOINT).unlink(missing_ok=True)  # the same command again is a new run
        return self._best.state or self._learner.state()

    def _chooses(self, steps: int) -> bool:
        return not torch.cuda.is_available() and self._threads is None and steps >= WORTH_STEPS

    def _reached(self, steps: int, total: int, log: _Log) -> float:
        """How far the run is, of `total`: by its steps, or by its time where that is further."""
        budget_s = self._options.budget_s
        return float(steps) if budget_s is None else max(float(steps), total * log.seconds / budget_s)

    def _is_hopeless(self, share: float) -> bool:
        floor, look = self._options.floor, self._best.look
        return floor is not None and look is not None and share >= 0.5 and look.exact < floor

    def _step(self, step: float, total: int, batch: Sequence[Item]) -> float:
        """One update by a batch; returns the loss before it."""
        for group in self._optimizer.param_groups:
            group["lr"] = self._options.rate * schedule(step, total)
        loss = self._learner.learn(batch)
        torch.nn.utils.clip_grad_norm_(self._learner.parameters, 1.0)
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        return loss

    def _look(self, step: int, total: int) -> dict[str, float]:
        began = time.monotonic()
        look = self._learner.look()
        look_s = time.monotonic() - began
        self._best.consider(look, self._learner.state())
        self._say(f"{self._name}: step {step} of {total}, dev loss {look.loss:.3f}, exact {look.exact:.1f} %")
        return {"look_s": round(look_s, 2), "dev_loss": round(look.loss, 4), "dev_exact": round(look.exact, 2)}

    def _checkpoint(self, step: int) -> None:
        best = self._best
        state = {"state": self._learner.state(), "optimizer": self._optimizer.state_dict()}
        seen: dict[str, Any] = {"look": asdict(best.look) if best.look else None, "best": best.state}
        seen |= {"least": best.least, "since": best.since}
        scratch = (self._out / CHECKPOINT).with_suffix(".new")
        torch.save({**state, **seen, "step": step, "run": self._run}, scratch)
        scratch.replace(self._out / CHECKPOINT)

    def _resumed(self) -> int:
        """The number of steps that an earlier run of the same digest has done."""
        path = self._out / CHECKPOINT
        if not path.exists():
            return 0
        saved = torch.load(path, weights_only=True)
        if saved["run"] != self._run:
            raise TrainingError(
                f"the checkpoint in {path.parent} is of a run with other examples, options or base; "
                "give those again to go on with it, or another --out (or delete it) to start afresh"
            )
        self._learner.load(saved["state"])
        self._optimizer.load_state_dict(saved["optimizer"])
        look = Look(**saved["look"]) if saved["look"] else None
        self._best = _Best(look, saved["best"], saved["least"], saved["since"])
        return int(saved["step"])


class _Log:
    """A line for each step. Lines of an earlier run, and of steps that are done again, are deleted."""

    def __init__(self, path: Path, first: int) -> None:
        lines = path.read_text().splitlines(keepends=True)[:first] if path.exists() else []
        path.write_text("".join(lines))
        self._path, self._tokens, self._started = path, 0, time.monotonic()
        self._spent_s = float(json.loads(lines[-1])["seconds"]) if lines else 0.0

    @property
    def seconds(self) -> float:
        """That the run has taken, before it was interrupted too."""
        return self._spent_s + time.monotonic() - self._started

    @property
    def tokens_s(self) -> float:
        return self._tokens / max(time.monotonic() - self._started, 1e-9)

    def write(self, line: dict[str, float], tokens: int) -> None:
        self._tokens += tokens
        with self._path.open("a") as file:
            file.write(json.dumps(line | {"tokens_s": round(self.tokens_s), "seconds": round(self.seconds, 2)}) + "\n")


def schedule(step: float, total: int) -> float:
    """The share of the highest rate at a step."""
    warm_up = max(1, round(0.05 * total))
    return max(0.0, min((step + 1) / warm_up, (total - step) / max(1, total - warm_up)))


def batches(items: Sequence[Item], size: int, seed: int) -> Iterator[list[Item]]:
    """Yield endless epochs of batches in random order. Similar lengths in a batch save half of the arithmetic."""
    draw = random.Random(seed)
    while True:
        order = draw.sample(items, len(items))
        reach = 32 * size
        pools = [sorted(order[start : start + reach], key=len) for start in range(0, len(order), reach)]
        found = [pool[i : i + size] for pool in pools for i in range(0, len(pool), size)]
        yield from draw.sample(found, len(found))


def parts(batch: Sequence[Item], tokens: int) -> Iterator[list[Item]]:
    """Split the batch into pieces of at most so many tokens with padding; their gradients add up to the batch's."""
    part: list[Item] = []
    for item in sorted(batch, key=len):
        if part and (len(part) + 1) * len(item) > tokens:
            yield part
            part = []
        part.append(item)
    yield part


def use_threads(count: int | None) -> None:
    """Use `count` cores for arithmetic; None leaves all of them."""
    if count is not None:
        torch.set_num_threads(count)
