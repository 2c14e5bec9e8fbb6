"""Evaluation: runs a specialist's examples through the engine that serves it, and scores them. Knows no queue."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from infra.settings import Settings
from specialists.confidence import Judged
from specialists.examples import Example, ExamplesError
from specialists.measuring.metrics import counts, intervals, right, score
from specialists.schemas import Json
from specialists.specialist import AnswerError, Specialist
from workers.engines import Completion, Engine, EngineError, Finish
from workers.engines.load import load_engines
from workers.requests import request_for


@dataclass(frozen=True)
class Answer:
    output: Json | None = None  #: None: there is none, or it is not valid
    probability: float | None = None  #: of the output, as the model gives it; None: its engine gives none
    right: bool = False  #: whether the output is exactly right


@dataclass(frozen=True)
class Evaluation:
    specialist: str
    n: int
    valid_share: float  #: percent of answers that parse and keep the output schema
    metrics: dict[str, float]  #: percent
    intervals: dict[str, tuple[float, float]]  #: the 95 % interval of each metric
    counts: dict[str, int]  #: how many of the examples each metric counts
    seconds: float
    jobs_per_s: float
    tokens_in: float  #: the mean of a job, as is the next
    tokens_out: float
    refused: dict[str, int]  #: why answers are missing or not valid -> how many
    answers: Sequence[Answer]  #: in the order of the examples

    @property
    def judged(self) -> list[Judged]:
        """For each valid answer, the model's own probability, if its engine gives one, and whether it is right."""
        return [(each.probability, each.right) for each in self.answers if each.probability is not None]


@dataclass(frozen=True)
class Asked:
    """The answer to one input."""

    output: Json | None  #: a valid one; None: there is none
    completion: Completion | None  #: None: the engine gave none
    refused: str | None = None  #: why there is no output

    @property
    def probability(self) -> float | None:
        """The probability of the output; None if there is no output, or if its engine gives none."""
        return self.completion.probability if self.completion and self.output is not None else None


def ask(specialist: Specialist, inputs: Sequence[Json], engine: Engine) -> Iterator[Asked]:
    """Ask all inputs at once, so that the engine's batch is full. Checks and parses as in serving. Yields in order."""
    faults = [specialist.input_faults(input) for input in inputs]
    futures = [
        None if faults[number] else engine.submit(request_for(specialist, input, str(number)))
        for number, input in enumerate(inputs)
    ]
    for future, input, found in zip(futures, inputs, faults, strict=True):
        completion = None
        if future is None:
            yield Asked(None, None, _reason(found[0]))
            continue
        try:
            completion = future.result()
            yield Asked(_output(specialist, completion, input), completion)
        except (EngineError, AnswerError) as error:
            yield Asked(None, completion, _reason(str(error)))


def evaluate(specialist: Specialist, examples: Sequence[Example], engine: Engine) -> Evaluation:
    """Inputs that serving would refuse count as wrong. Raises ExamplesError if it would refuse all of them."""
    if all(specialist.input_faults(example.input) for example in examples):
        fault = specialist.input_faults(examples[0].input)[0]
        raise ExamplesError(f"none of the {len(examples)} examples is one of {specialist.name!r}: {fault}")
    started = time.monotonic()
    answers: list[Answer] = []
    spent: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    for asked, example in zip(ask(specialist, [each.input for each in examples], engine), examples, strict=True):
        if completion := asked.completion:
            spent.update(tokens_in=completion.tokens_in, tokens_out=completion.tokens_out)
        if asked.refused:
            refused[asked.refused] += 1
        answers.append(Answer(asked.output, asked.probability, right(example, asked.output)))
    outputs, rules = [answer.output for answer in answers], specialist.manifest.measure
    seconds = time.monotonic() - started
    return Evaluation(
        specialist=specialist.name,
        n=len(examples),
        valid_share=round(100 * sum(output is not None for output in outputs) / len(examples), 2),
        metrics=score(examples, outputs, rules),
        intervals=intervals(examples, outputs, rules),
        counts=counts(examples, rules),
        seconds=round(seconds, 2),
        jobs_per_s=round(len(examples) / seconds, 2),
        tokens_in=round(spent["tokens_in"] / len(examples), 1),
        tokens_out=round(spent["tokens_out"] / len(examples), 1),
        refused=dict(refused),
        answers=answers,
    )


def evaluate_here(specialist: Specialist, examples: Sequence[Example], settings: Settings) -> Evaluation:
    """`evaluate` with an engine of its own, which is closed afterwards."""
    engine = load_engines([specialist], settings)[specialist.name]
    try:
        return evaluate(specialist, examples, engine)
    finally:
        engine.close()


def _output(specialist: Specialist, completion: Completion, input: Json) -> Json:
    if completion.finish is not Finish.STOP:
        raise AnswerError(f"{specialist.name}: the answer ended by {completion.finish}, not whole")
    return specialist.parse(completion.text, input)


def _reason(message: str) -> str:
    """The first of the faults, without list positions, so that faults of one kind count together."""
    return re.sub(r"\.\d+", ".*", message.split(";")[0])
