"""What the head engine says of what it hosts, and of the values that it did not take."""

from __future__ import annotations

import logging
from math import log
from pathlib import Path

import pytest
import torch

from infra.settings import Settings
from specialists.head_rule import FieldRule
from specialists.heads.head import Head
from specialists.heads.readers.label import Abstaining, LabelReader
from specialists.heads.readers.reader import Seen
from specialists.heads.tokens import Reading
from specialists.manifest import Recipe
from specialists.specialist import Specialist, load_specialist
from specialists.training.run import train_specialist
from tests.integration.heads.given import MOOD, NAMES, moods, specialist
from workers.engines import Completion
from workers.engines.heads.engine import HeadEngine
from workers.requests import request_for

SETTINGS = Settings(threads=1)
RULE = FieldRule("mood", "label", ("glad", "sad", "unknown"))
WIDTH = 4


def on_words(folder: Path) -> Specialist:
    """Trained on words and letters alone, which takes a moment."""
    found = specialist(folder / "mood", Path("linear"), MOOD, 'kind = "label"')
    train_specialist(
        found, moods(), "own", folder / "run", Recipe(), count=None, start=None, base=None, weights=SETTINGS.weights,
        threads=1, install=True, say=print, dev=moods(),
    )  # fmt: skip
    return load_specialist(found.folder)


def answered(found: Specialist, text: str, *tops: int | None) -> list[Completion]:
    engine = HeadEngine.create([found], SETTINGS)
    try:
        asked = [request_for(found, {"text": text}, str(n), top=top) for n, top in enumerate(tops)]
        return [future.result(60) for future in [engine.submit(each) for each in asked]]
    finally:
        engine.close()


def seen(texts: int = 1) -> Seen:
    return Seen([Reading([1], [(0, 1)], "x", 0)] * texts, [(0, 1)] * texts, [torch.ones(1, WIDTH)] * texts)


def reader(abstaining: Abstaining | None = None) -> LabelReader:
    """It finds `glad` four times as likely as each other label."""
    found = LabelReader(RULE, WIDTH, abstaining)
    with torch.no_grad():
        found.out.bias.copy_(torch.tensor([4.0, 1.0, 1.0]).log())
    return found


def logged(found: Specialist, caplog: pytest.LogCaptureFixture) -> str:
    with caplog.at_level(logging.INFO, "workers.engines.heads.engine"):
        HeadEngine.create([found], SETTINGS).close()
    [line] = [each.getMessage() for each in caplog.records if each.getMessage().startswith("weights: ")]
    return line


def test_the_engine_logs_the_digests_of_what_it_hosts(
    bert: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    untrained = specialist(tmp_path / "untrained", bert, MOOD, 'kind = "label"')
    assert logged(untrained, caplog) == f"weights: {bert.name}, no digest pinned; adapters, checked: none"
    caplog.clear()
    found = on_words(tmp_path)
    assert found.manifest.adapter
    sha256 = found.manifest.adapter.sha256[:12]
    assert logged(found, caplog) == f"weights: none but the adapters'; adapters, checked: mood {sha256}"


def test_requests_of_one_batch_each_get_as_many_values_as_they_ask_for(tmp_path: Path) -> None:
    plain, one, all_ = answered(on_words(tmp_path), "a gloomy day", None, 1, 20)
    assert plain.text == one.text == all_.text == '{"mood":"sad"}'
    assert plain.ranked is None
    assert one.ranked == {"mood": (("sad", one.probability),)}
    assert all_.ranked
    assert {value for value, _ in all_.ranked["mood"]} == {"glad", "sad", "cross", "unknown"}


def test_a_head_of_several_fields_tells_the_values_of_its_labels(llama: Path, tmp_path: Path) -> None:
    found = specialist(tmp_path / "told", llama, NAMES, 'kind = "tags"')
    assert found.labels == ("mood",)
    head = Head(found, WIDTH)
    [read] = head.read(seen())
    assert read.ranked == {"mood": (("glad", 0.5), ("sad", 0.5))}  # nothing was learnt, so all are equally likely


def test_a_head_that_abstains_tells_the_labels_that_it_did_not_take() -> None:
    found = reader(Abstaining(0.5, "unknown"))
    assert found.novelty
    with torch.no_grad():
        found.novelty.taught.fill_(1)
    found.novelty.weigh(torch.tensor([0.0, 0.0, 0.0, log(0.3 / 0.7)]))  # any text has a label with 0.3

    [read] = found.read(seen())

    assert read.values == {"mood": "unknown"}
    assert read.probability == pytest.approx(0.7)
    [(first, most), (second, more), (third, least)] = read.ranked["mood"]
    assert (first, second, third) == ("unknown", "glad", "sad")
    assert (most, more, least) == pytest.approx((0.7, 0.3 * 4 / 6, 0.3 / 6))
