"""A workload: one specialist, examples for it, and the worth of answers. Knows nothing of who answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path

from benchmarks.delivery.tables import Row
from benchmarks.engine.written import load_written
from specialists.examples import EXAMPLES, Example, read_examples
from specialists.measuring.metrics import score
from specialists.schemas import Json
from specialists.specialist import AnswerError, Specialist

#: The source of a repeated example, whose text begins with a number.
AGAIN = "again"

#: How many examples contenders warm up on; no round asks these.
WARM = 16


@dataclass(frozen=True)
class Answers:
    """The answers of one round: an output for each example, None if there was none or it was not valid."""

    examples: Sequence[Example]
    seconds: float
    outputs: Sequence[Json | None]
    tokens: int  #: tokens written in all

    @property
    def jobs_per_s(self) -> float:
        """Valid outputs per second; invalid ones do not count."""
        return sum(output is not None for output in self.outputs) / self.seconds


@dataclass(frozen=True)
class Workload:
    specialist: Specialist
    examples: Sequence[Example]  #: the examples of all rounds
    jobs: int  #: the jobs of a round

    @property
    def name(self) -> str:
        return self.specialist.name

    @property
    def inputs(self) -> list[Json]:
        return [example.input for example in self.examples]

    def round(self, number: int, share: float = 1.0, least: int = 1) -> Workload:
        """A share of the examples of one round; rounds have different examples."""
        first, jobs = number * self.jobs, min(self.jobs, max(least, round(share * self.jobs)))
        return self._part(self.examples[first : first + jobs])

    def warm(self, jobs: int = WARM) -> Workload:
        return self._part(self.examples[-jobs:])

    def from_round(self, number: int) -> Workload:
        """The same examples, beginning with those of round `number`."""
        first = number * self.jobs
        return Workload(self.specialist, [*self.examples[first:], *self.examples[:first]], self.jobs)

    def one(self, number: int) -> Workload:
        """A single example; after the last one they begin again."""
        return self._part([self.examples[number % len(self.examples)]])

    def answers(self, seconds: float, texts: Sequence[str | None], tokens: int) -> Answers:
        """Parse the engine's text for each example; None stands for an answer without an end."""
        outputs = [self.output(text, input) for text, input in zip(texts, self.inputs, strict=True)]
        return Answers(self.examples, seconds, outputs, tokens)

    def output(self, text: str | None, input: Json) -> Json | None:
        try:
            return None if text is None else self.specialist.parse(text, input)
        except AnswerError:
            return None

    def _part(self, examples: Sequence[Example]) -> Workload:
        return Workload(self.specialist, examples, len(examples))


def worth(rounds: Sequence[Answers]) -> Row:
    """Summarise the answers of all rounds. Only examples that are unchanged from their file are scored."""
    answered = [pair for each in rounds for pair in zip(each.examples, each.outputs, strict=True)]
    plain = [pair for pair in answered if pair[0].source != AGAIN] or answered
    scores = score([example for example, _ in plain], [output for _, output in plain])
    return {
        "valid_percent": 100 * sum(output is not None for _, output in answered) / len(answered),
        "score": " / ".join(f"{value:.1f}" for value in scores.values()),
        "scored_by": " / ".join(scores),
        "scored": len(plain),
        "tokens_a_job": sum(each.tokens for each in rounds) / len(answered),
    }


def load_workload(name: str, jobs: int, rounds: int, data: Path | None) -> Workload:
    """Load examples of specialist `name` for `rounds` of `jobs`, from `data`/<name>/dev.jsonl.gz or its own.

    No prompt is asked twice, since an engine may keep its work on a prompt: repeated examples begin with a number.
    """
    specialist = load_written(name)
    examples = read_examples(data / name / "dev.jsonl.gz" if data else specialist.folder / EXAMPLES)
    return Workload(specialist, list(islice(_unlike(examples), jobs * rounds + WARM)), jobs)


def _unlike(examples: Sequence[Example]) -> Iterator[Example]:
    yield from examples
    for again in count(1):
        for each in examples:
            yield Example(each.input | {"text": f"{again}. {each.input['text']}"}, each.output, AGAIN)
