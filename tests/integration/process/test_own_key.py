"""The key by which a house looks at its own API, where that asks for keys."""

from __future__ import annotations

from pathlib import Path

import pytest

from coordinator.client import ApiError, Client
from coordinator.keys.keyring import Keyring
from coordinator.local.house import House, Ports
from coordinator.local.own_key import OwnKey, own_key
from infra.access import Scope
from infra.ledger.redis.ledger import RedisLedger
from infra.settings import Settings


def test_where_no_keys_are_asked_for_none_is_made(settings: Settings, ledger: RedisLedger) -> None:
    assert own_key(settings, settings.redis_url) is None
    assert ledger.api_keys() == []


def test_a_house_ends_its_key_and_those_that_a_killed_house_has_left(settings: Settings, ledger: RedisLedger) -> None:
    desk, _ = Keyring(ledger).create("default", [Scope.READ])
    OwnKey(ledger)
    second = OwnKey(ledger)
    assert [kept.left_s is None for kept in ledger.api_keys()] == [True, False, True]
    second.end()
    left = {kept.key.id: kept.left_s for kept in RedisLedger.of(settings).api_keys()}
    assert [key_id for key_id, left_s in left.items() if left_s is None] == [desk.id]


def test_a_house_with_keys_comes_up_and_its_api_lets_nobody_in_without_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coordinator.local.house.API_S", 240.0)  # three processes start at once
    settings = Settings(_env_file=None, keys=True, home=tmp_path)
    with House(settings, Ports.private(), tmp_path / "up", print, flower=False) as house, Client(house.url) as client:
        with pytest.raises(ApiError, match="A key is needed"):
            client.workers()
        with house._client() as own:
            assert "workers" in own.workers()
