"""Lessons: examples as a head learns them. Knows no trunk."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from specialists.examples import Example
from specialists.fitting import Unfit
from specialists.heads.head import Aims, Asked, Head
from specialists.heads.linear.words import Words
from specialists.heads.readers.label import LabelReader
from specialists.heads.readers.reader import Values
from specialists.heads.tokens import Tokens
from specialists.specialist import Specialist
from specialists.training.balance import balance
from specialists.training.course import TrainingError


@dataclass(frozen=True)
class Lesson:
    asked: Asked
    aims: Aims
    output: Values

    def __len__(self) -> int:
        return len(self.asked.reading.ids)


def lessons_of(
    specialist: Specialist,
    head: Head,
    tokens: Tokens | Words,
    examples: Sequence[Example],
    what: str,
    say: Callable[[str], None],
) -> list[Lesson]:
    """Examples that are too long, or whose output cannot be read off their input, are left out and told.

    It raises TrainingError if none is left.
    """
    found = [_lesson(specialist, head, tokens, example) for example in examples]
    lessons = [each for each in found if isinstance(each, Lesson)]
    for why in dict.fromkeys(each for each in found if isinstance(each, str)):
        say(f"{found.count(why)} of {len(examples)} {what} left out: {why}")
    if examples and not lessons:
        raise TrainingError(f"a head can learn none of the {len(examples)} {what} of {specialist.name!r}: {found[0]}")
    return lessons


def balance_labels(head: Head, lessons: Sequence[Lesson]) -> None:
    """Have the losses of labels of unlike frequency count accordingly."""
    for reader in head.readers:
        if isinstance(reader, LabelReader):
            field = reader.rule.field
            reader.balance = torch.tensor(balance(reader.rule.values, [each.output[field] for each in lessons]))


def _lesson(specialist: Specialist, head: Head, tokens: Tokens | Words, example: Example) -> Lesson | str:
    """Or why there is none."""
    prompt, output = specialist.fill(example.input), specialist.normal_output(example.output)
    try:
        reading = tokens.read(prompt.text, specialist.manifest.limits.input_tokens, prompt.cut)
    except Unfit:
        return "longer than the manifest's limits"
    asked = Asked(reading, prompt.source or (0, 0))
    aims = head.aims(output, asked)
    return "the output cannot be read off the input" if aims is None else Lesson(asked, aims, output)
