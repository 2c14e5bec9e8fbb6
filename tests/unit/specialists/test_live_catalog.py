"""LiveCatalog: job types that come, change and go while a process runs, and folders that are half written."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from specialists.catalog import SHIPPED, CatalogError, UnknownJobType
from specialists.live_catalog import AT_ONCE_S, LOOK_S, LiveCatalog
from tests.support.clock import Clock


def put(folder: Path, name: str, description: str = "Counts otherwise.") -> Path:
    """A job type as people write one: `count`, under another name."""
    target = folder / name
    shutil.copytree(SHIPPED / "count", target)
    manifest = target / "specialist.toml"
    lines = manifest.read_text().splitlines()
    said = {"name": f'name = "{name}"', "description": f'description = "{description}"'}
    manifest.write_text("\n".join(said.get(line.partition(" =")[0], line) for line in lines) + "\n")
    return target


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    put(tmp_path, "first")
    return tmp_path


@pytest.fixture
def clock() -> Clock:
    return Clock(0.0)


def test_a_job_type_that_comes_while_it_runs_is_known(folder: Path, clock: Clock) -> None:
    catalog = LiveCatalog([folder], clock.now_s)
    assert "first" in catalog.names()
    put(folder, "second")
    assert "second" not in catalog.names()
    clock.s += LOOK_S
    assert "second" in catalog.names()
    assert "second" in [each.name for each in catalog]


def test_who_asks_for_a_name_that_is_not_known_yet_need_not_wait_for_the_next_look(folder: Path, clock: Clock) -> None:
    """One process may have offered it before another has looked."""
    catalog = LiveCatalog([folder], clock.now_s)
    put(folder, "second")
    clock.s += AT_ONCE_S
    assert catalog.get("second").name == "second"
    put(folder, "third")
    clock.s += AT_ONCE_S
    assert "third" in catalog


def test_a_folder_that_is_half_written_changes_nothing_until_it_is_whole(
    folder: Path, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    catalog = LiveCatalog([folder], clock.now_s)
    target = put(folder, "second")
    schema = (target / "output.schema.json").read_text()
    (target / "output.schema.json").unlink()
    for _ in range(3):
        clock.s += LOOK_S
        assert "second" not in catalog
    assert [record.message.partition(":")[0] for record in caplog.records] == ["job types stay as they were"]
    (target / "output.schema.json").write_text(schema)
    clock.s += LOOK_S
    assert "second" in catalog


def test_what_changes_is_read_anew(folder: Path, clock: Clock) -> None:
    catalog = LiveCatalog([folder], clock.now_s)
    shutil.rmtree(folder / "first")
    put(folder, "first", "Counts in another way.")
    clock.s += LOOK_S
    assert [each.manifest.description for each in catalog if each.name == "first"] == ["Counts in another way."]


def test_what_goes_is_offered_no_more_and_still_known_to_what_runs(folder: Path, clock: Clock) -> None:
    put(folder, "second")
    catalog = LiveCatalog([folder], clock.now_s)
    shutil.rmtree(folder / "second")
    clock.s += LOOK_S
    assert "second" not in catalog
    assert "second" not in catalog.names()
    assert catalog.get("second").name == "second"


def test_the_last_folder_goes_like_any_other(folder: Path, clock: Clock) -> None:
    catalog = LiveCatalog([folder], clock.now_s)
    shutil.rmtree(folder / "first")
    clock.s += LOOK_S
    assert "first" not in catalog.names()


@pytest.mark.parametrize(
    ("file", "text"),
    [("input.schema.json", b'{"type": "object"}'), ("specialist.toml", b'name = "\xff'), ("output.schema.json", b"{")],
)
def test_whatever_is_wrong_with_a_folder_what_goes_on_without_it_does_not_notice(
    folder: Path, clock: Clock, caplog: pytest.LogCaptureFixture, file: str, text: bytes
) -> None:
    catalog = LiveCatalog([folder], clock.now_s)
    (put(folder, "second") / file).write_bytes(text)
    clock.s += LOOK_S
    assert "first" in catalog.names()
    assert [record.message.partition(":")[0] for record in caplog.records] == ["job types stay as they were"]


def test_an_unknown_name_is_told_with_the_known_ones(folder: Path) -> None:
    with pytest.raises(UnknownJobType, match=r"unknown job type 'frist'; known: .*first"):
        LiveCatalog([folder]).get("frist")


def test_at_the_start_a_folder_with_faults_is_refused(folder: Path) -> None:
    (folder / "first" / "input.schema.json").write_text("{")
    with pytest.raises(CatalogError):
        LiveCatalog([folder])
