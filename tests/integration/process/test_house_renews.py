"""A house whose specialists change while it runs: its worker serves them as they are now, and it says so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from coordinator.client import Client
from coordinator.local.house import House, Ports
from infra.settings import Settings
from tests.support.eventually import eventually

WORDS = {"words": {"type": "string", "maxLength": 100}}
PAINT = 'def paint(input):\n    return {"colour": input["words"] + "%s"}\n'


@pytest.fixture
def paint(write_specialist: Callable[..., Path]) -> Path:
    manifest = 'engine = "function"\nfunction = "paint.py:paint"\n'
    return write_specialist("paint", manifest, WORDS, {"colour": WORDS["words"]}, {"paint.py": PAINT % "!"})


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def house(paint: Path, tmp_path: Path, told: list[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """Its worker serves the one specialist alone, as all that ship take a while to load."""
    monkeypatch.setenv("MANYHANDS_SPECIALISTS", f'["{paint.parent}"]')
    house = House(Settings(), Ports.private(), tmp_path / "up", told.append, flower=False)
    house.worker.command = [*house.worker.command, "paint"]
    with house:
        yield house


def digest_served(house: House) -> str | None:
    with Client(house.url) as client:
        return next((about["digests"].get("paint") for about in client.workers()["workers"].values()), None)


def test_a_new_version_of_a_folder_is_served_without_a_restart_by_hand(
    house: House, paint: Path, told: list[str], tmp_path: Path
) -> None:
    eventually(lambda: digest_served(house))
    before = digest_served(house)
    assert not house.is_ready(), "the others that ship have no worker here"
    with Client(house.url) as client:
        assert client.job("paint", {"words": "red"}, 60)["output"] == {"colour": "red!"}

        (paint / "paint.py").write_text(PAINT % "?")
        eventually(lambda: digest_served(house) not in (None, before))

        assert client.job("paint", {"words": "red"}, 60)["output"] == {"colour": "red?"}
    assert house.renewals == 1
    assert "the specialists have changed: the worker starts again" in told


def test_a_folder_that_does_not_load_is_told_and_changes_nothing(house: House, paint: Path, told: list[str]) -> None:
    eventually(lambda: digest_served(house))
    before, pid = digest_served(house), house.worker.pid

    (paint / "output.schema.json").write_text("{")

    eventually(lambda: any("specialists stay as they were" in each for each in told))
    assert (digest_served(house), house.worker.pid) == (before, pid)
