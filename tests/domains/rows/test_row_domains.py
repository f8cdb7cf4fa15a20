"""Hospitals, patients, loans and tables as tasks: what the real data holds, and that splits keep apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from fewsight.domains import Episodes, open_domain
from fewsight.domains.datadir import DataFile
from fewsight.domains.domain import GivenDomain
from fewsight.domains.rows.german_credit import FILE as LOANS
from fewsight.domains.rows.german_credit import read_loans
from fewsight.domains.rows.heart_disease import FILES as HOSPITALS
from fewsight.domains.rows.parkinsons import DAY, FOLDS
from fewsight.domains.rows.parkinsons import FILE as PATIENTS
from fewsight.domains.rows.shared import divide, flat
from fewsight.domains.rows.uci import SPLITS
from fewsight.errors import DataError, RecipeError
from fewsight.task import Task
from realdata import absent


def opened(name: str, data: Path, *files: DataFile, **settings: object) -> GivenDomain:
    if missing := [file.name for file in files if file.find(data) is None]:
        absent(f"{name}: {data} lacks {', '.join(missing)}")
    domain = open_domain(name, data, **settings)
    assert isinstance(domain, GivenDomain)
    return domain


def tasks(domain: GivenDomain, split: str, shots: int, count: int = 20) -> list[Task]:
    return Episodes(domain.family(split, ways=2, shots=shots, queries=30), 0, split).batch(0, count)


def test_hospitals_as_published(data_dir: Path) -> None:
    sizes = {"cleveland": (164, 139), "hungarian": (188, 106), "switzerland": (8, 115), "va": (51, 149)}
    for hospital, counts in sizes.items():
        domain = opened("heart_disease", data_dir, *HOSPITALS, hold_out=hospital)
        assert [task.name for task in domain.tasks["test"]] == [hospital]
        assert tuple(torch.bincount(domain.tasks["test"][0].y).tolist()) == counts
        assert hospital not in {task.name for split in ("train", "val") for task in domain.tasks[split]}
        assert sum(len(task.y) for of in domain.tasks.values() for task in of) == 920


def test_switzerland_measured_no_cholesterol(data_dir: Path) -> None:
    domain = opened("heart_disease", data_dir, *HOSPITALS, hold_out="switzerland")
    place = domain.format.names.index("cholesterol")
    assert domain.tasks["test"][0].x["mask"][:, place].sum() == 0


def test_hospitals_give_patients_as_they_come(data_dir: Path) -> None:
    domain = opened("heart_disease", data_dir, *HOSPITALS, hold_out="switzerland")
    for task in tasks(domain, "test", shots=5):
        assert task.support.size == 10
        assert task.support.labels == ("healthy", "diseased")
        assert bool(task.support.present.all())


def test_numbers_are_standardised_by_the_patients_of_training(data_dir: Path) -> None:
    domain = opened("heart_disease", data_dir, *HOSPITALS)
    cells = torch.cat([x["cells"] for x in domain.inputs("train")])
    mask = torch.cat([x["mask"] for x in domain.inputs("train")])
    age, there = cells[:, 0, 0], mask[:, 0] > 0
    assert float(age[there].mean()) == pytest.approx(0, abs=1e-5)
    assert float(age[there].std(correction=0)) == pytest.approx(1, abs=1e-5)


def test_patients_are_asked_about_later_visits(data_dir: Path) -> None:
    domain = opened("parkinsons", data_dir, PATIENTS)
    day = domain.format.names.index(DAY)
    for split in ("train", "test"):
        for task in tasks(domain, split, shots=5):
            seen, asked = (x["cells"][:, day, 0] for x in (task.support.x, task.query))
            assert (seen.diff() > 0).all()
            assert asked.min() > seen.max()
            assert (task.target > 4).all(), "points, not standardised ones"
    with pytest.raises(DataError, match="visits"):
        domain.family("test", ways=1, shots=40, queries=5)


def test_every_patient_is_in_the_test_of_one_fold(data_dir: Path) -> None:
    seen: list[str] = []
    for fold in range(FOLDS):
        domain = opened("parkinsons", data_dir, PATIENTS, fold=fold)
        names = {split: {task.name for task in of} for split, of in domain.tasks.items()}
        assert len(names["train"] | names["val"] | names["test"]) == 42
        assert sum(map(len, names.values())) == 42
        seen += names["test"]
    assert len(seen) == len(set(seen)) == 42
    with pytest.raises(RecipeError, match="fold"):
        open_domain("parkinsons", data_dir, fold=FOLDS)


def test_the_line_in_time_is_least_squares(data_dir: Path) -> None:
    domain = opened("parkinsons", data_dir, PATIENTS)
    day = domain.format.names.index(DAY)
    task = tasks(domain, "test", shots=5, count=1)[0]
    x = task.support.x["cells"][:, day, 0].double()
    design = torch.stack([x, torch.ones_like(x)], -1)
    best = torch.linalg.lstsq(design, task.support.y.double()).solution
    asked = task.query["cells"][:, day, 0].double()
    found = domain.baselines["straight line in time"](task)
    torch.testing.assert_close(found, asked[:, None] * best[0] + best[1], rtol=1e-5, atol=1e-4)
    assert (domain.baselines["last value"](task) == task.support.y[-1]).all()


def test_loans_by_purpose(data_dir: Path) -> None:
    domain = opened("german_credit", data_dir, LOANS)
    found = {task.name: torch.bincount(task.y).tolist() for of in domain.tasks.values() for task in of}
    assert found == {
        "new car": [145, 89], "used car": [86, 17], "furniture": [123, 58], "radio, television": [218, 62],
        "repairs": [14, 8], "education": [28, 22], "business": [63, 34],
    }  # fmt: skip
    assert "purpose" not in domain.format.names
    assert {"sex", "age"} <= set(domain.format.names)
    blind = opened("german_credit", data_dir, LOANS, without=["sex", "age"])
    assert not {"sex", "age"} & set(blind.format.names)
    with pytest.raises(RecipeError, match="did you mean 'sex'"):
        open_domain("german_credit", data_dir, without=["sexx"])


def test_loans_read_as_their_description_has_them(data_dir: Path) -> None:
    opened("german_credit", data_dir, LOANS)
    loans = read_loans(data_dir)
    # The first line of the file: A11 6 A34 A43 1169 A65 A75 4 A93 ... A192 A201 1
    first = {"checking account": "below 0 DM", "history": "critical", "savings": "unknown or none", "sex": "male"}
    assert first.items() <= loans[0].items()
    assert (loans[0]["employed for"], loans[0]["telephone"], loans[0]["risk"]) == (
        "over 7 years",
        "registered",
        "repaid",
    )
    assert len(loans) == 1000
    assert sum(loan["sex"] == "female" for loan in loans) == 310


@pytest.fixture(scope="module")
def uci(data_dir: Path) -> GivenDomain:
    try:
        return opened("uci", data_dir)
    except DataError as error:
        absent(f"UCI tables: {error}")


def test_twenty_two_tables(uci: GivenDomain) -> None:
    assert {split: len(of) for split, of in SPLITS.items()} == {"train": 14, "val": 3, "test": 5}
    by_name = {task.name: task for of in uci.tasks.values() for task in of}
    assert len(by_name) == 22
    columns = {name: int(task.x["size"][0]) for name, task in by_name.items()}
    assert (columns["zoo"], columns["wine"], columns["sonar"], columns["iris"]) == (16, 13, 60, 4)
    assert by_name["wine"].classes == ("1", "2", "3")
    assert {name: len(task.y) for name, task in by_name.items() if name in ("car", "zoo")} == {"car": 1728, "zoo": 101}


def test_tables_are_standardised_by_the_support_alone(uci: GivenDomain) -> None:
    for task in tasks(uci, "test", shots=5, count=8):
        x, mask = task.support.x["cells"], task.support.x["mask"]
        numbers = mask * (x[..., 1] == 0)
        mean = (x[..., 0] * numbers).sum(0) / numbers.sum(0).clamp(min=1)
        np.testing.assert_allclose(mean, 0, atol=1e-4)
        assert (x[..., 0] * (1 - numbers) == 0).all()
        assert bool(task.support.present.all())


def test_training_tasks_take_some_columns_and_both_sets_the_same(uci: GivenDomain) -> None:
    for task in tasks(uci, "train", shots=5):
        size = int(task.query["size"][0])
        used = (task.support.x["mask"].sum(0) > 0) | (task.query["mask"].sum(0) > 0)
        assert 2 <= int(used.sum()) <= size


def test_baselines_see_rows_as_numbers(uci: GivenDomain) -> None:
    task = tasks(uci, "test", shots=5, count=1)[0]
    seen = flat(task.query)
    assert seen is not None
    assert np.isfinite(seen).all()
    for method in uci.baselines.values():
        if (scores := method(task)) is not None:
            assert scores.shape == (len(task.target), task.support.ways)


def test_a_division_keeps_the_proportions_and_is_always_the_same() -> None:
    labels = np.repeat([0, 1], [30, 10])
    first, second = divide(labels, 0.7, "x")
    assert sorted([*first, *second]) == list(range(40))
    assert np.bincount(labels[first]).tolist() == [21, 7]
    np.testing.assert_array_equal(first, divide(labels, 0.7, "x")[0])
