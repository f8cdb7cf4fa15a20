"""What do the words of a text alone give away? TF-IDF rows of the support, and simple methods on them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch

from fewsight.baselines import Baseline, Rows, centroid, logistic_regression, nearest_neighbour
from fewsight.task import Task
from fewsight.tree import Tree


def lexical_baselines() -> dict[str, Baseline]:
    """Three methods on TF-IDF rows of character n-grams (pieces, where a tokenizer made them)."""
    return {
        "centroid on TF-IDF": on_tfidf(centroid),
        "nearest neighbour on TF-IDF": on_tfidf(nearest_neighbour),
        "logistic regression on TF-IDF": on_tfidf(logistic_regression),
    }


def on_tfidf(method: Callable[[Rows], Baseline]) -> Baseline:
    """`method` on the TF-IDF rows of a task."""
    plain = method(lambda rows: rows.numpy())

    def answer(task: Task) -> torch.Tensor | None:
        support, query = (torch.from_numpy(rows) for rows in tfidf(task))
        return plain(replace(task, support=replace(task.support, x=support), query=query))

    return answer


def tfidf(task: Task) -> tuple[np.ndarray, np.ndarray]:
    """Rows of unit length for support and queries, `(K, F)` and `(Q, F)`.

    Term counts times 1 + log((1 + K) / (1 + d)), d the number of support texts that hold the term, as scikit-learn's
    TfidfVectorizer would fit on the support; its terms are those of the support (others cannot match anything).
    """
    given = _terms(task.support.x)[task.support.weight.numpy() > 0]
    terms = np.unique(given)
    terms = terms[terms > 0]
    support, query = _counts(task.support.x, terms), _counts(task.query, terms)
    present = support[task.support.weight.numpy() > 0]
    idf = 1 + np.log((1 + len(present)) / (1 + (present > 0).sum(0)))
    return _unit(support * idf), _unit(query * idf)


def _terms(x: Tree) -> np.ndarray:
    """Ids of the tokens that count, `(n, L * G)`; 0 elsewhere."""
    ids = x["ids"] if x["ids"].ndim == 3 else x["ids"][..., None]
    return (ids * (x["mask"] > 0)[..., None]).flatten(1).numpy()


def _counts(x: Tree, terms: np.ndarray) -> np.ndarray:
    found = _terms(x)
    counts = np.zeros((len(found), len(terms)))
    place = np.searchsorted(terms, found).clip(max=max(len(terms) - 1, 0))
    known = np.take(terms, place) == found if len(terms) else np.zeros_like(found, bool)
    row = np.broadcast_to(np.arange(len(found))[:, None], found.shape)
    np.add.at(counts, (row[known], place[known]), 1)
    return counts


def _unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
