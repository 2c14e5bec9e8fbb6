"""One training run from examples to an installed adapter with its card. Knows nothing of how LoRA learns."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from specialists.card import machine, today, write_card
from specialists.examples import Example, drawn
from specialists.facts import Facts, Trained
from specialists.formats import FormatError
from specialists.manifest import Recipe
from specialists.manifest_text import without
from specialists.specialist import ADAPTER, Specialist
from specialists.training.augment import augmented
from specialists.training.curve import CURVE, draw_curve
from specialists.training.lora import LOG, Options, TrainingError, train, use_threads
from specialists.training.search import search
from specialists.weights import ensure


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
) -> Path:
    """Train on `count` of the examples (all by default); returns the adapter's path. `dev`: as `train` takes it.

    `search_first`: rank and rate are looked for, and those of `recipe` are not used. What is installed has its recipe
    pinned beside it, if the same command makes it again.

    Examples that break the schemas, or that the answer format cannot hold, are left out and counted aloud.
    Raises TrainingError if none is left, or if the specialist has no model.
    """
    manifest = specialist.manifest
    if manifest.base is None or manifest.decoding is None:
        raise TrainingError(f"{specialist.name!r} runs engine {manifest.engine!r}: there is no model to train")
    usable = [example for example in examples if _usable(specialist, example)]
    if not usable:
        raise TrainingError(f"none of the {len(examples)} examples fits the schemas of {specialist.name!r}")
    if len(usable) < len(examples):
        say(f"{len(examples) - len(usable)} of {len(examples)} examples left out: they break the schemas or the format")
    chosen = drawn(usable, count)
    folder = ensure(base or manifest.base.name, weights, say, None if base else manifest.base.sha256)
    use_threads(threads)
    settled = Options.of(recipe)
    measured = [example for example in dev if _usable(specialist, example)]
    if search_first:
        settled = search(specialist, chosen, measured, folder, out / "search", settled, say)
        recipe = recipe.model_copy(update={"rate": settled.rate, "rank": settled.rank})
    made_up = augmented(chosen, specialist.output_schema, round(recipe.augment * len(chosen)), settled.seed)
    taught = chosen + [example for example in made_up if _usable(specialist, example)]
    adapter = train(specialist, taught, folder, out, settled, say, start, measured)
    if install:
        _install(specialist, adapter, base, settled, recipe if count is None and start is None else None)
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
    write_card(where, specialist.name, f"{data}, {len(chosen)} examples{made}", trained, _last_loss(out / LOG), picture)
    return specialist.folder / ADAPTER if install else adapter


def _usable(specialist: Specialist, example: Example) -> bool:
    try:
        answer = specialist.format.write(example.output)
        return not specialist.input_faults(example.input) and specialist.parse(answer, example.input) is not None
    except (FormatError, ValueError, KeyError):
        return False


def _install(specialist: Specialist, adapter: Path, base: str | None, options: Options, recipe: Recipe | None) -> None:
    """Put the adapter into the specialist's folder and pin it in the manifest, as text: comments there stay."""
    shutil.copyfile(adapter, specialist.folder / ADAPTER)
    digest = hashlib.sha256(adapter.read_bytes()).hexdigest()
    path = specialist.folder / "specialist.toml"
    text = without(without(path.read_text(), "adapter"), "confidence")  # which was of another adapter
    pinned = f'[adapter]\nsha256 = "{digest}"\nrank = {options.rank}\nalpha = {options.alpha}\n\n'
    if base is not None:
        text = re.sub(r"\[base\]\n(?:[^\[\n][^\n]*\n)*", f'[base]\nname = "{base}"\n', text)
    text = text.replace("[decoding]", pinned + "[decoding]", 1)
    if recipe:
        lines = [f"{name} = {value!r}" for name, value in recipe.model_dump().items()]
        text = without(text, "training") + "\n".join(["", "[training]  # of the adapter", *lines, ""])
    path.write_text(text)


def _last_loss(log: Path) -> float:
    """Mean loss over the last twenty steps: a single batch's is noise."""
    losses: list[float] = [json.loads(line)["loss"] for line in log.read_text().splitlines()[-20:]]
    return sum(losses) / len(losses)
