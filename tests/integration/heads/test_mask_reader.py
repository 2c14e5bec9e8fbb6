"""What a head of masks is taught of a template, and how the tags that it reads become one."""

from __future__ import annotations

import re

import pytest
import torch

from specialists.copies import Mask
from specialists.head_rule import FieldRule
from specialists.heads.readers.mask import MaskReader, pieces_of
from specialists.heads.readers.reader import Seen
from specialists.heads.tokens import Reading, Span

BEFORE = "log: "
RULE = FieldRule("form", "tags", shape="mask", mask=Mask("line", "<*>"))


def read(line: str, tokens: str = r"\w+|[^\w\s]") -> tuple[Reading, Span]:
    """A prompt whose tokens are given by a pattern, with one token before the line and one behind it."""
    text = f"{BEFORE}{line}\nform:"
    places = [found.span() for found in re.finditer(tokens, text)]
    return Reading(list(range(len(places))), places, text, 0), (len(BEFORE), len(BEFORE) + len(line))


def taught(line: str, form: str, tokens: str = r"\w+|[^\w\s]") -> list[tuple[str, int]] | None:
    """Each piece of the line with its tag."""
    reading, source = read(line, tokens)
    tags = MaskReader(RULE, 4).aim({"form": form}, reading, source)
    if tags is None:
        return None
    words = [reading.text[slice(*place)] for place in pieces_of(reading, source).places]
    return list(zip(words, tags.tolist(), strict=True))


def test_each_token_and_each_blank_is_taught_whether_it_varies() -> None:
    assert taught("port 7 up", "port <*> up") == [("port", 0), (" ", 0), ("7", 1), (" ", 0), ("up", 0)]
    assert taught("7 up 8", "<*>up <*>") == [("7", 1), (" ", 1), ("up", 0), (" ", 0), ("8", 1)]
    assert taught("is  on", "is<*> on") == [("is", 0), (" ", 1), (" ", 0), ("on", 0)]


def test_the_piece_behind_an_empty_part_is_taught_as_such() -> None:
    assert taught("f()", "f(<*>)") == [("f", 0), ("(", 0), (")", 2)]
    assert taught("-up", "<*>-up") == [("-", 2), ("up", 0)]


@pytest.mark.parametrize(
    ("line", "form", "tokens"),
    [
        ("port 7", "host <*>", r"\w+"),
        ("up", "up<*>", r"\w+"),  # nothing stands behind the empty part
        ("f()", "f(<*>)", r"\w|\(\)|\S+"),  # an empty part within a token
        ("abcd e", "a<*>bcd e", r"\w+"),
    ],
)
def test_a_form_that_the_tokens_cannot_tell_is_not_taught(line: str, form: str, tokens: str) -> None:
    assert taught(line, form, tokens) is None


def test_a_token_that_varies_in_part_counts_as_its_larger_half() -> None:
    assert taught("up=-175", "up=<*>", r"=-|\w+") == [("up", 0), ("=-", 1), ("175", 1)]
    assert taught("up::-7", "up::<*>", r"::-|\w+") == [("up", 0), ("::-", 0), ("7", 1)]


@torch.no_grad()
def form_of(line: str, tags: dict[str, int]) -> tuple[str, float]:
    """What is read where each token has the tag given for it. Of a blank between two unlike ones nothing is known."""
    reading, source = read(line)
    reader = MaskReader(RULE, 3)
    reader.out.weight.copy_(20 * torch.eye(3))
    reader.blanks.weight.copy_(20 * torch.cat((torch.eye(3), torch.eye(3)), -1))
    for layer in (reader.out, reader.blanks):
        layer.bias.copy_(torch.tensor([1.0, 0.0, 0.0]))
    states = torch.eye(3)[[tags.get(reading.text[slice(*place)], 0) for place in reading.places]]
    [found] = reader.read(Seen([reading], [source], [states]))
    return found.values["form"], found.probability


@pytest.mark.parametrize(
    ("line", "tags", "form"),
    [
        ("port 7 up", {"7": 1}, "port <*> up"),
        ("10.0.0.1:80 up", {"10": 1, ".": 1, "0": 1, "1": 1, "80": 1}, "<*>:<*> up"),
        ("user Ada Lovelace left", {"Ada": 1, "Lovelace": 1}, "user <*> left"),
        ("f() of x", {")": 2, "x": 1}, "f(<*>) of <*>"),
        (" so it is ", {}, "so it is"),
        ("7(", {"7": 1, "(": 2}, "<*>("),
        ("   ", {}, ""),
    ],
)
def test_pieces_that_vary_side_by_side_have_one_mark(line: str, tags: dict[str, int], form: str) -> None:
    assert form_of(line, tags)[0] == form


def test_a_form_is_as_probable_as_all_its_tags_together() -> None:
    assert form_of("7", {"7": 1})[1] == pytest.approx(1, abs=1e-4)
    assert form_of("7 up", {"7": 1})[1] == pytest.approx(torch.tensor(1.0).sigmoid().item(), abs=1e-3)
