"""What would the answer be with only these examples? F on many support weightings, each time adapting again.

The rows are mapped by `torch.func.vmap` where the learner allows it, which shares all work that does not depend on the
weights (a metric learner embeds once), and one by one where it does not, or where that proves faster: vectorised
convolutions often are slower. Chunks keep the memory within `MEMORY`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from contextlib import nullcontext
from math import isinf
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode

from fewsight.explain import clock
from fewsight.explain.case import Case, Cost
from fewsight.explain.progress import bar

MEMORY = 512 * 2**20
"""Bytes that one chunk of adaptations may take, about."""
WIDEST = 512
"""Rows of a chunk at most, however small they are, so that progress can be seen."""
SECONDS = 0.25
"""Time that one chunk may take, about, so that it can be stopped; or as long as two adaptations, if that is longer."""

FEW = 8
"""Rows of a chunk that is on trial."""

Row = Callable[[Tensor], Tensor]


def values(case: Case, masks: np.ndarray, *, drop: bool = True) -> np.ndarray:
    """F of each coalition, `(M,)` float64; `(M, Q)` where F is one number for each of many queries.

    Args:
        masks: `(M, K)` bool, the examples that are present.
        drop: absent examples fall silent and the others keep their share; False: truly adapting without them.
    """
    weight = case.support.weight.detach()
    return at(case, torch.from_numpy(np.asarray(masks, dtype=bool)).to(weight) * weight, drop=drop)


def at(case: Case, weights: Tensor, *, drop: bool = True) -> np.ndarray:
    """F under each row of support weights `(M, K)`, `(M,)` or `(M, Q)` float64."""
    return case.target(torch.from_numpy(scores(case, weights, drop=drop))).numpy()


def scores(case: Case, weights: Tensor, *, drop: bool = True) -> np.ndarray:
    """Scores under each row of weights, `(M, N)` or `(M, Q, N)` float64; what is known once stays in `case.known`."""
    keys = [(drop, row.tobytes()) for row in weights.cpu().numpy()]
    new = {key: i for i, key in enumerate(keys) if key not in case.known}
    if new:

        def row(weight: Tensor) -> Tensor:
            return case.scores(weight, drop=drop)

        found: list[Tensor] = []
        try:
            over_rows(case, "scores", row, row, weights[list(new.values())], found)
        finally:  # what was made before time ran out serves others
            case.known.update(zip(new, torch.cat(found).numpy() if found else (), strict=False))
    return np.stack([case.known[key] for key in keys])


def present(case: Case) -> float:
    """F of the prediction as it is: every example at its weight."""
    return float(at(case, case.support.weight.detach()[None])[0])


def gradients(case: Case, weights: Tensor, *, drop: bool = True) -> np.ndarray:
    """dF/dv at each row of weights `(M, K)`, through the whole adaptation; `(M, K)` float64."""

    def one(weight: Tensor) -> Tensor:
        # Plain autograd: unlike torch.func it goes through a learner that checkpoints its inner steps.
        with torch.enable_grad():
            weight = weight.detach().requires_grad_()
            return torch.autograd.grad(case.value(weight, drop=drop), weight, materialize_grads=True)[0]

    return over_rows(case, "gradients", torch.func.grad(lambda weight: case.value(weight, drop=drop)), one, weights)


def over_rows(
    case: Case, what: str, row: Row, alone: Row, rows: Tensor, found: list[Tensor] | None = None
) -> np.ndarray:
    """`row` of each of the rows `(M, K)`, stacked as a float64 array; without gradients.

    Args:
        what: names the work; its cost is measured once and known from then on.
        row: what is mapped, in a form that `torch.func.vmap` can take.
        alone: the same for one row outside of it.
        found: takes the results as they come, for whoever wants those that there are when it is stopped.

    Raises:
        OutOfTimeError: see `Case.frozen`.
    """
    found = [] if found is None else found
    with bar("adapting again", len(rows), case.clock) as progress:
        if what not in case.costs:
            found.append(_measured(case, what, alone, rows[0]))
        done = len(found)
        while done < len(rows):
            cost = case.costs[what]
            if cost.obstacle or cost.slow:
                # After a slow chunk one row goes alone: so both are timed under the same load of the machine.
                started = clock.now()
                found.append(_alone(case, alone, rows[done]))
                cost.alone = clock.now() - started
                done += 1
                progress.advance(1)
                if cost.obstacle or done == len(rows):
                    continue
            chunk = rows[done : done + _rows(case, cost)]
            counter = _Bytes()
            started = clock.now()
            try:
                with nullcontext() if cost.probed else counter:
                    found.append(_vectorised(case, row, chunk))
            except (RuntimeError, NotImplementedError, ValueError) as error:
                first_line = (str(error).strip() or type(error).__name__).splitlines()[0]
                cost.obstacle = f"cannot be vectorised: {first_line[:200]}"
                continue
            seconds = (clock.now() - started) / len(chunk)
            done += len(chunk)
            progress.advance(len(chunk))
            if not cost.probed:
                cost.probed, cost.width = True, _width(cost, counter.total, len(chunk))
            elif not case.repeatable:
                cost.judge(seconds)
    return torch.cat(found).numpy()


def _rows(case: Case, cost: Cost) -> int:
    """How many rows go into the next chunk: few while it is not known whether it pays, then as many as time allows."""
    if case.repeatable or not cost.probed:
        return cost.width
    width = min(cost.width, FEW) if cost.slow or isinf(cost.together) else cost.width
    return max(1, min(width, int(max(SECONDS, 2 * cost.alone) / max(cost.seconds, 1e-9))))


def _measured(case: Case, what: str, alone: Row, row: Tensor) -> Tensor:
    """The first row by itself, which tells what one adaptation costs in memory and, when repeated, in time."""
    counter = _Bytes()
    with counter:
        found = _alone(case, alone, row)
    started = clock.now()
    _alone(case, alone, row)
    seconds = clock.now() - started
    full = "" if 2 * counter.total <= MEMORY else "one adaptation fills the memory allowed"
    case.costs[what] = Cost(counter.total, seconds, obstacle=full)
    return found


def _width(cost: Cost, size: int, rows: int) -> int:
    """How many rows fit, after `rows` took `size` bytes together: what all share (embeddings) is there only once."""
    each = max((size - cost.size) // max(rows - 1, 1), 1)
    return max(1, min(WIDEST, (MEMORY - cost.size) // each))


def _alone(case: Case, alone: Row, row: Tensor) -> Tensor:
    with case.frozen(), torch.no_grad():
        return alone(row).detach().double().cpu()[None]


def _vectorised(case: Case, row: Row, chunk: Tensor) -> Tensor:
    with case.frozen(), torch.no_grad(), warnings.catch_warnings():
        # torch warns where an operation falls back to a loop; the time is measured anyway.
        warnings.filterwarnings("ignore", message=".*performance drop.*", category=UserWarning)
        return torch.func.vmap(row, randomness="same")(chunk).double().cpu()


class _Bytes(TorchDispatchMode):
    """Adds up the sizes of all results of tensor operations: an upper bound of the memory they take."""

    total = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        results = func(*args, **(kwargs or {}))
        self.total += sum(leaf.nbytes for leaf in pytree.tree_leaves(results) if isinstance(leaf, Tensor))
        return results
