"""What is an explanation? Values for players, what they add up to, and the measured evidence that they are true."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fewsight.errors import ExplanationError
from fewsight.explain.record import of_fields, plain

SCHEMA = "fewsight.explanation/1"
"""Fields and types are those of docs/explanation.schema.json; whoever changes them counts this up."""
SEMANTICS = ("drop", "renormalise", "relabel", "replace", "exchange", "derivative", "readout")
"""What taking a player away can mean; every explanation names its own."""


@dataclass(frozen=True)
class Measure:
    """One measured number about an explanation, with its 95 % interval where it is a mean.

    Attributes:
        name: what was measured ("rank correlation with exact leave-one-out").
        value: the figure.
        interval: (low, high) or None.
        passed: whether it is what a true explanation would show; None where there is no pass mark.
        meaning: one sentence for a reader outside the field.
        curve: points to draw, by series name (deletion against random...); may be empty.
    """

    name: str
    value: float
    interval: tuple[float, float] | None = None
    passed: bool | None = None
    meaning: str = ""
    curve: dict[str, list[float]] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Explanation:
    """Values phi of players with respect to a scalar target F.

    Attributes:
        kind: "shapley", "leave_one_out", "integrated_gradients"...
        question: the question it answers, one sentence.
        values: float64 array; one value for each player (pixels: the shape of the query; interactions: (K, K)).
            NaN where it is not a number and a note says why ("class disappears"); null in the JSON.
        players: the players' names, in the order of `values.reshape(-1)` (for pixels: one name, "pixels"...).
        target: what F is, in words ("margin of 'cat' over all others").
        value: F of what is explained.
        baseline: F of what it is compared with; None where the kind does not add up to a difference.
        baseline_name: what that is ("the un-adapted model").
        semantics: what removing a player means, one of `SEMANTICS`.
        residual: |sum phi - (value - baseline)| / max(|value - baseline|, tiny); None where nothing should add up.
        bound: the residual this kind must keep; above it the explanation says so in its first line.
        interval: 95 % interval of each value where it is an estimate, the shape of `values` + (2,).
        fidelity, controls: measured evidence.
        notes: limits and flags, a sentence each, first the most important.
        provenance: seed, settings, hashes.
    """

    kind: str
    question: str
    values: np.ndarray
    players: tuple[str, ...]
    target: str
    value: float
    baseline: float | None
    baseline_name: str
    semantics: str
    residual: float | None = None
    bound: float = 1e-3
    interval: np.ndarray | None = None
    fidelity: tuple[Measure, ...] = ()
    controls: tuple[Measure, ...] = ()
    notes: tuple[str, ...] = ()
    provenance: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.semantics not in SEMANTICS:
            raise ExplanationError(f"{self.kind}: removal semantics {self.semantics!r} are none of {SEMANTICS}")

    @property
    def complete(self) -> bool:
        """Whether the values add up to what they claim to (True where nothing is claimed)."""
        return self.residual is None or self.residual <= self.bound

    @property
    def failures(self) -> list[str]:
        """Why not to trust it, a sentence each; empty when every check passed."""
        failed = [f"{m.name}: {m.value:.3g}" for m in (*self.fidelity, *self.controls) if m.passed is False]
        if not self.complete:
            failed.insert(0, f"the values do not add up: residual {self.residual:.2g} exceeds {self.bound:.2g}")
        return failed

    @property
    def trusted(self) -> bool:
        """Whether it adds up and no check failed."""
        return not self.failures

    def __str__(self) -> str:
        lines = [f"NOT TO BE TRUSTED AS IT STANDS ({'; '.join(self.failures)})"] if self.failures else []
        lines.append(f"{self.kind}: {self.question}")
        against = "" if self.baseline is None else f", {self.baseline_name}: {self.baseline:+.4g}"
        lines.append(f"  target {self.target}: {self.value:+.4g}{against}  [{self.semantics}]")
        if self.values.size == len(self.players):
            width = max(len(player) for player in self.players)
            order = np.argsort(-np.abs(self.values.reshape(-1)), kind="stable")
            lines += [f"  {self.players[i]:<{width}} {_figure(self.values.reshape(-1)[i])}" for i in order[:20]]
        if self.residual is not None:
            lines.append(f"  adds up to within {self.residual:.2g} (bound {self.bound:.2g})")
        for measure in (*self.fidelity, *self.controls):
            interval = f" [{measure.interval[0]:.3g}, {measure.interval[1]:.3g}]" if measure.interval else ""
            mark = {True: "ok", False: "FAILED", None: "-"}[measure.passed]
            value = "not defined" if math.isnan(measure.value) else f"{measure.value:.3g}"
            lines.append(f"  {mark:>6}  {measure.name}: {value}{interval}")
        lines += [f"  note: {note}" for note in self.notes]
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """A plain dictionary, schema `SCHEMA`: every field, values as nested lists, and the verdict of the checks.

        Numbers that are not defined are None, so that the result is JSON in the strict sense.
        """
        verdict = {"complete": self.complete, "trusted": self.trusted, "failures": self.failures}
        return plain(of_fields(self) | {"schema": SCHEMA} | verdict)

    def to_html(self) -> str:
        """A page of its own to save and mail: the text, the picture where Matplotlib is installed, and the JSON."""
        from fewsight.explain.html import page

        return page(self)

    def plot(self, axes: Any = None) -> Any:
        """Draw it with Matplotlib, on `axes` or on a new figure; returns the axes. See `plot.plot`."""
        from fewsight.explain.plot import plot

        return plot(self, axes)

    def _repr_png_(self) -> bytes | None:
        """What a notebook shows beside the text; None without Matplotlib."""
        from fewsight.explain.plot import png

        return png(self)

    def to_shap(self) -> Any:
        """The same as a `shap.Explanation`, for shap's own plots: one row of values where each has a name.

        Its waterfall adds values up: it is for explanations that do (`baseline` is a number). Needs the package `shap`.
        """
        try:
            import shap
        except ImportError as error:
            raise ExplanationError(
                "to_shap() needs the package shap, which is not installed: pip install shap"
            ) from error
        named = len(self.players) == self.values.size
        values = self.values.reshape(-1) if named else self.values
        names = list(self.players) if named or len(self.players) == values.shape[-1] else None
        return shap.Explanation(values=values, base_values=self.baseline or 0.0, feature_names=names)


def _figure(value: float) -> str:
    return "not a number (see notes)" if math.isnan(value) else f"{value:+.4f}"
