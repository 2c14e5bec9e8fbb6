"""One training run from examples to an installed adapter with its card. Knows no detail of LoRA."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from infra.json_lines import SHOWN
from specialists.bases.weights import BASES, ensure
from specialists.examples import Example, drawn
from specialists.formats import FormatError
from specialists.head_rule import head_faults
from specialists.manifest import LINEAR, Recipe
from specialists.manifest_text import ManifestTextError, with_table, without
from specialists.measuring.card import Made, machine, today, write_card
from specialists.measuring.facts import Facts, Trained
from specialists.specialist import ADAPTER, Specialist
from specialists.training.augment import augmented
from specialists.training.course import LOG, Options, Pace, TrainingError, use_threads
from specialists.training.curve import CURVE, draw_curve
from specialists.training.heads.train import train_head
from specialists.training.linear.train import train_linear
from specialists.training.lora import train
from specialists.training.search import search


def train_specialist(
    specialist: Specialist,
    examples: list[Example],
    data: str,
    out: Path,
    recipe: Recipe,
    *,
    count: int | None,
    start: Path | None,
    base: str | None,
    weights: Path,
    threads: int | None,
    install: bool,
    say: Callable[[str], None],
    dev: Sequence[Example] = (),
    search_first: bool = False,
    abstain: float | None = None,
    pace: Pace | None = None,
) -> Path:
    """Train on `count` of the examples (all by default); return the adapter's path. `dev`: as in `train`.

    With `search_first` rank and rate are searched for, and those of `recipe` are not used. The recipe is pinned beside
    an installed adapter if the same command makes that adapter again. `abstain`: as in `train_head`.
    `pace`: what a ladder says of the run.

    Examples that break the schemas, or that the answer format cannot hold, are left out and reported. It raises
    TrainingError if none is left, or if the specialist has no model.
    """
    manifest = specialist.manifest
    if search_first and start is not None:
        raise TrainingError(
            "a search looks for the rank, and an adapter to go on from has one: leave out one of the two"
        )
    if manifest.base is None or not manifest.hosts_model:
        raise TrainingError(f"{specialist.name!r} runs engine {manifest.engine!r}: there is no language model to train")
    _check_head_options(specialist, start, search_first, abstain)
    chosen = drawn(_usable(specialist, examples, "examples", say), count)
    measured = _usable(specialist, dev, "development examples", say) if dev else []
    is_linear = (base or manifest.base.name) == LINEAR
    folder = (
        None if is_linear else ensure(base or manifest.base.name, weights, say, None if base else manifest.base.sha256)
    )
    use_threads(threads)
    settled = replace(Options.of(recipe), seed=(pace or Pace()).seed)
    if search_first and folder:
        settled = search(specialist, chosen, measured, folder, out / "search", settled, say)
        recipe = recipe.model_copy(update={"rate": settled.rate, "rank": settled.rank})
    made_up = augmented(chosen, specialist.output_schema, round(recipe.augment * len(chosen)), settled.seed)
    taught = chosen + [example for example in made_up if _misfit(specialist, example) is None]
    below = None
    if manifest.head:
        told = replace(settled, **asdict(pace or Pace()))
        taker = _abstaining(specialist, abstain)
        found = (
            train_head(taker, taught, folder, out, told, say, measured, threads, abstain, recipe.frozen)
            if folder
            else train_linear(taker, taught, out, say, measured, abstain)
        )
        adapter, below = found.path, found.abstain_below
    else:
        assert folder, "the manifest's check: the linear base has a head"
        adapter = train(specialist, taught, folder, out, settled, say, start, measured, threads)
    if install:
        _install(specialist, adapter, base, settled, recipe if count is None and start is None else None, below)
    where = specialist.folder if install else out
    trained = Trained(
        base=base or manifest.base.name,
        examples=len(chosen),
        options=", ".join(f"{name} {value:g}" for name, value in recipe.model_dump().items())
        + (" from an adapter" if start else ""),
        minutes=round(json.loads((out / LOG).read_text().splitlines()[-1])["seconds"] / 60, 1),
        device=machine(),
        date=today(),
    )
    Facts.load(where).with_training(trained).save(where)
    made = f" and {len(taught) - len(chosen)} made up" * (len(taught) > len(chosen))
    picture = CURVE if draw_curve(out / LOG, where / CURVE) else None
    said = f"{data}, {len(chosen)} examples{made}"
    write_card(where, specialist.name, said, trained, _made(trained), _last_loss(out / LOG), picture)
    return specialist.folder / ADAPTER if install else adapter


def _check_head_options(specialist: Specialist, start: Path | None, search_first: bool, abstain: float | None) -> None:
    """Raises TrainingError for what a head cannot do, and for what only a head can."""
    head = specialist.manifest.head
    if head is None and abstain is not None:
        raise TrainingError(f"--abstain is for a head: {specialist.name!r} writes its answers")
    if head and (start is not None or search_first):
        raise TrainingError(f"{specialist.name!r} has a head: --start and --search are for answers that are written")
    if abstain is not None and (faults := _abstaining_faults(specialist)):
        raise TrainingError(faults[0])


def _abstaining(specialist: Specialist, share: float | None) -> Specialist:
    """With a threshold, so that its head learns what it knows; it is chosen anew when the head is trained."""
    head = specialist.manifest.head
    if head is None or share is None or head.abstain_below is not None:
        return specialist
    settled = specialist.manifest.model_copy(update={"head": head.model_copy(update={"abstain_below": 0.5})})
    return replace(specialist, manifest=settled)


def _abstaining_faults(specialist: Specialist) -> list[str]:
    rule = _abstaining(specialist, 0.0).manifest.head
    return head_faults(rule, specialist.input_schema, specialist.output_schema) if rule else []


def _usable(
    specialist: Specialist, examples: Sequence[Example], what: str, say: Callable[[str], None]
) -> list[Example]:
    misfits = [_misfit(specialist, example) for example in examples]
    usable = [example for example, misfit in zip(examples, misfits, strict=True) if misfit is None]
    reasons = Counter(misfit for misfit in misfits if misfit is not None)
    told = "; ".join(f"{reason} ({count})" for reason, count in reasons.most_common(SHOWN))
    if not usable:
        raise TrainingError(f"none of the {len(examples)} {what} fits the schemas of {specialist.name!r}: {told}")
    if reasons:
        say(f"{len(examples) - len(usable)} of {len(examples)} {what} left out: {told}")
    return usable


def _misfit(specialist: Specialist, example: Example) -> str | None:
    """Say why an example cannot be trained on; None if it can."""
    try:
        if faults := specialist.input_faults(example.input):
            return faults[0]
        if specialist.manifest.head:  # a value may be worded otherwise than its place in the text: lessons find it
            return next(iter(specialist.output_faults(example.output)), None)
        specialist.parse(specialist.write(example.output), example.input)
    except KeyError as error:
        return f"{specialist.name}.output: missing {error}"
    except (FormatError, ValueError) as error:
        return str(error)
    return None


def _install(
    specialist: Specialist,
    adapter: Path,
    base: str | None,
    options: Options,
    recipe: Recipe | None,
    abstain_below: float | None,
) -> None:
    """Put the adapter into the specialist's folder and pin it in the manifest as text, so that comments there stay."""
    path = specialist.folder / "specialist.toml"
    is_linear = specialist.manifest.base is not None and specialist.manifest.base.name == LINEAR
    pinned = {
        "sha256": hashlib.sha256(adapter.read_bytes()).hexdigest(),
        "rank": 1 if is_linear else options.rank,
        "alpha": 1 if is_linear else options.alpha,
    }
    try:
        text = without(path.read_text(), "confidence")  # the earlier adapter's
        if base is not None:
            text = with_table(text, "base", {"name": base})
        if abstain_below is not None and specialist.manifest.head:
            head = specialist.manifest.head.model_copy(update={"abstain_below": round(abstain_below, 4)})
            text = with_table(text, "head", head.model_dump(exclude_defaults=True))
        text = with_table(text, "adapter", pinned)
        if recipe:
            text = with_table(text, "training", recipe.model_dump(), "of the adapter")
        elif text != without(text, "training"):
            earlier = specialist.manifest.training.model_dump()
            text = with_table(text, "training", earlier, "not of this adapter: see its card")
    except ManifestTextError as error:
        raise TrainingError(f"{specialist.name}: the adapter is in {adapter.parent}, not installed: {error}") from None
    shutil.copyfile(adapter, specialist.folder / ADAPTER)
    path.write_text(text)


def _made(trained: Trained) -> Made:
    if trained.base == LINEAR:
        return Made("none: words and letters alone", "logistic regression")
    known = BASES.get(trained.base)
    is_gguf = known is None or not known.files
    from_gguf = ", weights de-quantised from its GGUF, not the original bf16" if is_gguf else ""
    return Made(f"{trained.base}{from_gguf}", f"LoRA, {trained.options}")


def _last_loss(log: Path) -> float:
    """The mean loss over the last twenty steps, since the loss of a single batch is noise."""
    losses: list[float] = [json.loads(line)["loss"] for line in log.read_text().splitlines()[-20:]]
    return sum(losses) / len(losses)
