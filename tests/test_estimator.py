"""The scikit-learn estimators: scikit-learn's own checks, and agreement with the learner inside."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import Ridge as LinearRidge
from sklearn.model_selection import cross_val_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from fewsight import explain, recipes
from fewsight.domains import offers
from fewsight.domains.domain import GivenDomain
from fewsight.domains.given import Given
from fewsight.domains.molecules.format import MoleculeFormat
from fewsight.domains.rows.format import RowFormat
from fewsight.domains.rows.schema import Column
from fewsight.errors import DataError
from fewsight.estimator import REGULARISATION, FewShotClassifier, FewShotRegressor
from fewsight.learners import MAML, ProtoNet
from fewsight.networks import MLP, Conv4
from fewsight.task import Support
from fewsight.training.run import Run

EXPECTED_FAILURES: dict[str, str] = {}
"""By check: why it cannot pass. None so far."""


@parametrize_with_checks(
    [FewShotClassifier(), FewShotRegressor()], expected_failed_checks=lambda estimator: EXPECTED_FAILURES
)
def test_what_scikit_learn_asks_of_estimators(estimator: Any, check: Any) -> None:
    check(estimator)


def numbers(size: int = 12, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(size, 4))
    return x, np.where(x[:, 0] > np.median(x[:, 0]), "up", "down")


def test_a_learner_inside_answers_as_it_does_alone() -> None:
    x, y = numbers()
    torch.manual_seed(0)
    learner = ProtoNet(MLP([4, 8]))
    support = Support.of(torch.tensor(x, dtype=torch.float32), y.tolist(), classes=["down", "up"])
    alone = learner.adapt(support).probabilities(support.x).double().numpy()
    estimator = FewShotClassifier(learner).fit(x, y)
    np.testing.assert_allclose(estimator.predict_proba(x), alone, rtol=1e-6)
    assert estimator.classes_.tolist() == ["down", "up"]


def test_an_example_of_weight_zero_is_not_there() -> None:
    x, y = numbers()
    weight = np.r_[np.zeros(3), np.ones(9)]
    torch.manual_seed(0)
    for given in (None, ProtoNet(MLP([4, 8])).double()):
        with_zero = FewShotClassifier(given).fit(x, y, sample_weight=weight).predict_proba(x)
        np.testing.assert_allclose(with_zero, FewShotClassifier(given).fit(x[3:], y[3:]).predict_proba(x), rtol=1e-9)


def test_untrained_regression_is_ridge_regression_on_standardised_numbers() -> None:
    x, _ = numbers()
    y = 1000 + 3 * x[:, 0] - x[:, 2]
    z = (x - x.mean(0)) / x.std(0)
    # Features are divided by the root of their number, and the constant is penalised too, where it is 0 already.
    other = LinearRidge(alpha=REGULARISATION * 4).fit(z, y).predict(z)
    np.testing.assert_allclose(FewShotRegressor().fit(x, y).predict(x), other, rtol=1e-9)


def test_images_keep_their_shape() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(6, 1, 8, 8)), [3, 3, 5, 5, 9, 9]
    torch.manual_seed(0)
    estimator = FewShotClassifier(ProtoNet(Conv4(hidden=4, size=(8, 8), blocks=2))).fit(x, y)
    assert estimator.predict(x).tolist() == y
    values = estimator.explain(x[0], "occlusion", checks=False).explanations["occlusion"].values
    assert values.ndim == 2


def test_it_is_cloned_with_its_learner_and_scored_by_others() -> None:
    x, y = numbers(40)
    learner = MAML(MLP([4, 8]), inner_steps=1)
    estimator = FewShotClassifier(learner)
    assert estimator.get_params() == {"run_or_learner": learner}
    assert isinstance(clone(estimator).run_or_learner, MAML)
    assert cross_val_score(FewShotClassifier(), x, y, cv=4).mean() > 0.8


def test_explanations_name_the_examples() -> None:
    x, y = numbers()
    found = FewShotClassifier().fit(x, y).explain(x[0], "leave_one_out", checks=False)
    assert found.support_names[:2] == ("example 0", "example 1")
    assert found.labels == ("down", "up")
    with pytest.raises(NotFittedError):
        FewShotClassifier().explain(x[0])


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run on rows whose learner has a head for each class, in an order that is not the alphabet's."""
    columns = (Column("age", centre=50, scale=10), Column("sex", "category", ("f", "m")))
    form = RowFormat(columns, code=2, classes=("well", "ill"))
    task = Given("one", form.tensors(np.array([[40, 0], [60.0, 1]])), torch.tensor([0, 1]), form.classes)
    domain = GivenDomain("heart_disease", form, {"train": [task]})
    learner = {"name": "maml", "head": 2, "inner_steps": 1, "inner_lr": 0.1}
    return untrained(tmp_path / "run", domain, {"name": "row-mlp", "hidden": [8]}, learner)


def untrained(folder: Path, domain: GivenDomain, network: dict[str, Any], learner: dict[str, Any]) -> Run:
    shape = {"shots": 1, "queries": 1}
    parts = {"domain": {"name": domain.name}, "network": network, "learner": learner, "train": shape, "test": shape}
    recipe = recipes.parse({"name": "tiny", "about": "", "training": {"steps": 1}} | parts, "here")
    made = Run.create(folder, recipe=recipe, domain=domain)
    made.save_best(dict(recipes.build(recipe, domain).state_dict()))
    return made


ROWS = [{"age": 40, "sex": "f"}, {"age": "61", "sex": "m"}, {"age": None, "sex": "m"}, {"age": 45, "sex": "f"}]
LABELS = ["well", "ill", "ill", "well"]


def test_a_run_reads_rows_and_keeps_the_order_of_its_classes(run: Run) -> None:
    estimator = FewShotClassifier(run.folder).fit(ROWS, LABELS)
    learner, found = run.learner(), run.format.encode(ROWS, list("abcd"))
    alone = learner.adapt(Support.of(found.x, LABELS, classes=("well", "ill"))).probabilities(found.x).double().numpy()
    assert estimator.classes_.tolist() == ["ill", "well"]
    np.testing.assert_allclose(estimator.predict_proba(ROWS), alone[:, ::-1], rtol=1e-6)
    explained = estimator.explain(ROWS[0], "query_shapley", checks=False)
    assert explained.explanations["query_shapley"].players == ("age", "sex")


def test_a_run_on_molecules_knows_small_real_changes(tmp_path: Path) -> None:
    form, molecules = MoleculeFormat(16), ["Clc1ccccc1", "CCCCl", "Oc1ccccc1", "CCCO"]
    task = Given("one", form.encode(molecules, molecules).x, torch.tensor([0, 0, 1, 1]), ("a", "b"))
    domain = GivenDomain("table", form, {"train": [task]})
    made = untrained(tmp_path / "run", domain, {"name": "fingerprint", "bits": 64, "widths": [8]}, {"name": "protonet"})
    estimator = FewShotClassifier(made).fit(molecules, ["a", "a", "b", "b"])
    found = estimator.explain("Clc1ccncc1", "matched_pairs")["matched_pairs"]
    support, query = form.encode(molecules, molecules), form.encode(["Clc1ccncc1"], ["query"])
    alone = explain(
        made.learner(),
        Support.of(support.x, ["a", "a", "b", "b"]),
        query.x,
        "matched_pairs",
        parts=query.views[0].parts,
        offers=offers(form, query, support),
    )["matched_pairs"]
    assert found.players == alone.players
    np.testing.assert_allclose(found.values, alone.values, atol=1e-6)


def test_a_data_frame_is_its_rows(run: Run) -> None:
    pandas = pytest.importorskip("pandas")
    estimator = FewShotClassifier(run).fit(pandas.DataFrame(ROWS), pandas.Series(LABELS))
    plain = FewShotClassifier(run).fit(ROWS, LABELS)
    frame = pandas.DataFrame(ROWS)
    np.testing.assert_array_equal(estimator.predict_proba(frame), plain.predict_proba(ROWS))
    one = estimator.explain(frame.iloc[1], "query_shapley", checks=False)
    assert one.scores == plain.explain(ROWS[1], "query_shapley", checks=False).scores


def test_rows_that_cannot_be_read_say_where(run: Run) -> None:
    with pytest.raises(DataError, match="example 1, column 'age': 'old' is not a number"):
        FewShotClassifier(run).fit([ROWS[0], {"age": "old", "sex": "m"}], ["well", "ill"])
