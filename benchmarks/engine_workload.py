"""A workload: one specialist, examples for it, and what its answers are worth. Knows nothing of who answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

from benchmarks.delivery_tables import Row
from infra.settings import Settings
from specialists.catalog import load_catalog
from specialists.examples import EXAMPLES, Example, read_examples
from specialists.metrics import score
from specialists.schemas import Json
from specialists.specialist import AnswerError, Specialist


@dataclass(frozen=True)
class Answers:
    """Of one round: an output for each input, None where there was none or it was not valid."""

    seconds: float
    outputs: Sequence[Json | None]
    tokens: int  #: written, in all

    @property
    def jobs_per_s(self) -> float:
        """Of valid outputs: speed with invalid ones does not count."""
        return sum(output is not None for output in self.outputs) / self.seconds


@dataclass(frozen=True)
class Workload:
    specialist: Specialist
    examples: Sequence[Example]

    @property
    def name(self) -> str:
        return self.specialist.name

    @property
    def inputs(self) -> list[Json]:
        return [example.input for example in self.examples]

    def first(self, jobs: int) -> Workload:
        return Workload(self.specialist, self.examples[:jobs])

    def output(self, text: str, input: Json) -> Json | None:
        try:
            return self.specialist.parse(text, input)
        except AnswerError:
            return None

    def worth(self, rounds: Sequence[Answers]) -> Row:
        """What all rounds' answers are worth, each round of all examples."""
        outputs = [output for each in rounds for output in each.outputs]
        examples = [example for _ in rounds for example in self.examples]
        scores = score(examples, outputs)
        return {
            "valid_percent": 100 * sum(output is not None for output in outputs) / len(outputs),
            "score": " / ".join(f"{value:.1f}" for value in scores.values()),
            "scored_by": " / ".join(scores),
            "tokens_a_job": sum(each.tokens for each in rounds) / len(outputs),
        }


def load_workload(name: str, jobs: int, data: Path | None) -> Workload:
    """`jobs` examples of specialist `name`, of `data`/<name>/dev.jsonl.gz or its own, over again if they are fewer."""
    specialist = load_catalog(Settings().specialists).get(name)
    examples = read_examples(data / name / "dev.jsonl.gz" if data else specialist.folder / EXAMPLES)
    return Workload(specialist, list(islice(cycle(examples), jobs)))
