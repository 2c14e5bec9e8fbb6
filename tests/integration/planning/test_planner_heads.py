"""The planner's heads on their real base: encoder, matcher, and the layer over whole goals."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

from infra.settings import Settings
from specialists.bases.weights import ensure
from specialists.heads.encoder import (
    PASS_TOKENS,
    READ_TOKENS,
    Adapted,
    Encoder,
    Shape,
    Texts,
    alike,
    load_base,
    metadata_of,
)
from specialists.heads.goal import HASHED, NAMES, SHAPE, GoalHead, features
from specialists.heads.matcher import BEGUN_WITH, Kept, Matcher, Scorer, base_of, load_adapter, save_adapter
from specialists.planning.words.texts import TASKS

GOAL = "Which of my mails are about a stolen card?"
SAID = [
    "triage: says what a customer of a bank wants. From text. Gives intent (lost card, exchange rate).",
    "weather: tells how warm it will be in a town. From town. Gives degrees.",
    "only where intent is lost card",
    "all mails",
    "x",
]
WIDTH = Shape().width


@pytest.fixture(scope="module")
def base() -> Path:
    return ensure("all-minilm-l6-v2", Settings().weights)


@pytest.fixture(scope="module")
def texts(base: Path) -> Texts:
    return Texts(base)


@pytest.fixture(scope="module")
def matcher(base: Path) -> Matcher:
    """On the base, with a change that does something and tasks that weigh differently."""
    torch.manual_seed(1)
    matcher = Matcher(TASKS).eval()
    load_base(matcher.encoder, base)
    with torch.no_grad():
        for module in matcher.modules():
            if isinstance(module, Adapted):
                module.up.normal_(std=0.01)
        for number, weights in enumerate(matcher.weights.values()):
            weights += torch.tensor([number, -number, 0.5 * number, 0.25])
    return matcher


def head(*names: str) -> GoalHead:
    draw = torch.Generator().manual_seed(2)
    size = HASHED + 2 * WIDTH + SHAPE
    return GoalHead(names, torch.randn(len(names), size, generator=draw), torch.randn(len(names), generator=draw))


def fresh(base: Path, adapter: Path) -> Matcher:
    matcher = Matcher(TASKS).eval()
    load_base(matcher.encoder, base)
    load_adapter(matcher, adapter)
    return matcher


@torch.no_grad()
def numbers(matcher: Matcher, texts: Texts, prefix: str = GOAL, task: str = "type") -> list[float]:
    first, *branches = matcher.encoder.tell(texts.tokens([prefix, *SAID]))
    found: list[float] = matcher.numbers(task, matcher.likeness(first, branches)).tolist()
    return found


# -- encoder ----------------------------------------------------------------------------------------------------------


def test_all_vectors_have_length_1_and_the_marks_have_none(base: Path, texts: Texts) -> None:
    tokens = texts.tokens(SAID)
    for told, ids in zip(base_of(base, texts).tell(SAID), tokens, strict=True):
        assert told.mean.norm().item() == pytest.approx(1.0, abs=1e-5)
        assert told.tokens.shape == (len(ids) - 2, WIDTH)
        assert told.tokens.norm(dim=1).tolist() == pytest.approx([1.0] * len(told.tokens), abs=1e-5)


@torch.no_grad()
def test_a_text_is_told_the_same_beside_whatever_others(matcher: Matcher, texts: Texts) -> None:
    together = matcher.encoder.tell(texts.tokens(SAID))
    for text, told in zip(SAID, together, strict=True):
        [alone] = matcher.encoder.tell(texts.tokens([text]))
        assert torch.allclose(alone.mean, told.mean, atol=1e-5)
        assert torch.allclose(alone.tokens, told.tokens, atol=1e-4)


def test_texts_of_like_lengths_share_a_pass_and_none_is_left_out() -> None:
    lengths = [3, 80, 4, 79, 3, 20, *[60] * 40]
    groups = alike(lengths)
    assert sorted(number for group in groups for number in group) == list(range(len(lengths)))
    for group in groups:
        longest = max(lengths[number] for number in group)
        assert len(group) == 1 or len(group) * longest <= PASS_TOKENS
    assert {0, 2, 4} in map(set, groups)
    assert alike([]) == []


def test_a_text_has_tokens_but_no_more_than_are_read(texts: Texts) -> None:
    empty, long = texts.tokens(["  ", "word " * 500])
    assert (len(empty), len(long)) == (3, READ_TOKENS)
    assert (empty[0], empty[-1]) == (long[0], long[-1])


@torch.no_grad()
def test_a_merged_change_is_the_same_change(base: Path, texts: Texts, matcher: Matcher, tmp_path: Path) -> None:
    save_adapter(matcher, tmp_path / "a.safetensors")
    one, other = (fresh(base, tmp_path / "a.safetensors") for _ in range(2))
    other.encoder.merge()
    other.encoder.merge()  # once is all that it adds
    assert numbers(other, texts) == pytest.approx(numbers(one, texts), abs=1e-3)


def test_a_new_encoder_says_what_its_base_says(base: Path, texts: Texts) -> None:
    encoder = Encoder().eval()
    load_base(encoder, base)
    with torch.no_grad():
        for told, kept in zip(encoder.tell(texts.tokens(SAID)), base_of(base, texts).tell(SAID), strict=True):
            assert torch.allclose(told.mean, kept.mean, atol=1e-5)


# -- matcher ----------------------------------------------------------------------------------------------------------


def test_nothing_is_more_like_a_text_than_itself(base: Path, texts: Texts) -> None:
    matcher = Matcher(TASKS)
    told = base_of(base, texts).tell([GOAL, *SAID])
    for prefix in told:
        likeness = matcher.likeness(prefix, told)
        itself = likeness[[each is prefix for each in told].index(True)]
        assert itself.tolist() == pytest.approx([1.0] * 3, abs=1e-4)
        assert (likeness <= itself + 1e-4).all()
        assert (likeness >= -1.0).all()
        found = matcher.numbers("part", likeness)
        assert told[int(found.argmax())] is prefix


def test_what_means_the_like_is_liker_than_what_does_not(base: Path, texts: Texts) -> None:
    goal, triage, weather = base_of(base, texts).tell([GOAL, *SAID[:2]])
    like, unlike = Matcher(TASKS).likeness(goal, [triage, weather])
    assert (like > unlike).all()


def test_a_branch_is_as_like_whatever_others_are_beside_it(base: Path, texts: Texts) -> None:
    goal, *said = base_of(base, texts).tell([GOAL, *SAID])
    matcher = Matcher(TASKS)
    together = matcher.likeness(goal, said)
    assert together.shape == (len(SAID), 3)
    for row, each in enumerate(said):
        assert torch.allclose(matcher.likeness(goal, [each])[0], together[row], atol=1e-5)


def test_a_task_begins_with_the_same_weights_and_may_learn_others(base: Path, texts: Texts, matcher: Matcher) -> None:
    goal, *said = base_of(base, texts).tell([GOAL, *SAID])
    likeness = matcher.likeness(goal, said)
    begun = Matcher(TASKS)
    one, other = (begun.numbers(task, likeness) for task in ("type", "bind"))
    assert torch.equal(one, other)
    assert one.tolist() == pytest.approx((likeness @ torch.tensor(BEGUN_WITH[:3]) + BEGUN_WITH[3]).tolist(), abs=1e-5)
    assert not torch.allclose(matcher.numbers("type", likeness), matcher.numbers("bind", likeness))


def test_what_is_kept_gives_the_same_numbers(texts: Texts, matcher: Matcher) -> None:
    kept = Kept(matcher.encoder, texts)
    before, after = kept.tell(SAID), kept.tell([*SAID[::-1], GOAL])
    assert all(one is other for one, other in zip(before, after[len(SAID) - 1 :: -1], strict=True))
    with torch.no_grad():
        found = matcher.numbers("type", matcher.likeness(after[-1], before)).tolist()
    assert found == pytest.approx(numbers(matcher, texts), abs=1e-3)
    assert torch.equal(kept.means([SAID[0], GOAL]), torch.stack([before[0].mean, after[-1].mean]))


def test_what_is_kept_holds_no_more_than_the_text_itself(texts: Texts, matcher: Matcher) -> None:
    for told in Kept(matcher.encoder, texts).tell(SAID):
        assert told.tokens.untyped_storage().nbytes() == told.tokens.nbytes
        assert told.mean.untyped_storage().nbytes() == told.mean.nbytes


def test_more_texts_than_are_kept_are_read_anew(
    texts: Texts, matcher: Matcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("specialists.heads.matcher.KEPT_TEXTS", 2)
    kept = Kept(matcher.encoder, texts)
    before, after = kept.tell(SAID), kept.tell(SAID)
    assert before[0] is not after[0]
    assert torch.allclose(before[0].mean, after[0].mean, atol=1e-5)


# -- what is saved ----------------------------------------------------------------------------------------------------


def test_an_adapter_that_was_saved_and_loaded_gives_the_same_numbers(
    base: Path, texts: Texts, matcher: Matcher, tmp_path: Path
) -> None:
    path = tmp_path / "adapter.safetensors"
    save_adapter(matcher, path, {"made": "here"}, head("count", "filter"))
    assert path.stat().st_size < 10_000_000  # in half precision, without the base
    again = fresh(base, path)
    for task in TASKS:
        assert numbers(again, texts, task=task) == pytest.approx(numbers(matcher, texts, task=task), abs=0.02)
    assert metadata_of(path).keys() == {"made", NAMES}


def test_an_adapter_of_another_shape_is_an_error_that_names_what_differs(matcher: Matcher, tmp_path: Path) -> None:
    path = tmp_path / "adapter.safetensors"
    save_adapter(matcher, path)
    with pytest.raises(KeyError, match=r"adapter\.safetensors: not the tensors of this matcher: \['weights\.of_judge'"):
        load_adapter(Matcher([*TASKS, "judge"]), path)


def test_the_layer_over_goals_says_the_same_when_it_was_saved_and_loaded(
    base: Path, texts: Texts, matcher: Matcher, tmp_path: Path
) -> None:
    path = tmp_path / "adapter.safetensors"
    saved = head("count", "filter", "type triage: Says what a customer wants.")
    save_adapter(matcher, path, head=saved)
    loaded = GoalHead.load(path)
    vector, words = base_of(base, texts).means([GOAL, f"{GOAL} [given mails]"])
    before, after = (each.numbers(GOAL, vector, words, [0, 1, 0, 1]) for each in (saved, loaded))
    assert list(after) == ["count", "filter", "type triage: Says what a customer wants."]
    assert list(after.values()) == pytest.approx(list(before.values()), abs=0.02)


def test_an_adapter_without_a_layer_over_goals_says_that_it_has_none(
    base: Path, matcher: Matcher, tmp_path: Path
) -> None:
    path = tmp_path / "adapter.safetensors"
    save_adapter(matcher, path)
    with pytest.raises(ValueError, match=r"adapter\.safetensors has no layer over goals"):
        GoalHead.load(path)
    with pytest.raises(ValueError, match="no layer over goals"):
        Scorer.load(base, path, TASKS)


# -- goals ------------------------------------------------------------------------------------------------------------


def test_goals_of_any_length_have_features_of_one_size_and_length() -> None:
    vector = F.normalize(torch.ones(WIDTH), dim=0)
    for goal in ("", "count", "how many of each? " * 300):
        found = features(goal, vector, vector, [0, 1, 0, 1])
        assert found.shape == (HASHED + 2 * WIDTH + SHAPE,)
        assert found[:HASHED].norm().item() <= 2.0 + 1e-4
        assert found[-SHAPE:].tolist() == [0, 1, 0, 1]


def test_the_words_of_a_goal_and_their_order_count_and_their_case_does_not() -> None:
    zeros = torch.zeros(WIDTH)

    def told(goal: str) -> torch.Tensor:
        return features(goal, zeros, zeros, [0] * SHAPE)

    assert torch.equal(told("Count the Mails!"), told("count the mails"))
    assert not torch.equal(told("count the mails"), told("the mails count"))
    assert not torch.equal(told("count the mails?"), told("count the mails"))


# -- what the planner asks --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def scorer(base: Path, matcher: Matcher, tmp_path_factory: pytest.TempPathFactory) -> Scorer:
    path = tmp_path_factory.mktemp("scorer") / "adapter.safetensors"
    save_adapter(matcher, path, head=head("count", "filter"))
    return Scorer.load(base, path, TASKS)


def test_a_scorer_reads_one_goal_as_it_reads_many(scorer: Scorer, texts: Texts, matcher: Matcher) -> None:
    asked = [(GOAL, SAID), ("all mails", SAID[:1]), (GOAL, [])]
    first, second, none = scorer.read_many(asked, "bind")
    assert first == scorer.read(GOAL, SAID, "bind") == pytest.approx(numbers(matcher, texts, task="bind"), abs=0.02)
    assert second == pytest.approx(numbers(matcher, texts, "all mails", "bind")[:1], abs=0.02)
    assert none == scorer.read(GOAL, [], "bind") == []
    assert first != scorer.read(GOAL, SAID, "type")


def test_likeness_for_a_scorer_is_the_bases_own_and_so_is_what_it_says_of_goals(
    scorer: Scorer, base: Path, texts: Texts
) -> None:
    [row] = scorer.similar([SAID[0]], [SAID[0], GOAL, SAID[1]])
    assert row[0] == pytest.approx(1.0, abs=1e-5)
    assert row[0] > row[1] > row[2]
    said = scorer.of_goal(GOAL, f"{GOAL} [given mails]", [0, 0, 0, 0])
    vector, words = base_of(base, texts).means([GOAL, f"{GOAL} [given mails]"])
    wanted = head("count", "filter").numbers(GOAL, vector, words, [0, 0, 0, 0])
    assert list(said.values()) == pytest.approx(list(wanted.values()), abs=0.02)
    assert said.keys() == {"count", "filter"}
