"""The waterfall of steps, the path on a plane, and the coherence of directions between tasks."""

from __future__ import annotations

import numpy as np
import pytest
import tiny
import torch

import cases
from fewsight.errors import ExplanationError
from fewsight.explain.adaptation import joined, thetas
from fewsight.explain.coherence import coherence
from fewsight.explain.path_tensor import path_tensor
from fewsight.explain.trajectory import Plane, steps, trajectory
from fewsight.learners import LEARNERS, create
from fewsight.networks import MLP

VECTORS = [case for case in cases.CASES if case.input_kind == "vectors"]


@pytest.mark.parametrize("given", VECTORS, ids=str)
def test_every_learner_has_a_waterfall_that_sums_exactly(given: cases.Case) -> None:
    task = given.task()
    case = tiny.case(given.learner(), task.support, task.query[:1])
    found = steps(case)
    assert found.baseline is not None
    assert abs(found.values.sum() - (found.value - found.baseline)) < 1e-13
    with torch.no_grad():
        assert found.value == pytest.approx(case.value(task.support.weight, drop=True).item(), abs=1e-12)
    # The scores of all classes do too, from the un-adapted to the adapted model.
    scores = np.array(found.provenance["scores"])
    models = case.learner.trace(case.support).models()
    with torch.no_grad():
        first, last = (model(case.query)[0].numpy() for model in (models[0], models[-1]))
    np.testing.assert_allclose(scores[0] + np.diff(scores, axis=0).sum(0), last, atol=1e-12)
    np.testing.assert_allclose(scores[0], first, atol=1e-12)
    np.testing.assert_allclose(case.target(torch.from_numpy(scores)), found.provenance["heights"], atol=1e-12)
    assert {case.learner_name for case in VECTORS} == set(LEARNERS)


def test_steps_are_the_sums_of_the_path_tensor() -> None:
    case = tiny.case(tiny.learner("maml++"), tiny.support())
    np.testing.assert_allclose(steps(case).values, path_tensor(case).values.sum((1, 2)), atol=1e-13)


def test_a_trajectory_of_two_steps_lies_in_its_plane() -> None:
    """Three points: distances on the plane are the true ones, and the loss at the path's points is the loss there."""
    case = tiny.case(tiny.learner(steps=2), tiny.support())
    found = trajectory(case, points=5)
    path = thetas(case)
    names = list(path[0])
    for a in range(3):
        for b in range(a):
            true = (joined(path[a], names) - joined(path[b], names)).norm().item()
            assert np.linalg.norm(found.values[a] - found.values[b]) == pytest.approx(true, abs=1e-12)
    plane = found.provenance["plane"]
    assert plane["share"] == pytest.approx(1, abs=1e-12)
    assert (found.value, found.baseline) == (plane["along"][-1], plane["along"][0])
    assert plane["along"][-1] < plane["along"][0]


def test_the_contours_are_the_support_loss_on_the_plane() -> None:
    """A grid whose corner is moved onto the path has the path's loss there."""
    case = tiny.case(tiny.learner(steps=3), tiny.support())
    path = thetas(case)
    names = list(path[0])
    plane = Plane.of(torch.stack([joined(theta, names) for theta in path]))
    found = trajectory(case, points=4)
    across, up = plane.grid(4)
    np.testing.assert_allclose(found.provenance["plane"]["across"], across.numpy(), atol=1e-12)
    at = plane.middle + across[1] * plane.axes[0] + up[2] * plane.axes[1]
    parts = at.split([path[0][name].numel() for name in names])
    theta = {name: part.reshape(path[0][name].shape) for name, part in zip(names, parts, strict=True)}
    with torch.no_grad():
        loss = case.learner.inner_loss(theta, path[0], case.support).item()  # type: ignore[operator]
    assert found.provenance["plane"]["loss"][2][1] == pytest.approx(loss, abs=1e-12)
    for axis, line in enumerate((across, up)):
        assert line[0] < plane.path[:, axis].min()
        assert line[-1] > plane.path[:, axis].max()


def test_a_straight_path_gets_a_second_axis() -> None:
    found = trajectory(tiny.case(tiny.learner(steps=1), tiny.support()), points=3)
    assert found.values.shape == (2, 2)
    np.testing.assert_allclose(found.values[:, 1], 0, atol=1e-12)
    assert "random direction" in found.notes[1]
    plane = Plane.of(torch.randn(2, 7, dtype=torch.float64))
    torch.testing.assert_close(plane.axes @ plane.axes.T, torch.eye(2, dtype=torch.float64))
    with pytest.raises(ExplanationError, match="takes no inner step"):
        trajectory(tiny.case(tiny.learner(steps=0), tiny.support()))


def test_a_longer_path_says_how_much_of_it_is_shown() -> None:
    points = torch.randn(6, 9, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    away = points - points.mean(0)
    spectrum = torch.linalg.svdvals(away).square()
    assert Plane.of(points).share == pytest.approx(float(spectrum[:2].sum() / spectrum.sum()), abs=1e-12)


def test_one_task_twice_is_coherent_and_its_mirror_image_is_not() -> None:
    learner = create("maml", MLP([tiny.FEATURES, 6], "tanh"), 1, inner_steps=1, inner_lr=0.01).double()
    support = tiny.values_support()
    again = coherence(learner, [support, support, support, support])
    np.testing.assert_allclose(again.values, 1, atol=1e-12)
    assert again.players == ("network.layers.0", "head")
    assert again.interval is not None
    with torch.no_grad():
        prediction = learner(support.reweighted(torch.zeros(6, dtype=torch.float64), drop=True), support.x)
    mirrored = type(support)(support.x, 2 * prediction - support.y, support.weight, support.reference, None)
    np.testing.assert_allclose(coherence(learner, [support, mirrored]).values, -1, atol=1e-12)


def test_layers_of_other_shapes_are_left_out() -> None:
    found = coherence(tiny.learner(), [tiny.support(3), tiny.support(2, seed=1)])
    assert found.players == ("network.layers.0", "network.layers.2")
    assert (np.abs(found.values) <= 1).all()
    with pytest.raises(ExplanationError, match="at least two"):
        coherence(tiny.learner(), [tiny.support()])
    with pytest.raises(ExplanationError, match="does not adapt parameters"):
        coherence(tiny.learner("ridge"), [tiny.support(), tiny.support()])
