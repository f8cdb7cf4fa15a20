"""Which training classes use an n-gram? A profile of every n-gram, whose use in *new* classes is to be like its old.

What a word says of classes known from before says something of others too: a word of "politics" and "crime" is no word
of "recipes". The profile is the logarithm of how much likelier the n-gram makes each group of training texts.
"""

from __future__ import annotations

import numpy as np

from fewsight.networks.isometry import isometry

UNSEEN = 5.0
"""Texts that a profile is smoothed with: that many more are imagined, spread as all are."""


def gram_profiles(held: np.ndarray, features: int) -> np.ndarray:
    """Profiles `(buckets, features)` float32, inner products those of the log-odds of groups (approximately, where
    there are more groups than features); 0 for what was not seen.

    Args:
        held: in how many texts of each class an n-gram is, `(buckets, classes)`.
    """
    total, share = held.sum(1, keepdims=True), held.sum(0) / max(held.sum(), 1)
    odds = np.log((held + UNSEEN * share) / (total + UNSEEN) / np.maximum(share, 1e-9))
    odds[total[:, 0] == 0] = 0
    return np.asarray(odds @ isometry(held.shape[1], features), dtype=np.float32)


def texts_with(ids: np.ndarray, buckets: int) -> np.ndarray:
    """In how many texts of ids `(n, L, G)` an n-gram is, `(buckets,)`; twice in a text is once, 0 is none."""
    held = np.zeros(buckets)
    for portion in np.array_split(ids, max(1, len(ids) // 1000)):
        text = np.nonzero(portion)[0].astype(np.int64)
        held += np.bincount(np.unique(text * buckets + portion[portion > 0]) % buckets, minlength=buckets)
    return held
