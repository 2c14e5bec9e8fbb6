"""A workload: one specialist, examples for it, and what its answers are worth. Knows nothing of who answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path

from benchmarks.delivery.tables import Row
from infra.settings import Settings
from specialists.catalog import load_catalog
from specialists.examples import EXAMPLES, Example, read_examples
from specialists.measuring.metrics import score
from specialists.schemas import Json
from specialists.specialist import AnswerError, Specialist

#: The source of an example that was there before, and begins with a number now.
AGAIN = "again"

#: Examples that contenders warm up on, and that no round asks.
WARM = 16


@dataclass(frozen=True)
class Answers:
    """Of one round: an output for each example, None where there was none or it was not valid."""

    examples: Sequence[Example]
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
    examples: Sequence[Example]  #: of all rounds
    jobs: int  #: of a round

    @property
    def name(self) -> str:
        return self.specialist.name

    @property
    def inputs(self) -> list[Json]:
        return [example.input for example in self.examples]

    def round(self, number: int, share: float = 1.0, least: int = 1) -> Workload:
        """A share of the examples of one round, which no other number's has."""
        first, jobs = number * self.jobs, min(self.jobs, max(least, round(share * self.jobs)))
        return self._part(self.examples[first : first + jobs])

    def warm(self, jobs: int = WARM) -> Workload:
        return self._part(self.examples[-jobs:])

    def from_round(self, number: int) -> Workload:
        """The same examples, those of round `number` first."""
        first = number * self.jobs
        return Workload(self.specialist, [*self.examples[first:], *self.examples[:first]], self.jobs)

    def one(self, number: int) -> Workload:
        """A single example, over again after all of them."""
        return self._part([self.examples[number % len(self.examples)]])

    def answers(self, seconds: float, texts: Sequence[str | None], tokens: int) -> Answers:
        """Of what an engine wrote for each example; None: it did not come to an end."""
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
    """What the answers of all rounds are worth. Scored are the examples as they are in their file."""
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
    """Examples of specialist `name` for `rounds` of `jobs`, of `data`/<name>/dev.jsonl.gz or its own.

    None is asked twice alike, for an engine may keep what it knows of a prompt: over again they begin with a number.
    """
    specialist = load_catalog(Settings().specialists).get(name)
    examples = read_examples(data / name / "dev.jsonl.gz" if data else specialist.folder / EXAMPLES)
    return Workload(specialist, list(islice(_unlike(examples), jobs * rounds + WARM)), jobs)


def _unlike(examples: Sequence[Example]) -> Iterator[Example]:
    yield from examples
    for again in count(1):
        for each in examples:
            yield Example(each.input | {"text": f"{again}. {each.input['text']}"}, each.output, AGAIN)
