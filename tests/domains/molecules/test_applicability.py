"""How near is a molecule to what the model knows, and what does it share with it?"""

from __future__ import annotations

import pytest
from drugs import DRUGS

from fewsight.domains.molecules.applicability import applicability, shared
from fewsight.errors import DataError

ASPIRIN, SALICYLIC = DRUGS["aspirin"], "OC(=O)c1ccccc1O"


def test_the_same_molecule_is_nearest() -> None:
    found = applicability(ASPIRIN, [DRUGS["ethanol"], "O=C(O)c1ccccc1OC(C)=O"])
    assert (found.support, found.nearest, found.trained) == (1.0, 1, None)
    assert "support molecule 2" in found.sentence


def test_a_stranger_is_called_a_guess() -> None:
    found = applicability("ClC(Cl)(Cl)C=O", [DRUGS["caffeine"]], [DRUGS["caffeine"], DRUGS["ibuprofen"]])
    assert found.support < 0.2
    assert "guess" in found.sentence
    assert "Nor has meta-training" in found.sentence


def test_meta_training_is_mentioned_only_where_it_has_seen_nothing_alike() -> None:
    assert "meta-training" not in applicability(ASPIRIN, [SALICYLIC], [ASPIRIN]).sentence


def test_the_shared_substructure_is_in_both() -> None:
    found = shared(ASPIRIN, SALICYLIC)
    assert found.whole
    assert len(found.first) == len(found.second) == 10
    assert set(found.second) == set(range(10))
    assert not set(found.first) & {0, 1, 2}


def test_nothing_shared() -> None:
    assert shared("CCO", "[Na]Cl").first == ()


def test_unreadable_molecules_are_said() -> None:
    with pytest.raises(DataError, match="not a molecule"):
        applicability("C1CC", [ASPIRIN])
    with pytest.raises(DataError, match="not a molecule"):
        shared(ASPIRIN, "oops")
