"""`manyhands workers`: what it shows of what the ledger says."""

from infra.records import Json
from workers.roster import lines, on_host


def _about(host: str, serves: Json) -> Json:
    return {"host": host, "serves": serves, "running": 2, "slots": 16}


ALIVE = {
    "worker-7@b": _about("b", {"table": "1.0.0", "count": "1.0.0"}),
    "triage-12@a": _about("a", {"triage": "1.2.0"}),
}


def test_a_worker_is_one_line_that_says_what_it_serves():
    assert list(lines(ALIVE)) == [
        "triage-12@a  2 of 16 slots  triage 1.2.0",
        "worker-7@b  2 of 16 slots  count 1.0.0, table 1.0.0",
    ]


def test_a_health_check_counts_only_the_workers_of_its_own_host():
    assert list(on_host(ALIVE, "a")) == ["triage-12@a"]
    assert on_host(ALIVE, "c") == {}
