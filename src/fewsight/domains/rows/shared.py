"""What do the domains of tables share? Simple methods that see rows as numbers, and a division of a task's examples."""

from __future__ import annotations

import numpy as np

from fewsight.baselines import Baseline, defaults, random_forest
from fewsight.domains.episodes import generator
from fewsight.tree import Tree


def flat(inputs: Tree) -> np.ndarray | None:
    """Cells and what is there, side by side: `(n, C * W + C)`; cells are 0 where they are missing."""
    cells, mask = inputs["cells"].double(), inputs["mask"].double()
    return np.concatenate([(cells * mask[..., None]).flatten(1).numpy(), mask.numpy()], 1)


def baselines() -> dict[str, Baseline]:
    """The usual ones, and a random forest of 50 trees."""
    return defaults(flat, "the row") | {"random forest on the row": random_forest(flat, 50)}


def divide(labels: np.ndarray, share: float, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Positions of a `share` of each class, and of the others; always the same for a `name`."""
    rng = generator(0, "divide", name)
    first = [
        rng.permutation(np.flatnonzero(labels == label))[: round(share * int((labels == label).sum()))]
        for label in np.unique(labels)
    ]
    chosen = np.sort(np.concatenate(first))
    return chosen, np.setdiff1d(np.arange(len(labels)), chosen)
