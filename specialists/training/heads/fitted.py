"""The log of a fit that takes no steps: one line, as a course would write its last one. Knows no file but the log."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from specialists.training.course import LOG
from specialists.training.heads.learner import HeadLearner
from specialists.training.heads.lessons import Lesson


def log_fit(
    name: str,
    learner: HeadLearner,
    lessons: Sequence[Lesson],
    out: Path,
    seconds: float,
    say: Callable[[str], None],
) -> None:
    line: dict[str, float] = {"step": 0, "of": 1, "loss": round(learner.look_at(lessons).loss, 4)}
    if look := learner.look():
        line |= {"dev_loss": round(look.loss, 4), "dev_exact": round(look.exact, 2)}
        say(f"{name}: dev loss {look.loss:.3f}, exact {look.exact:.1f} %")
    line |= {"tokens_s": round(sum(map(len, lessons)) / max(seconds, 1e-9)), "seconds": round(seconds, 2)}
    out.mkdir(parents=True, exist_ok=True)
    (out / LOG).write_text(json.dumps(line) + "\n")
