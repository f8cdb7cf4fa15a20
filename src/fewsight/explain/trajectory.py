"""Which way did adaptation take? The prediction step by step, and the path on a plane of the loss (B3)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from fewsight.explain.adaptation import Parameters, adapting, joined, replay
from fewsight.explain.case import Case
from fewsight.explain.explanation import Explanation
from fewsight.explain.progress import bar
from fewsight.explain.quadrature import residual

MARGIN = 0.25
"""How far the drawn plane reaches beyond the path, as a share of its extent."""


def steps(case: Case) -> Explanation:
    """F(state_t) - F(state_{t-1}) of each recorded step of adaptation, `(T,)`: a waterfall that sums exactly.

    Every learner has it; one that adapts in a single stroke has a single step. The provenance holds the "scores" of all
    classes after each step, `(T + 1, N)`.
    """
    with case.frozen(), torch.no_grad():
        scores = torch.stack([model(case.query)[0].double() for model in case.learner.trace(case.support).models()])
        heights = case.target(scores).cpu().numpy()
    values = np.diff(heights)
    return Explanation(
        kind="steps",
        question="What did each step of adaptation do to the prediction?",
        values=values,
        players=tuple(f"step {t + 1}" for t in range(len(values))),
        target=case.target.description,
        value=float(heights[-1]),
        baseline=float(heights[0]),
        baseline_name="the model before its first step",
        semantics="readout",
        residual=residual(values, heights[-1], heights[0]),
        bound=1e-6,
        notes=("A late step that undoes an early one is over-shooting: the rate is large for this task.",)
        if (values > 0).any() and (values < 0).any()
        else (),
        provenance=case.record(heights=heights.tolist(), scores=scores.tolist()),
    )


@dataclass(frozen=True, eq=False)
class Plane:
    """A plane through a path of parameters: its middle, two orthonormal directions, and the path's coordinates.

    Attributes:
        middle: `(D,)`.
        axes: `(2, D)`.
        path: `(T + 1, 2)`.
        share: of the squared lengths of the path (about its middle), what lies in the plane.
    """

    middle: torch.Tensor
    axes: torch.Tensor
    path: torch.Tensor
    share: float

    @classmethod
    def of(cls, points: torch.Tensor, seed: int = 0) -> Plane:
        """The plane of largest variance through points `(T + 1, D)`; a straight path gets a random second axis."""
        middle = points.mean(0)
        away = points - middle
        _, size, axes = torch.linalg.svd(away, full_matrices=False)
        if len(size) < 2 or size[1] <= 1e-9 * size[0]:
            generator = torch.Generator().manual_seed(seed)
            second = torch.randn(points.shape[1], dtype=torch.float64, generator=generator).to(points)
            axes = torch.stack([axes[0], second])
            axes[1] -= axes[0] * (axes[0] @ axes[1])
            axes[1] /= axes[1].norm().clamp(min=1e-300)
        axes = axes[:2]
        path = away @ axes.T
        total = float(away.square().sum())
        return cls(middle, axes, path, float(path.square().sum()) / total if total else 1.0)

    def grid(self, points: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Coordinates across and up `(points,)` each, which cover the path; the two have one scale."""
        low, high = self.path.amin(0), self.path.amax(0)
        half = (0.5 + MARGIN) * float((high - low).max().clamp(min=1e-12))
        center = (low + high) / 2
        line = torch.linspace(-half, half, points, dtype=torch.float64, device=center.device)
        return center[0] + line, center[1] + line


def trajectory(case: Case, *, points: int = 11) -> Explanation:
    """theta_0, ..., theta_T on the plane of largest variance, `(T + 1, 2)`, with the support loss on that plane.

    The provenance holds `plane`: "across" and "up" `(points,)`, "loss" `(points, points)` by up and across, the losses
    "along" the path, and the "share" of the path that lies in the plane.

    Args:
        points: of the grid, in each direction.
    """
    learner, taken = adapting(case), replay(case)
    origin = taken[0].before
    names = list(learner.moving(origin))
    visited = [origin, *(step.after for step in taken)]
    plane = Plane.of(torch.stack([joined(theta, names) for theta in visited]), case.seed)
    across, up = plane.grid(points)

    def loss(theta: Parameters) -> float:
        with case.frozen(), torch.no_grad():
            return learner.inner_loss(theta, origin, case.support).item()

    heights = np.empty((points, points))
    with bar("drawing the loss", points * points, case.clock) as progress:
        for i, j in np.ndindex(points, points):
            at = plane.middle + across[j] * plane.axes[0] + up[i] * plane.axes[1]
            heights[i, j] = loss(origin | _separated(at, origin, names))
            progress.advance(1)
    along = [loss(theta) for theta in visited]
    return Explanation(
        kind="trajectory",
        question="Which way did adaptation take over the loss of the support?",
        values=plane.path.cpu().numpy(),
        players=tuple(f"theta_{t}, {axis}" for t in range(len(visited)) for axis in ("across", "up")),
        target="loss of the support",
        value=along[-1],
        baseline=along[0],
        baseline_name="before the first inner step",
        semantics="readout",
        notes=(
            f"{plane.share:.1%} of the path lies in this plane.",
            *(("A straight path: the second axis is a random direction.",) if len(visited) < 3 else ()),
        ),
        provenance=case.record(
            plane={
                "across": across.tolist(),
                "up": up.tolist(),
                "loss": heights.tolist(),
                "along": along,
                "share": plane.share,
            }
        ),
    )


def _separated(vector: torch.Tensor, like: Parameters, names: list[str]) -> Parameters:
    """The inverse of `joined`."""
    parts = vector.split([like[name].numel() for name in names])
    return {name: part.reshape(like[name].shape).to(like[name]) for name, part in zip(names, parts, strict=True)}
