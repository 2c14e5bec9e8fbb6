"""Keys: secrets, what they open, how long they are remembered, and where the API may listen without them."""

from __future__ import annotations

from typing import Any

import pytest

from coordinator.api.scopes import scope_of
from coordinator.keys.caller import Caller, anybody, asking_as
from coordinator.keys.check import KEPT_S, KeyCheck, KeyRefused
from coordinator.keys.durations import seconds_of
from coordinator.keys.keyring import KeyFault, Keyring
from coordinator.keys.listening import check_listening, is_this_machine
from coordinator.keys.own_things import own_things
from coordinator.keys.secret import digest, id_of, is_same, new_secret
from infra.access import KeptKey, Scope
from infra.ledger.memory.ledger import MemoryLedger
from infra.records import RunRecord
from infra.settings import SettingError, Settings
from tests.support.clock import Clock


class Counted:
    """A store of keys that counts how often it is asked."""

    def __init__(self, ledger: MemoryLedger) -> None:
        self._ledger = ledger
        self.asked = 0

    def api_key(self, key_id: str) -> KeptKey | None:
        self.asked += 1
        return self._ledger.api_key(key_id)


class Seconds:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def ledger() -> MemoryLedger:
    return MemoryLedger()


# -- secrets --


def test_a_secret_has_the_id_of_its_key_and_no_two_are_the_same() -> None:
    made = [new_secret() for _ in range(100)]
    assert all(id_of(secret) == key_id for key_id, secret in made)
    assert len({secret for _, secret in made}) == len({key_id for key_id, _ in made}) == 100
    assert {len(secret) for _, secret in made} == {63}
    assert all(secret.startswith("mh_") for _, secret in made)


@pytest.mark.parametrize(
    "text", ["", "mh_", "mh_0123456789abcdef_", "sk-" + "x" * 60, "mh_0123456789ABCDEF_" + "x" * 43]
)
def test_what_has_not_the_form_of_a_secret_has_no_id(text: str) -> None:
    assert id_of(text) is None


def test_a_secret_is_compared_by_its_digest() -> None:
    _, secret = new_secret()
    assert is_same(digest(secret), secret)
    assert not is_same(digest(secret), secret[:-1] + ("a" if secret[-1] != "a" else "b"))


# -- the keyring --


def test_a_key_is_kept_without_its_secret(ledger: MemoryLedger) -> None:
    key, secret = Keyring(ledger).create("acme", [Scope.READ, Scope.SUBMIT], "mine")
    (kept,) = Keyring(ledger).all("acme")
    assert kept.key == key
    assert key.scopes == (Scope.SUBMIT, Scope.READ)
    assert secret.split("_", 2)[2] not in kept.model_dump_json()
    assert key.sha256 not in repr(kept)


@pytest.mark.parametrize(("tenant", "scopes"), [("two words", [Scope.READ]), ("", [Scope.READ]), ("acme", [])])
def test_a_key_of_no_tenant_or_of_no_scope_is_refused(ledger: MemoryLedger, tenant: str, scopes: list[Scope]) -> None:
    with pytest.raises(KeyFault):
        Keyring(ledger).create(tenant, scopes)
    assert Keyring(ledger).all() == []


def test_a_rotated_key_has_an_heir_and_ends_after_the_overlap() -> None:
    clock = Clock()
    ledger = MemoryLedger(now_ms=clock)
    ring = Keyring(ledger)
    old, _ = ring.create("acme", [Scope.READ], "mine", 3600)
    new, _ = ring.rotate(old.id, 60)
    assert (new.tenant, new.scopes, new.name, new.lifetime_s) == ("acme", (Scope.READ,), "mine", 3600)
    assert new.id != old.id
    clock.passes(60_001)
    left = {kept.key.id: kept.left_s or 0 for kept in ring.all()}
    assert left[old.id] <= 0 < left[new.id]
    with pytest.raises(KeyFault, match="has ended"):
        ring.rotate(old.id, 60)


@pytest.mark.parametrize("ask", [lambda ring: ring.revoke("k1"), lambda ring: ring.rotate("k1", 0)])
def test_a_key_that_there_is_not_cannot_be_ended(ledger: MemoryLedger, ask: Any) -> None:
    with pytest.raises(KeyFault, match="there is no key 'k1'"):
        ask(Keyring(ledger))


# -- the check --


def test_a_key_is_read_once_and_then_remembered_for_a_few_seconds(ledger: MemoryLedger) -> None:
    _, secret = Keyring(ledger).create("acme", [Scope.READ])
    store, clock = Counted(ledger), Seconds()
    check = KeyCheck(store, clock)
    assert check.known(secret) is None
    assert check.look_up(secret).tenant == "acme"
    clock.now = KEPT_S - 0.1
    known = check.known(secret)
    assert known
    assert (known.tenant, known.scopes, store.asked) == ("acme", frozenset({Scope.READ}), 1)
    clock.now = KEPT_S
    assert check.known(secret) is None


def test_a_revoked_key_is_refused_once_it_is_not_remembered_any_more(ledger: MemoryLedger) -> None:
    key, secret = Keyring(ledger).create("acme", [Scope.READ])
    clock = Seconds()
    check = KeyCheck(ledger, clock)
    check.look_up(secret)
    Keyring(ledger).revoke(key.id)
    assert check.known(secret)
    clock.now = KEPT_S
    assert check.known(secret) is None
    with pytest.raises(KeyRefused, match=f"the key {key.id} has ended") as refused:
        check.look_up(secret)
    assert secret not in str(refused.value)


def test_a_key_is_not_remembered_for_longer_than_it_lives() -> None:
    ledger = MemoryLedger(now_ms=Clock())
    _, secret = Keyring(ledger).create("acme", [Scope.READ], lifetime_s=1.5)
    clock = Seconds()
    check = KeyCheck(ledger, clock)
    check.look_up(secret)
    clock.now = 1.6
    assert check.known(secret) is None


def test_another_secret_with_the_id_of_a_key_opens_nothing(ledger: MemoryLedger) -> None:
    key, _ = Keyring(ledger).create("acme", [Scope.READ])
    _, other = new_secret()
    forged = f"mh_{key.id}_{other.split('_', 2)[2]}"
    with pytest.raises(KeyRefused, match="there is no such key"):
        KeyCheck(ledger).look_up(forged)


def test_what_one_request_took_is_not_told_to_the_next(ledger: MemoryLedger) -> None:
    _, secret = Keyring(ledger).create("acme", [Scope.READ])
    check = KeyCheck(ledger)
    check.look_up(secret).usage = "r=1"
    known = check.known(secret)
    assert known
    assert known.usage is None


# -- scopes and tenants --


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("GET", "/livez", None),
        ("GET", "/readyz", None),
        ("GET", "/docs", None),
        ("GET", "/v1/goals", Scope.READ),
        ("GET", "/v1/anything/new", Scope.READ),
        ("POST", "/v1/goals", Scope.SUBMIT),
        ("DELETE", "/v1/jobs/j", Scope.SUBMIT),
        ("PUT", "/v1/plans/p", Scope.SUBMIT),
        ("POST", "/v1/dead-letters/j/rerun", Scope.ADMIN),
        ("DELETE", "/v1/dead-letters", Scope.ADMIN),
        ("PUT", "/v1/job-types/t/state", Scope.ADMIN),
        ("POST", "/v1/goalsmith", Scope.ADMIN),
        ("POST", "/v1/anything/new", Scope.ADMIN),
        ("POST", "/", Scope.ADMIN),
    ],
)
def test_a_route_needs_its_scope_and_one_that_nobody_named_needs_the_widest(
    method: str, path: str, scope: Scope | None
) -> None:
    assert scope_of(method, path) is scope


def test_an_admin_may_do_all_and_speak_for_any_tenant_and_others_for_their_own() -> None:
    admin, reader = Caller("acme", frozenset({Scope.ADMIN})), Caller("acme", frozenset({Scope.READ}))
    assert [admin.may(scope) for scope in Scope] == [True] * 3
    assert [reader.may(scope) for scope in Scope] == [False, True, False]
    assert (admin.speaks_for("byte"), admin.speaks_for(None), reader.speaks_for("byte")) == ("byte", "acme", "acme")
    assert (anybody().speaks_for("byte"), anybody().speaks_for(None)) == ("byte", "default")


def test_a_tenant_sees_its_own_runs_and_may_not_call_what_nobody_has_thought_about(ledger: MemoryLedger) -> None:
    for run_id, tenant in (("r1", "acme"), ("r2", "byte")):
        ledger.create_run(RunRecord(id=run_id, created_ms=1, body={"tenant": tenant}), [], [])
    seen: Any = own_things(ledger)
    with asking_as(Caller("acme", frozenset({Scope.READ}))):
        assert (seen.load_run("r1").id, seen.load_run("r2")) == ("r1", None)
        assert [run.id for run in seen.recent_runs()] == ["r1"]
        with pytest.raises(PermissionError, match="may not call 'news'"):
            seen.news({})
    with asking_as(Caller("acme", frozenset({Scope.ADMIN}))):
        assert [run.id for run in seen.recent_runs()] == ["r2", "r1"]
    assert seen.load_run("r2").id == "r2"
    assert seen.news({}) == {}


# -- where the API may listen --


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_on_this_machine_alone_no_key_is_needed(host: str) -> None:
    assert is_this_machine(host)
    check_listening(Settings(_env_file=None, api_host=host))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.7", "api.example"])
def test_elsewhere_the_api_does_not_start_without_keys_unless_told(host: str) -> None:
    with pytest.raises(SettingError, match=r"MANYHANDS_API_HOST: on .*MANYHANDS_KEYS=true.*MANYHANDS_OPEN=true"):
        check_listening(Settings(_env_file=None, api_host=host))
    check_listening(Settings(_env_file=None, api_host=host, keys=True))
    check_listening(Settings(_env_file=None, api_host=host, open=True))


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("15m", 900), ("1h", 3600), ("30d", 2_592_000), ("0s", 0)])
def test_a_duration_is_a_number_and_a_unit(text: str, seconds: int) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "1", "h", "-1h", "1.5h", "1 h", "1w"])
def test_anything_else_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="is no duration"):
        seconds_of(text)
