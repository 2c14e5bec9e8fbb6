"""Trunks: the hidden states are those of the base, whatever else is in the batch."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import AutoModel

from specialists.heads.trunks import TrunkError, load_trunk
from specialists.heads.trunks.layered import LayeredTrunk
from specialists.heads.trunks.trunk import Text, Trunk, View

TEXTS = ([5, 99, 1000, 77, 3, 8], [44, 22, 11], [7] * 9)


def states(trunk: Trunk, view: View, ids: list[int], adapter: str = "one") -> torch.Tensor:
    with torch.no_grad():
        found: list[torch.Tensor] = trunk([Text(adapter, ids)], {adapter: view})
    return found[0]


def near(one: torch.Tensor, other: torch.Tensor) -> bool:
    return torch.allclose(one, other, rtol=1e-4, atol=1e-5)


def adapted(folder: Path, *names: str, layers: int = 2) -> LayeredTrunk:
    """With changes that are not zero, unlike those that training begins with."""
    trunk = load_trunk(folder)
    torch.manual_seed(1)
    for name in names:
        for parameter in trunk.adapt(name, layers, rank=2, alpha=4):
            torch.nn.init.normal_(parameter, std=0.1)
    return trunk


def test_a_llama_trunk_has_the_states_of_its_base(llama: Path) -> None:
    trunk, model = load_trunk(llama), AutoModel.from_pretrained(llama).eval()

    with torch.no_grad():
        found = trunk([Text("one", ids) for ids in TEXTS], {"one": View(3, both_ways=False)})
        for ids, ours in zip(TEXTS, found, strict=True):
            theirs = model(torch.tensor([ids])).last_hidden_state[0]
            assert near(ours * model.norm.weight, theirs)


def test_a_bert_trunk_has_the_states_of_its_base(bert: Path) -> None:
    trunk, model = load_trunk(bert), AutoModel.from_pretrained(bert).eval()

    with torch.no_grad():
        found = trunk([Text("one", ids) for ids in TEXTS], {"one": View(2, both_ways=True)})
        for ids, ours in zip(TEXTS, found, strict=True):
            assert near(ours, model(torch.tensor([ids])).last_hidden_state[0])


def test_a_token_sees_those_behind_it_only_where_attention_goes_both_ways(llama: Path) -> None:
    trunk = load_trunk(llama)
    one, other = [5, 99, 1000], [5, 99, 7]

    before = [states(trunk, View(3, both_ways=False), ids)[0] for ids in (one, other)]
    both = [states(trunk, View(3, both_ways=True), ids)[0] for ids in (one, other)]

    assert near(*before)
    assert not near(*both)


def test_the_first_layers_alone_give_what_the_whole_base_gives_at_that_layer(llama: Path) -> None:
    whole, first = load_trunk(llama), load_trunk(llama, 2)
    assert len(first.blocks) == 2

    view = View(2, both_ways=True)
    assert near(states(whole, view, TEXTS[0]), states(first, view, TEXTS[0]))


def test_texts_of_different_specialists_share_a_batch_without_a_trace_of_each_other(llama: Path) -> None:
    trunk = adapted(llama, "shallow", "deep")
    views = {"shallow": View(1, both_ways=True), "deep": View(3, both_ways=False), "plain": View(2, both_ways=True)}
    texts = [Text(name, ids) for ids in TEXTS for name in ("shallow", "deep", "plain")]

    with torch.no_grad():
        together = trunk(texts, views)

    for text, found in zip(texts, together, strict=True):
        assert near(found, states(trunk, views[text.adapter], list(text.ids), text.adapter))


def test_an_adapter_changes_the_states_of_its_own_texts(llama: Path) -> None:
    trunk, view = adapted(llama, "own"), View(2, both_ways=True)

    assert not near(states(trunk, view, TEXTS[0], "own"), states(trunk, view, TEXTS[0], "other"))


@pytest.mark.parametrize("base", ["llama", "bert"])
def test_a_merged_change_gives_the_same_states(base: str, request: pytest.FixtureRequest) -> None:
    trunk, view = adapted(request.getfixturevalue(base), "own"), View(2, both_ways=True)
    before = states(trunk, view, TEXTS[0], "own")

    trunk.merge("own")

    assert not trunk.learnt("own")
    assert near(states(trunk, view, TEXTS[0], "own"), before)


def test_more_layers_than_the_base_has_are_refused(llama: Path) -> None:
    with pytest.raises(TrunkError, match=r"layers is 4, and base .* has 3"):
        load_trunk(llama, 4)


def test_a_base_of_another_kind_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "gpt2", "num_hidden_layers": 2}')

    with pytest.raises(TrunkError, match="gpt2"):
        load_trunk(tmp_path)
