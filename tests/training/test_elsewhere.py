"""Cross-domain tests: a run meets another domain in its own format, under that domain's figures, and says so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from fewsight import domains, recipes, training
from fewsight.domains import ClassDomain, ImageFormat
from fewsight.domains.classes import Classes
from fewsight.errors import DataError, RecipeError
from fewsight.training import Run, evaluate_run
from fewsight.training.experiment import opened_for


def open_stripes(data: Path | None = None, *, size: int = 12, channels: int = 3, flat: bool = False) -> ClassDomain:
    """Classes told apart by the width of their stripes, of 2 to 7 images, for testing only."""
    generator = torch.Generator().manual_seed(0)
    place = torch.arange(size).expand(channels, size, size)
    images = [
        (place // (width + 1) % 2 * 200 + torch.randint(0, 50, (width + 2, channels, size, size), generator=generator))
        for width in range(6)
    ]
    classes = Classes(tuple("abcdef"), [image.to(torch.uint8) for image in images])
    form = ImageFormat(size, channels)
    return ClassDomain("stripes", form, {"test": classes}, metrics=("balanced accuracy", "accuracy"), uneven=True)


@pytest.fixture(autouse=True)
def stripes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(domains.DOMAINS, "stripes", open_stripes)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("runs") / "digits"
    few = ["training.steps=2", "validate_tasks=2", "strategy=loop"]
    return training.train(recipes.load("digits-protonet", few), folder, progress=False)[0]


def test_the_other_domain_comes_in_the_format_of_the_run(run: Run) -> None:
    found = opened_for(run, "stripes")
    assert found.input_shape == run.domain().input_shape == (1, 16, 16)
    assert found.fingerprint == open_stripes(size=16, channels=1).fingerprint


def test_its_tasks_metrics_and_baselines_are_its_own(run: Run) -> None:
    report = evaluate_run(run, domain="stripes", tasks=5, ways=3, shots=2, queries=4)
    assert report.metric == "balanced accuracy"
    assert report.protocol["cross-domain"] == "trained on digits, tested on stripes"
    assert "cross-domain trained on digits, tested on stripes" in report.table()
    assert report.protocol["queries per class"] == "1 to 4"
    assert "nearest neighbour on raw inputs" in report.main
    assert all(set(name.split(", ")) <= set("bcdef") for name in report.tasks)  # "a" has no more than its shots


def test_its_own_domain_is_not_another(run: Run) -> None:
    here = evaluate_run(run, domain="digits", tasks=3)
    assert "cross-domain" not in here.protocol
    assert here.main["learner"] == pytest.approx(evaluate_run(run, tasks=3).main["learner"])


def test_domains_of_another_kind_are_refused_in_one_line(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def open_large(data: Path | None = None, *, channels: int = 3) -> ClassDomain:
        return open_stripes(channels=channels)

    monkeypatch.setitem(domains.DOMAINS, "large", open_large)
    with pytest.raises(RecipeError, match=r"serves inputs with size 12, but the model of .* sees size 16") as caught:
        evaluate_run(run, domain="large")
    assert "\n" not in str(caught.value)
    with pytest.raises(RecipeError, match="serves inputs with kind None"):
        evaluate_run(run, domain="sinusoid")
    with pytest.raises(RecipeError, match=r"unknown domain 'stripe'.*stripes"):
        evaluate_run(run, domain="stripe")
    with pytest.raises(RecipeError, match="has no split 'val'"):
        evaluate_run(run, domain="stripes", split="val")
    with pytest.raises(DataError, match="5 ways need 5 classes, but there are 3 with more than 4 examples"):
        evaluate_run(run, domain="stripes", ways=5, shots=4)


def test_from_the_command_line(run: Run, fewsight: Callable[..., tuple[int, str, str]]) -> None:
    options = ["--domain", "stripes", "--ways", 3, "--shots", 1, "--tasks", 3]
    status, out, _ = fewsight("evaluate", run.folder, *options)
    assert status == 0
    assert "cross-domain trained on digits, tested on stripes" in out
    status, _, err = fewsight("evaluate", run.folder, "--domain", "sinusoid")
    assert status == 2
    assert err.count("\n") == 1
