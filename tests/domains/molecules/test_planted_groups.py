"""Does the smallest real change of a molecule exchange the group that decides, where it is known which does?"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from rdkit import Chem
from torch import Tensor, nn

from fewsight import explain, tree
from fewsight.domains import offers
from fewsight.domains.molecules.atoms import ELEMENTS, KINDS
from fewsight.domains.molecules.format import MoleculeFormat
from fewsight.errors import ExplanationError
from fewsight.explain.analysis import Analysis
from fewsight.learners import create
from fewsight.task import Support

FORM = MoleculeFormat(atoms=24)
POSITIVE, SP = sum(KINDS[:3]) + 1, sum(KINDS[:6]) + 2
GROUPS = {
    "[N+](=O)[O-]": POSITIVE,  # in these molecules nothing else is charged
    "S(=O)(=O)[NH2]": ELEMENTS.index(16),
    "Cl": ELEMENTS.index(17),
    "C#N": SP,
}
"""SMARTS of a group, and the column of the nodes that only its atoms have."""
WITH = {
    "[N+](=O)[O-]": ("O=[N+]([O-])c1ccccc1", "CCC[N+](=O)[O-]", "O=[N+]([O-])c1ccncc1"),
    "S(=O)(=O)[NH2]": ("NS(=O)(=O)c1ccccc1", "CCS(N)(=O)=O", "NS(=O)(=O)c1ccncc1"),
    "Cl": ("Clc1ccccc1", "CCCCl", "Clc1ccncc1"),
    "C#N": ("N#Cc1ccccc1", "CCCC#N", "N#Cc1ccncc1"),
}
WITHOUT = ("Oc1ccccc1", "CCCC", "COc1ccncc1")
QUERIES = {"[N+](=O)[O-]": "[N+](=O)[O-]", "S(=O)(=O)[NH2]": "S(N)(=O)=O", "Cl": "Cl", "C#N": "C#N"}
BARE = ("CC(=O)Nc1ccc(Br)cc1", "C[C@H](N)CCC(=O)O", "c1ccc2ncccc2c1OCC")


class Counts(nn.Module):
    """How many atoms have what one column says: a network that sees the group and nothing else."""

    def __init__(self, column: int) -> None:
        super().__init__()
        self.column = column

    def forward(self, x: tree.Tree) -> Tensor:
        return (x["nodes"][..., self.column] * x["mask"]).sum(1, keepdim=True).clamp(max=1)


def asked(group: str, query: str, learner: str = "protonet") -> Analysis:
    """The analysis of one query of the task "has the group, has it not"."""
    molecules = [*WITH[group], *WITHOUT]
    support = FORM.encode(molecules, molecules)
    found = FORM.encode([query], ["query"])
    return explain(
        create(learner, Counts(GROUPS[group])).double(),
        Support.of(support.x, ["has"] * 3 + ["lacks"] * 3).to(torch.float64),
        tree.to(found.x, torch.float64),
        what="matched_pairs",
        parts=found.views[0].parts,
        offers=offers(FORM, found, support),
    )


def matches(smiles: str, group: str) -> list[tuple[int, ...]]:
    return Chem.MolFromSmiles(smiles).GetSubstructMatches(Chem.MolFromSmarts(group))


def pairs(found: Analysis) -> list[dict[str, Any]]:
    return found["matched_pairs"].provenance["pairs"]


@pytest.mark.parametrize("learner", ["protonet", "ridge"])
@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("bare", BARE)
def test_the_pair_that_is_found_removes_exactly_the_group(group: str, bare: str, learner: str) -> None:
    """The group is put on the bare molecule's first hydrogen-bearing carbon; taking it off is the smallest change."""
    site = next(a for a in Chem.MolFromSmiles(bare).GetAtoms() if a.GetAtomicNum() == 6 and a.GetTotalNumHs()).GetIdx()
    whole = Chem.RWMol(Chem.CombineMols(Chem.MolFromSmiles(bare), Chem.MolFromSmiles(QUERIES[group])))
    whole.AddBond(site, Chem.MolFromSmiles(bare).GetNumAtoms(), Chem.BondType.SINGLE)
    query = Chem.MolToSmiles(Chem.MolFromSmiles(Chem.MolToSmiles(whole)))
    (atoms,) = matches(query, group)
    found = asked(group, query, learner)
    assert found.labels[found.predicted] == "has"
    first = pairs(found)[0]
    assert set(first["taken"]) == set(atoms)
    assert first["put"] == ()
    assert found.labels[first["answer"]] == "lacks"
    assert Chem.CanonSmiles(first["text"]) == Chem.CanonSmiles(bare)
    explanation = found["matched_pairs"]
    assert explanation.fidelity[0].value == 1
    assert explanation.trusted
    # Every variant that keeps the group keeps the answer, and every other changes it.
    for pair in pairs(found):
        assert (found.labels[pair["answer"]] == "has") == bool(matches(pair["text"], group))


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("bare", BARE)
def test_where_the_group_is_missing_it_is_what_is_put_in(group: str, bare: str) -> None:
    found = asked(group, bare)
    assert found.labels[found.predicted] == "lacks"
    first = pairs(found)[0]
    assert first["taken"] == ()
    assert [set(first["put"])] == [set(atoms) for atoms in matches(first["text"], group)]
    assert found.support_labels[first["donor"]] == found.labels.index("has")
    assert first["change"].startswith("–H → –")


def test_scores_are_those_of_the_variant_as_a_query() -> None:
    found = asked("Cl", "CC(=O)Nc1ccc(Cl)cc1")
    explanation = found["matched_pairs"]
    for pair, value in zip(pairs(found), explanation.values, strict=True):
        again = asked("Cl", pair["text"])
        sign = 1 if again.predicted == found.predicted else -1
        assert sign * again["matched_pairs"].value == pytest.approx(pair["value"])
        assert value == pytest.approx(pair["value"] - explanation.value)
        assert again.predicted == pair["answer"]
    assert np.isfinite(explanation.values).all()


def test_where_no_change_is_enough_it_says_so_and_does_not_call_it_a_failure() -> None:
    """Two groups of which each alone decides: no single exchange takes both."""
    found = asked("Cl", "Clc1ccc(Cl)cc1CC(=O)O")["matched_pairs"]
    assert found.provenance["changed"] == 0
    assert found.notes[0].startswith(f"None of {found.provenance['variants']} variants changes the answer")
    assert found.fidelity[0].value == 0
    assert found.trusted


def test_a_molecule_without_a_bond_to_cut_says_so_in_one_line() -> None:
    with pytest.raises(ExplanationError, match="no acyclic single bond at a carbon") as error:
        asked("Cl", "NC(N)=O")
    assert "\n" not in str(error.value)


def test_without_a_domains_offers_the_kind_is_left_out() -> None:
    molecules = [*WITH["Cl"], *WITHOUT]
    support = Support.of(FORM.encode(molecules, molecules).x, ["has"] * 3 + ["lacks"] * 3)
    found = explain(create("protonet", Counts(GROUPS["Cl"])), support, tree.take(support.x, slice(1)), checks=False)
    assert "no small real changes" in found.left_out["matched_pairs"]
