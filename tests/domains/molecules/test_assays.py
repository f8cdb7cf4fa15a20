"""Two protocols: which molecules and scaffolds meet where, on a small made-up table with real molecules."""

from __future__ import annotations

import csv
import gzip
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch

from fewsight import tree
from fewsight.domains import Episodes, open_domain
from fewsight.domains.datadir import DataFile, file_digest
from fewsight.domains.molecules.assays import TABLES, Table
from fewsight.domains.molecules.fingerprints import fingerprints, nearest_molecule, on_fingerprints, tanimoto
from fewsight.domains.molecules.format import MoleculeFormat
from fewsight.errors import DataError, RecipeError
from fewsight.metrics import METRICS

RINGS = tuple(f"C1{'C' * size}{end}1" for size in range(1, 10) for end in "CON")
TAILS = ("C", "CC", "CCC", "OC", "ClC", "FC", "BrC", "N#CC", "OC(=O)", "NCC")
ASSAYS = [f"assay {i}" for i in range(8)]


def rows() -> list[dict[str, object]]:
    """Assay i is active where the number of the tail is a multiple of i + 2, or of 2."""
    made = [
        {"smiles": tail + ring} | {assay: int(t % (i + 2) == 0 or t % 2) for i, assay in enumerate(ASSAYS)}
        for ring, (t, tail) in product(RINGS, enumerate(TAILS))
    ]
    made[0][ASSAYS[0]] = ""
    return [*made, {"smiles": "oops"}, {"smiles": "CCC1CC1", ASSAYS[0]: 1 - int(made[1][ASSAYS[0]])}]


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "molecules" / "made.csv.gz"
    path.parent.mkdir()
    with gzip.open(path, "wt", newline="") as lines:
        writer = csv.DictWriter(lines, ["smiles", *ASSAYS])
        writer.writeheader()
        writer.writerows(rows())
    file = DataFile("molecules", path.name, "https://example.org/made.csv.gz", f"sha256:{file_digest(path)}")
    monkeypatch.setitem(TABLES, "tox21", Table(file, 6))
    monkeypatch.setitem(TABLES, "muv", Table(file, 6, rare=True, least=20))
    monkeypatch.setitem(TABLES, "sider", Table(file, 6, few=True))
    return tmp_path


def scaffolds(domain, split: str) -> set[int]:
    return {int(group) for task in domain.tasks[split] for group in task.group}


def test_splits_share_no_assay(data: Path) -> None:
    for protocol in ("disjoint", "literature"):
        tasks = open_domain("tox21", data, protocol=protocol).tasks
        assert {split: [task.name for task in of] for split, of in tasks.items()} == {
            "train": ["assay 0", "assay 1", "assay 2", "assay 4", "assay 5"],
            "val": ["assay 3"],
            "test": ["assay 6", "assay 7"],
        }


def test_few_assays_are_all_trained_on_and_validated_by_other_scaffolds(data: Path) -> None:
    domain = open_domain("sider", data)
    names = {split: [task.name for task in of] for split, of in domain.tasks.items()}
    assert names["train"] == names["val"] == ASSAYS[:6]
    assert not scaffolds(domain, "train") & scaffolds(domain, "val")


def test_where_actives_are_rare_all_of_a_test_assay_are_for_test(data: Path) -> None:
    domain, every = (open_domain("muv", data, protocol=protocol) for protocol in ("disjoint", "literature"))
    for task, whole in zip(domain.tasks["test"], every.tasks["test"], strict=True):
        assert task.y.sum() == whole.y.sum() > 0
    assert not scaffolds(domain, "train") & scaffolds(domain, "test")
    task = Episodes(domain.family("test", ways=2, shots=1, queries=40), 0, "test")[0]
    assert task.target.sum() >= 20


def test_disjoint_splits_share_no_scaffold_and_literature_shares_molecules(data: Path) -> None:
    disjoint, literature = (open_domain("tox21", data, protocol=protocol) for protocol in ("disjoint", "literature"))
    parts = [scaffolds(disjoint, split) for split in disjoint.splits]
    assert all(parts)
    assert not (parts[0] & parts[1] | parts[0] & parts[2] | parts[1] & parts[2])
    assert set(literature.places("train").tolist()) == set(literature.places("test").tolist())
    assert disjoint.fingerprint != literature.fingerprint


def test_support_and_queries_share_no_scaffold(data: Path) -> None:
    domain = open_domain("tox21", data)
    by_size = {tuple(x.flatten().tolist()): int(g) for task in domain.tasks["train"] for x, g in _codes(domain, task)}
    for task in Episodes(domain.family("train", ways=2, shots=1, queries=20), 0, "train").batch(0, 20):
        groups = [
            {by_size[tuple(x.flatten().tolist())] for x in part["environments"]}
            for part in (task.support.x, task.query)
        ]
        assert not groups[0] & groups[1]
        assert task.support.labels == ("inactive", "active")


def test_training_queries_are_even_where_that_is_asked_and_test_queries_never(data: Path) -> None:
    shape = {"ways": 2, "shots": 1, "queries": 8}
    even, own = (open_domain("tox21", data, protocol="literature", even=even) for even in (True, False))
    drawn = [Episodes(domain.family("train", **shape), 0, "train").batch(0, 20) for domain in (even, own)]
    counts = [[int(task.target.sum()) for task in tasks] for tasks in drawn]
    assert set(counts[0]) == {4}
    assert len(set(counts[1])) > 1
    first, second = (Episodes(domain.family("test", **shape), 0, "test")[0] for domain in (even, own))
    assert (first.target == second.target).all()
    assert (first.query_weight == 1).all()


def test_where_a_class_has_too_few_each_query_of_it_weighs_more(data: Path) -> None:
    domain = open_domain("tox21", data, protocol="literature", even=True)
    for task in Episodes(domain.family("train", ways=2, shots=1, queries=10_000), 0, "train").batch(0, 5):
        active = task.target == 1
        assert active.sum() != (~active).sum()
        assert task.query_weight[active].sum() == pytest.approx(task.query_weight[~active].sum())
        assert task.query_weight.mean() == pytest.approx(1)


def _codes(domain, task):
    return zip(domain.library.take(task.x)["environments"], task.group, strict=True)


def test_what_was_left_out_is_said(data: Path) -> None:
    domain = open_domain("tox21", data, protocol="literature")
    assert domain.notes == (
        "protocol literature: only the test assays are new, their molecules were seen in training",
        "1 rows were left out: their SMILES cannot be read",
        "1 rows repeat a molecule and were merged with it",
        "1 labels were dropped: rows of one molecule contradict each other",
    )
    assert (
        open_domain("tox21", data).notes[0].startswith("protocol disjoint: neither the test assays nor the scaffolds")
    )
    assert len(domain.smiles) == len(domain.library) == len(RINGS) * len(TAILS)
    assert len(domain.tasks["train"][0].y) == len(domain.library) - 2  # one is missing, one contradicts


def test_inputs_of_training_are_its_molecules_once(data: Path) -> None:
    domain = open_domain("tox21", data)
    assert sum(tree.length(part) for part in domain.inputs("train")) == len(domain.places("train"))
    shapes = {name: tuple(leaf.shape[1:]) for name, leaf in next(iter(domain.inputs("val"))).items()}
    assert shapes == domain.input_shape | {"labels": (len(domain.tasks["val"]),)}


@pytest.mark.parametrize("protocol", ["disjoint", "literature"])
def test_inputs_of_training_have_the_labels_of_training(data: Path, protocol: str) -> None:
    """Each label of a training assay once, at its molecule; no others."""
    domain = open_domain("tox21", data, protocol=protocol)
    labels = torch.cat([part["labels"] for part in domain.inputs("train")])
    assert int((~labels.isnan()).sum()) == sum(len(task.y) for task in domain.tasks["train"])
    row = {place: i for i, place in enumerate(domain.places("train").tolist())}
    for column, task in enumerate(domain.tasks["train"]):
        at = [row[place] for place in task.x.tolist()]
        assert torch.equal(labels[at, column], task.y.float())


def test_assays_too_small_are_left_out_until_none_is_left(data: Path) -> None:
    domain = open_domain("tox21", data)
    counts = [int(torch.bincount(task.y).min()) for task in domain.tasks["train"]]
    family = domain.family("train", ways=2, shots=max(counts) - 1, queries=4)
    assert len(family.tasks) < len(counts)
    with pytest.raises(DataError, match="ask for fewer shots"):
        domain.family("train", ways=2, shots=1000, queries=4)
    with pytest.raises(RecipeError, match="protocol"):
        open_domain("tox21", data, protocol="easy")


def test_baselines_answer_and_follow_what_is_there(data: Path) -> None:
    domain = open_domain("tox21", data, protocol="literature")
    assert all(name in METRICS for name in domain.metrics)
    task = Episodes(domain.family("test", ways=2, shots=8, queries=50), 0, "test")[0]
    answers = {name: method(task) for name, method in on_fingerprints().items()}
    scores = {name: METRICS["roc auc"].measure(found, task) for name, found in answers.items() if found is not None}
    assert len(scores) == 4
    assert min(scores.values()) > 0.7
    again = nearest_molecule()(type(task)(task.support, task.support.x, task.support.y))
    assert (again.argmax(1) == task.support.y).all()


def test_tanimoto_is_rdkits() -> None:
    from rdkit import Chem, DataStructs
    from rdkit.Chem import rdFingerprintGenerator

    smiles = [tail + ring for ring in RINGS[:3] for tail in TAILS[:3]]
    rows = fingerprints(MoleculeFormat().encode(smiles, smiles).x)
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=2048)
    bits = [generator.GetFingerprint(Chem.MolFromSmiles(each)) for each in smiles]
    expected = [DataStructs.BulkTanimotoSimilarity(one, bits) for one in bits]
    np.testing.assert_allclose(tanimoto(rows, rows), expected)
    assert tanimoto(rows * 0, rows * 0).max() == 0
