"""How does a few-shot learner fit into scikit-learn? As an estimator: `fit` adapts it to the examples given.

    FewShotClassifier("runs/heart").fit(rows, labels).predict(others)    # any trained run
    FewShotClassifier().fit(X, y)                                        # arrays, nothing trained

Meta-training is not part of it: a run or learner comes trained, and `fit` leaves it as it was. With a run, inputs are
what its format reads: pictures, texts, SMILES, or rows (a DataFrame or a list of dictionaries). With a learner they are
arrays `(n, ...)` as its network takes them. With neither, ridge regression in closed form on numbers standardised by
those of `fit`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.preprocessing import StandardScaler
from sklearn.utils import Tags
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, column_or_1d, validate_data
from torch import Tensor, nn

from fewsight import tree
from fewsight.domains import Format, offers
from fewsight.domains.format import Fits
from fewsight.errors import LearnerError
from fewsight.explain import Analysis, explain
from fewsight.learner import Learner
from fewsight.learners import Ridge
from fewsight.rejection import RATE, Rejection, calibrated
from fewsight.task import Support
from fewsight.training.run import Run
from fewsight.tree import Tree

REGULARISATION = 0.1
"""Of the ridge regression that serves where nothing is trained."""


class _InUnits(Learner):
    """A regression learner whose values are standardised by constants inside, and in their own unit outside."""

    kinds = frozenset({"regression"})
    centre: Tensor
    scale: Tensor

    def __init__(self, learner: Learner, centre: Tensor, scale: Tensor) -> None:
        super().__init__()
        self.learner = learner
        self.register_buffer("centre", centre)
        self.register_buffer("scale", scale)

    def solve(self, support: Support) -> Tree:
        return self.learner.solve(replace(support, y=(support.y - self.centre) / self.scale))

    def score(self, state: Tree, query: Tree) -> Tensor:
        return self.centre + self.scale * self.learner.score(state, query)


class _FewShot(BaseEstimator):
    """What both estimators share.

    Args:
        run_or_learner: a run folder or `Run`, a trained `Learner`, or None.

    Attributes:
        model_: the adapted `Model`.
        support_: what it was adapted to.
        format_: how inputs are read; None for arrays.
        examples_: the support set as it was read; None for arrays.
    """

    def __init__(self, run_or_learner: str | Path | Run | Learner | None = None) -> None:
        self.run_or_learner = run_or_learner

    def explain(self, x: Any, what: str | Sequence[str] | None = None, target: Any = None, **options: Any) -> Analysis:
        """Why does it answer one input so? See `fewsight.explain`; support examples are named "example 0"...

        Args:
            x: one input of those that `predict` takes several of: a row, a text, an array without its first dimension.
        """
        check_is_fitted(self)
        known: dict[str, Any] = {"names": [f"example {i}" for i in range(self.support_.size)]}
        if self.format_ is None:
            query = self._inputs(self._checked([x]))
        else:
            found = self.format_.encode(self._checked([x]), ["the query"])
            query, known = found.x, known | {"parts": found.views[0].parts or None}
            if self.examples_ is not None:
                known["offers"] = offers(self.format_, found, self.examples_)
        return explain(self.model_.learner, self.support_, query, what, target, **known | options)

    def _open(self) -> tuple[Learner, Format | None]:
        """The learner and how its inputs are read."""
        given = self.run_or_learner
        if given is None:
            return Ridge(nn.Identity(), regularisation=REGULARISATION).double().eval(), None
        if isinstance(given, Learner):
            return given, None
        run = given if isinstance(given, Run) else Run.open(given)
        return run.learner(), run.format

    @property
    def _reads_arrays(self) -> bool:
        return self.run_or_learner is None or isinstance(self.run_or_learner, Learner)

    def _checked(self, X: Any, **fit: Any) -> Any:  # noqa: N803
        """Inputs, of the width of those of `fit`, or those of `fit` with what they come with.

        They are arrays, or a list of what a format reads.
        """
        if not self._reads_arrays:
            return (_items(X), np.asarray(fit["y"])) if fit else _items(X)
        # A network may take images, and gaps.
        several: dict[str, Any] = {"dtype": "numeric", "allow_nd": True, "ensure_all_finite": "allow-nan"}
        settings = {"dtype": np.float64} if self.run_or_learner is None else several
        return validate_data(self, X, reset=bool(fit), **fit, **settings)

    def _inputs(self, X: Any) -> Tree:  # noqa: N803
        """What was checked, as the learner takes it."""
        if self.format_ is not None:
            return self.format_.encode(X, _names(X)).x
        if self.run_or_learner is None:
            return torch.from_numpy(self.scaler_.transform(X))
        assert isinstance(self.run_or_learner, Learner)
        found = torch.tensor(X)
        return found.to(tree.float_dtype(list(self.run_or_learner.parameters()))) if X.dtype.kind == "f" else found

    def _adapt(self, X: Any, y: Any, weight: Any, classes: Sequence[Any] | None = None) -> None:  # noqa: N803
        """Adapt to checked inputs; y are labels, of which `classes` has all, or float64 values `(n, d)`."""
        learner, form = self._open()
        if classes is not None and set(classes) <= set(trained := getattr(form, "classes", ())):
            classes = trained  # a learner with a head for each class knows them by their order
        if isinstance(form, Fits):
            form = form.fitted(X, _names(X))  # where tasks have columns of their own, these examples decide them
        self.format_ = form
        given = None if weight is None else _check_sample_weight(weight, X, ensure_non_negative=True)
        if self.run_or_learner is None:
            self.scaler_ = StandardScaler().fit(X, sample_weight=given)
            if classes is None:
                values = StandardScaler().fit(y, sample_weight=given)
                learner = _InUnits(learner, torch.from_numpy(values.mean_), torch.from_numpy(values.scale_))
        self.examples_ = None if form is None else form.encode(X, _names(X))
        x = self._inputs(X) if self.examples_ is None else self.examples_.x
        dtype = tree.float_dtype(x)
        self.support_ = Support.of(
            x,
            y if classes is not None else y.to(dtype),
            weight=None if given is None else torch.tensor(given, dtype=dtype),
            classes=classes,
        )
        with torch.no_grad():
            self.model_ = learner.adapt(self.support_)

    def _asked(self, X: Any) -> Tree:  # noqa: N803
        """Queries as the model takes them."""
        check_is_fitted(self)
        return self._inputs(self._checked(X))

    def _scores(self, X: Any) -> Tensor:  # noqa: N803
        query = self._asked(X)
        with torch.no_grad():
            return self.model_(query)


class FewShotClassifier(ClassifierMixin, _FewShot):
    """Classification; see the module docstring and `_FewShot`.

    Attributes:
        classes_: the labels, sorted; columns of `predict_proba` are in their order.
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:  # noqa: N803
        """Adapt to inputs `X` with labels `y` `(n,)`; an example of weight 0 is as if it were not there."""
        X, y = self._checked(X, y=y)  # noqa: N806
        check_classification_targets(y)
        y = column_or_1d(y, warn=True)
        self.classes_ = np.unique(y)
        self._adapt(X, y.tolist(), sample_weight, self.classes_.tolist())
        return self

    def predict_proba(self, X: Any) -> np.ndarray:  # noqa: N803
        """`(n, N)`, rows sum to 1."""
        share = self._scores(X).double().softmax(-1).numpy()
        labels = list(self.support_.labels or ())
        return share[:, [labels.index(label) for label in self.classes_.tolist()]]

    def predict(self, X: Any) -> np.ndarray:  # noqa: N803
        """The most probable label of each, `(n,)`."""
        best = self.predict_proba(X).argmax(-1)
        return self.classes_[best]

    def rejection(self, rate: float = RATE, data: str | Path | None = None) -> Rejection:
        """A calibrated "none of these" for this task, for `rejects`; it needs the data that the run was trained on.

        Args:
            rate: promised share of inputs of these classes that are rejected.
            data: the data directory.

        Raises:
            LearnerError: no run was given, or its tasks are not drawn from classes.
            DataError: see `fewsight.rejection.calibrated`.
        """
        check_is_fitted(self)
        if self._reads_arrays:
            raise LearnerError("an estimator without a run has no tasks to calibrate on: use rejection.calibrate")
        given = self.run_or_learner
        run = given if isinstance(given, Run) else Run.open(given)  # type: ignore[arg-type]
        return calibrated(run, self.support_, rate, data)

    def rejects(self, X: Any, rejection: Rejection) -> np.ndarray:  # noqa: N803
        """Which inputs are none of the classes, `(n,)` bool."""
        query = self._asked(X)
        return rejection.rejects(self.model_, query).numpy()


class FewShotRegressor(RegressorMixin, _FewShot):
    """Regression; see the module docstring and `_FewShot`."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:  # noqa: N803
        """Adapt to inputs `X` with values `y` `(n,)` or `(n, d)`; weights as in `FewShotClassifier.fit`."""
        X, y = self._checked(X, y=y, multi_output=True, y_numeric=True)  # noqa: N806
        values = np.asarray(y, dtype=np.float64)
        self.flat_ = values.ndim == 1
        self._adapt(X, torch.tensor(values.reshape(len(values), -1)), sample_weight)
        return self

    def predict(self, X: Any) -> np.ndarray:  # noqa: N803
        """Values `(n,)` or `(n, d)`, as `y` was."""
        values = self._scores(X).double().numpy()
        return values[:, 0] if self.flat_ else values

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


def _items(X: Any) -> list[Any]:  # noqa: N803
    """Inputs one by one; rows of a DataFrame by column name."""
    if hasattr(X, "columns") and hasattr(X, "to_dict"):
        return X.to_dict("records")
    return [item.to_dict() if hasattr(item, "to_dict") else item for item in X]


def _names(items: Sequence[Any]) -> list[str]:
    return [f"example {i}" for i in range(len(items))]
