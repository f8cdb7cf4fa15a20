"""Masks are weights: what is hidden is gone, what it was part of too, and everything is smooth in between."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations

import pytest
import torch
from rdkit import Chem
from torch import Tensor, nn
from torch.func import vmap

from fewsight import tree
from fewsight.domains.molecules.atoms import FEATURES, NOTHING, Library
from fewsight.networks.molecules import (
    FingerprintEncoder,
    GraphNetwork,
    MoleculeEncoder,
    folded,
    presence,
    summed,
)
from fewsight.networks.profile import Profiled
from fewsight.tree import Tree

SMILES = ("CC(=O)Oc1ccccc1C(=O)O", "OCC#N", "C1CC1Br", "c1ccc2ccccc2c1")
INPUTS = tree.to(Library.of(map(Chem.MolFromSmiles, SMILES), 16, 2).take(torch.arange(4)), torch.float64)


def _fingerprint() -> FingerprintEncoder:
    return FingerprintEncoder(FEATURES, bits=128, widths=(16, 8))


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "fingerprint": _fingerprint,
    "without descriptors": lambda: FingerprintEncoder(FEATURES, bits=128, widths=(16, 8), descriptors=False),
    "graph": lambda: GraphNetwork(FEATURES, hidden=8, rounds=2),
    "both": lambda: MoleculeEncoder(_fingerprint(), GraphNetwork(FEATURES, hidden=8, rounds=2), 8),
    "profile": lambda: Profiled(_fingerprint(), 3),
}
LABELS = torch.tensor([[1, 0], [0, torch.nan], [0, 1], [torch.nan, 1]])


@pytest.fixture(params=NETWORKS)
def network(request: pytest.FixtureRequest) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        made = NETWORKS[request.param]().double().eval()
    if hasattr(made, "prepare"):
        made.prepare([INPUTS | {"labels": LABELS}])
    return made


def hidden(x: Tree, *atoms: int) -> Tree:
    mask = x["mask"].clone()
    mask[:, list(atoms)] = 0
    return x | {"mask": mask}


def test_an_environment_is_there_by_the_product_of_its_atoms() -> None:
    """Against breadth-first search over RDKit's own bonds."""
    mask = torch.rand(4, 16, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) * INPUTS["mask"]
    found = presence(INPUTS["edges"], mask, 3)
    for i, smiles in enumerate(SMILES):
        distance = Chem.GetDistanceMatrix(Chem.MolFromSmiles(smiles))
        for atom in range(len(distance)):
            for radius in range(4):
                near = (distance[atom] <= radius).nonzero()[0]
                assert found[i, atom, radius].item() == pytest.approx(mask[i, near].prod().item(), abs=1e-9)


def test_hiding_an_atom_removes_exactly_what_contains_it() -> None:
    carbonyl = 2  # the oxygen of aspirin's C=O, bonded to atom 1
    gone = (folded(INPUTS, 1 << 16)[0] - folded(hidden(INPUTS, carbonyl), 1 << 16)[0]).nonzero()[:, 0].tolist()
    distance = Chem.GetDistanceMatrix(Chem.MolFromSmiles(SMILES[0]))
    identifiers = INPUTS["environments"][0]
    expected = {
        int(identifiers[atom, radius]) % (1 << 16)
        for atom in range(len(distance))
        for radius in range(3)
        if distance[atom, carbonyl] <= radius and identifiers[atom, radius] != NOTHING
    }
    assert set(gone) == expected


def test_gradients_along_the_mask_share_a_substructure_equally() -> None:
    """Of what is linear in presence, integrated gradients from nothing are Shapley values (Owen 1972)."""
    coefficients = torch.randn(1 << 12, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    x = tree.take(INPUTS, slice(1, 2))
    size = int(x["size"])

    def value(mask: Tensor) -> Tensor:
        full = torch.cat([mask, mask.new_zeros(16 - size)])
        return folded(x | {"mask": full[None]}, 1 << 12)[0] @ coefficients

    nodes, weights = torch.tensor([0.1127016653792583, 0.5, 0.8872983346207417]), torch.tensor([5, 8, 5]) / 18
    gradients = torch.zeros(size, dtype=torch.float64)
    for node, weight in zip(nodes, weights, strict=True):
        gradients += weight * torch.func.grad(value)(torch.full((size,), float(node), dtype=torch.float64))

    shapley = torch.zeros(size, dtype=torch.float64)
    for atom in range(size):
        others = [other for other in range(size) if other != atom]
        for count in range(size):
            subsets = list(combinations(others, count))
            for subset in subsets:
                without = torch.zeros(size, dtype=torch.float64)
                without[list(subset)] = 1
                with_it = without.clone()
                with_it[atom] = 1
                shapley[atom] += (value(with_it) - value(without)) / len(subsets) / size
    torch.testing.assert_close(gradients, shapley, rtol=1e-6, atol=1e-6)


def test_what_is_hidden_has_no_influence(network: nn.Module) -> None:
    shown = hidden(INPUTS, 1, 3)
    other = dict(shown) | {name: shown[name].clone() for name in ("nodes", "environments")}
    other["nodes"][:, [1, 3]] += 5
    other["environments"][:, [1, 3]] = 77
    torch.testing.assert_close(network(shown), network(other), rtol=1e-9, atol=1e-9)
    assert (network(INPUTS) - network(shown)).abs().max() > 1e-4


def test_padding_has_no_influence(network: nn.Module) -> None:
    longer = tree.to(Library.of(map(Chem.MolFromSmiles, SMILES), 24, 2).take(torch.arange(4)), torch.float64)
    torch.testing.assert_close(network(INPUTS), network(longer), rtol=1e-9, atol=1e-9)


def test_nothing_shown_is_finite_and_so_are_its_gradients(network: nn.Module) -> None:
    mask = torch.zeros(4, 16, dtype=torch.float64, requires_grad=True)
    answer = network(INPUTS | {"mask": mask})
    (gradient,) = torch.autograd.grad(answer.square().sum(), mask)
    assert torch.isfinite(answer).all()
    assert torch.isfinite(gradient).all()
    torch.testing.assert_close(answer[0], answer[1])


def test_derivative_in_the_mask_agrees_with_differences(network: nn.Module) -> None:
    mask = 0.3 + 0.6 * torch.rand(4, 16, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    assert torch.autograd.gradcheck(lambda m: network(INPUTS | {"mask": m}), mask.requires_grad_())


def test_order_of_atoms_does_not_matter(network: nn.Module) -> None:
    order = torch.randperm(13, generator=torch.Generator().manual_seed(3)).tolist()
    shuffled = Chem.RenumberAtoms(Chem.MolFromSmiles(SMILES[0]), order)
    again = tree.to(Library.of([shuffled], 16, 2).take(torch.tensor([0])), torch.float64)
    torch.testing.assert_close(network(again), network(tree.take(INPUTS, slice(0, 1))), rtol=1e-5, atol=1e-5)


def test_many_tasks_at_once(network: nn.Module) -> None:
    both = tree.tree_map(lambda leaf: torch.stack([leaf, leaf.flip(0)]), INPUTS)
    torch.testing.assert_close(vmap(network)(both)[1], network(INPUTS).flip(0))


def test_prepared_descriptors_are_standard() -> None:
    network = _fingerprint()
    network.prepare([tree.to(tree.take(INPUTS, slice(0, 2)), torch.float32), tree.take(INPUTS, slice(2, 4))])
    rows = summed(INPUTS)
    torch.testing.assert_close(network.descriptors.mean.double(), rows.mean(0), rtol=1e-5, atol=1e-5)
    varied = rows.std(0) > 1e-2
    torch.testing.assert_close(network.descriptors.deviation.double()[varied], rows.std(0)[varied])
