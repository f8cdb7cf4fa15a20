"""Where are words used? Vectors of character n-grams from the words that stand beside each other in unlabelled texts.

Words: positive pointwise mutual information of standing in one text, reduced by a singular value decomposition (Levy
and Goldberg 2014, section 4) so that inner products of words are those of their rows of information. (The square root
of the singular values, which Levy et al. 2015, section 3.3, recommend, lost a point on validation classes: from so few
texts the last directions are mostly noise.) N-grams: the mean of the words that hold them, so that a word never seen
is placed by its pieces.
"""

from __future__ import annotations

from typing import Any

import numpy as np

PAIRS = 50_000_000
"""Pairs of words that are counted at most; of longer data every so many texts are looked at."""
WORDS = 50_000
"""Words at most, the most frequent."""


def gram_vectors(ids: np.ndarray, buckets: int, features: int) -> np.ndarray:
    """Vectors `(buckets, features)` float32, 0 for what was not seen.

    Args:
        ids: `(n, L, G)`, below `buckets`, 0 where there is nothing; the first of a token stands for the whole word.
    """
    words, at = _words(ids[:, :, 0])
    vectors = _word_vectors(at, len(words), features)
    grams, counts = _grams_of(ids, words, buckets), np.bincount(at.indices, minlength=len(words))
    weighted = grams.T.multiply(np.log1p(counts)).tocsr()
    total = np.asarray(weighted.sum(1))
    return np.asarray(weighted @ vectors / np.maximum(total.reshape(-1, 1), 1e-9), dtype=np.float32)


def _words(first: np.ndarray) -> tuple[np.ndarray, Any]:
    """Ids of the words `(V,)`, ascending, and which text holds which, sparse `(n, V)` of 0 and 1."""
    from scipy.sparse import csr_matrix

    text, place = np.nonzero(first)
    found, counts = np.unique(first[text, place], return_counts=True)
    words = np.sort(found[np.argsort(-counts, kind="stable")[:WORDS]])
    word = np.searchsorted(words, first[text, place]).clip(max=len(words) - 1)
    known = words[word] == first[text, place]
    at = csr_matrix((np.ones(known.sum(), np.float32), (text[known], word[known])), shape=(len(first), len(words)))
    at.data[:] = 1  # twice in a text is once
    return words, at


def _word_vectors(at: Any, size: int, features: int) -> np.ndarray:
    """Unit vectors `(V, features)`."""
    from scipy.sparse import csr_matrix
    from sklearn.utils.extmath import randomized_svd

    pairs = float((np.diff(at.indptr).astype(float) ** 2).sum())
    beside = at[:: max(1, int(np.ceil(pairs / PAIRS)))]
    together = (beside.T @ beside).tocoo()
    apart = together.row != together.col
    row, column, count = together.row[apart], together.col[apart], together.data[apart].astype(float)
    total = np.bincount(row, count, size)
    information = np.log(count * max(count.sum(), 1) / (total[row] * total[column]))
    positive = information > 0
    matrix = csr_matrix((information[positive], (row[positive], column[positive])), shape=(size, size))
    rank = min(features, size)
    left, values, _ = randomized_svd(matrix, rank, n_iter=4, random_state=0)
    vectors = np.zeros((size, features))
    vectors[:, :rank] = left * values
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)


def _grams_of(ids: np.ndarray, words: np.ndarray, buckets: int) -> Any:
    """Which word holds which n-gram, sparse `(V, buckets)` of 0 and 1."""
    from scipy.sparse import csr_matrix

    tokens = ids.reshape(-1, ids.shape[-1])
    first, where = np.unique(tokens[:, 0], return_index=True)
    grams = tokens[where[np.searchsorted(first, words)]]
    word, place = np.nonzero(grams)
    held = csr_matrix((np.ones(len(word), np.float32), (word, grams[word, place])), shape=(len(words), buckets))
    held.data[:] = 1
    return held
