"""`manyhands workers`: what it shows of what the ledger says."""

from rich.console import Console

from infra.records import Json
from workers.roster import on_host, row, table


def _about(host: str, serves: Json, **more: object) -> Json:
    return {"host": host, "serves": serves, "running": 2, "slots": 16} | more


TOLD = {
    "engines": ["transformers"],
    "devices": ["cpu"],
    "tokens_per_s": 23.1,
    "done": 120,
    "started_ms": 1_795_381_560_000,
}
ALIVE = {
    "worker-7@b": _about("b", {"table": "1.0.0", "count": "1.0.0"}),
    "triage-12@a": _about("a", {"triage": "1.2.0"}, **TOLD),
}


def test_a_row_says_what_a_worker_serves_on_what_how_fast_and_how_loaded() -> None:
    shown = row("triage-12@a", ALIVE["triage-12@a"])
    assert shown == ("triage-12@a", "a", "triage 1.2.0", "transformers on cpu", "23.1", "2/16", "120", "11-22 21:06")


def test_what_was_never_trained_is_marked() -> None:
    assert row("w", _about("a", {"triage": "1.2.0", "log": "1.0.0"}, untrained=["triage"]))[2] == (
        "log 1.0.0, triage 1.2.0 (never trained)"
    )


def test_what_a_worker_does_not_say_is_left_open() -> None:
    shown = row("worker-7@b", ALIVE["worker-7@b"])
    assert shown == ("worker-7@b", "b", "count 1.0.0, table 1.0.0", "- on -", "-", "2/16", "-", "-")


def test_the_table_has_one_line_a_worker_sorted_by_name() -> None:
    console = Console(width=200, record=True)
    console.print(table(ALIVE))
    lines = console.export_text().splitlines()
    assert [line.split()[0] for line in lines] == ["name", "triage-12@a", "worker-7@b"]


def test_a_health_check_counts_only_the_workers_of_its_own_host() -> None:
    assert list(on_host(ALIVE, "a")) == ["triage-12@a"]
    assert on_host(ALIVE, "c") == {}
