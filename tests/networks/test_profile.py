"""The profile of a molecule: votes of those like it, against numbers of RDKit's; hidden in training; kept in a file."""

from __future__ import annotations

from collections.abc import Callable
from math import log, log1p
from pathlib import Path

import pytest
import torch
from rdkit import Chem
from rdkit.Chem import rdFingerprintGenerator
from torch import Tensor

from fewsight import tree
from fewsight.domains import open_domain
from fewsight.domains.given import Given
from fewsight.domains.molecules.assays import AssayDomain
from fewsight.domains.molecules.atoms import FEATURES, Library
from fewsight.errors import RecipeError
from fewsight.networks.molecules import FingerprintEncoder, GraphNetwork
from fewsight.networks.profile import BITS, DOUBT, SHARPNESS, WEIGHT, Profiled
from fewsight.recipes import parts
from fewsight.training import Run
from fewsight.tree import Tree

KNOWN = ("CC(=O)Oc1ccccc1C(=O)O", "CC(=O)Oc1ccccc1C(=O)OC", "OC(=O)c1ccccc1O", "CCCCCCCCN")
LABELS = torch.tensor([[1, 0, 1], [1, 0, torch.nan], [0, 1, 0], [0, torch.nan, 0]])
ASKED = "CC(=O)Oc1ccccc1C(=O)N"


def inputs(*smiles: str) -> Tree:
    return tree.to(Library.of(map(Chem.MolFromSmiles, smiles), 16, 2).take(torch.arange(len(smiles))), torch.float64)


def profiled(features: int = 3) -> Profiled:
    network = Profiled(FingerprintEncoder(FEATURES, 64, (8, 4)), features).double().eval()
    network.prepare([inputs(*KNOWN[:2]) | {"labels": LABELS[:2]}, inputs(*KNOWN[2:]) | {"labels": LABELS[2:]}])
    return network


def profile(network: Profiled, *smiles: str) -> Tensor:
    return network(inputs(*smiles))[:, 4:]


def likeness(first: str, second: str) -> float:
    """Of RDKit's folded counts as logarithms, Tanimoto's for numbers: <a, b> / (|a|^2 + |b|^2 - <a, b>)."""
    make = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=BITS, countSimulation=False)
    a, b = (
        {bit: log1p(count) for bit, count in make.GetCountFingerprint(mol).GetNonzeroElements().items()}
        for mol in map(Chem.MolFromSmiles, (first, second))
    )
    both = sum(a[bit] * b[bit] for bit in a.keys() & b.keys())
    return both / (sum(v * v for v in a.values()) + sum(v * v for v in b.values()) - both)


def odds(smiles: str) -> list[float]:
    """Of each assay, where all its active ones vote as much as all its inactive ones."""
    found = []
    for labels in LABELS.T.tolist():
        vote = dict.fromkeys((0, 1), 0.0)
        for known, label in zip(KNOWN, labels, strict=True):
            if label in vote:
                vote[label] += likeness(smiles, known) ** SHARPNESS
        found.append(log(vote[1] + DOUBT) - log(vote[0] * labels.count(1) / labels.count(0) + DOUBT))
    return found


@pytest.mark.parametrize("features", [3, 8])
def test_distances_are_those_of_the_odds(features: int) -> None:
    smiles = (ASKED, *KNOWN)
    expected = torch.tensor([odds(each) for each in smiles], dtype=torch.float64) * WEIGHT / 3**0.5
    found = profile(profiled(features), *smiles)
    torch.testing.assert_close(torch.cdist(found, found), torch.cdist(expected, expected), rtol=1e-5, atol=1e-5)
    assert torch.cdist(expected, expected).max() > 1


def test_a_molecule_unlike_all_has_none() -> None:
    assert profile(profiled(), "[Na+].[Cl-]").abs().max() < 1e-6
    assert profile(Profiled(FingerprintEncoder(FEATURES, 64, (8, 4)), 3).double().eval(), ASKED).abs().max() == 0


def test_it_is_hidden_while_training() -> None:
    """There it would tell the answer; the rest of the features is the encoder's in both."""
    network = profiled()
    assert profile(network.train(), *KNOWN).abs().max() == 0
    torch.testing.assert_close(network(inputs(*KNOWN))[:, :4], network.network(inputs(*KNOWN)))
    assert network.out_features == 7


def test_a_file_says_how_many_molecules_there_were() -> None:
    network = profiled()
    again = Profiled(FingerprintEncoder(FEATURES, 64, (8, 4)), 3).double().eval()
    again.load_state_dict(network.state_dict())
    assert torch.equal(again(inputs(ASKED)), network(inputs(ASKED)))


def test_every_encoder_of_molecules_can_have_one() -> None:
    shape = {"nodes": (16, FEATURES), "environments": (16, 3)}
    for name in ("fingerprint", "molecule-graph", "fingerprint-graph"):
        assert isinstance(parts.NETWORKS[name](shape, profile=5), Profiled)
        assert not isinstance(parts.NETWORKS[name](shape), Profiled)


def test_assays_that_come_one_after_the_other_say_the_same() -> None:
    """As in a table of one's own, where a molecule of several assays comes several times."""
    network, expected = Profiled(FingerprintEncoder(FEATURES, 64, (8, 4)), 3).double().eval(), profiled()
    portions = []
    for column, labels in enumerate(LABELS.T):
        at = (~labels.isnan()).nonzero()[:, 0]
        x = tree.take(inputs(*KNOWN), at)
        portions.append(Given("assay", x, labels[at].long(), ("no", "yes")).labelled(column, 3))
    network.prepare(portions)
    torch.testing.assert_close(profile(network, ASKED, *KNOWN), profile(expected, ASKED, *KNOWN))


def test_it_works_on_a_table_of_ones_own(tmp_path: Path, fewsight: Callable[..., tuple[int, str, str]]) -> None:
    smiles = [f"{'C' * size}{end}" for size in range(1, 9) for end in ("O", "N")]
    rows = [f"{each},{'in' * (i % 2)}active,assay {t}" for t in range(6) for i, each in enumerate(smiles)]
    table = tmp_path / "assays.csv"
    table.write_text("\n".join(["smiles,label,task", *rows]) + "\n")
    status, _, error = fewsight("train", table, "network.profile=4", "steps=1", "--out", tmp_path / "run")
    assert status == 0, error
    network = Run.open(tmp_path / "run").learner().network
    assert isinstance(network, Profiled)
    assert network.active.shape[0] == network.active.shape[1] * len(smiles) > 0


def test_labels_are_needed() -> None:
    for network in (FingerprintEncoder(FEATURES, 64, (8, 4)), GraphNetwork(FEATURES, 8, 1)):
        with pytest.raises(RecipeError, match=r"network\.profile needs assays"):
            Profiled(network, 3).prepare([inputs(*KNOWN)])


def test_known_molecules_of_tox21_have_their_own_labels(data_dir: Path) -> None:
    """In the signs of their odds; of nine assays, none of them for test."""
    domain = open_domain("tox21", data_dir, protocol="literature")
    assert isinstance(domain, AssayDomain)
    network = Profiled(GraphNetwork(FEATURES, 4, 1), 16).eval()
    network.prepare(domain.inputs("train"))
    assert network.active.shape == (len(domain.places("train")), 9)
    portion = next(iter(domain.inputs("train")))
    labels = portion["labels"]
    found = network(portion)[:, 4:] @ network.turn.pinverse()
    known = ~labels.isnan()
    assert ((found > 0) == (labels == 1))[known].double().mean() > 0.97
