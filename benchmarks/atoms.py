"""Does the atom map find the atoms that decide? Labels are planted: a molecule is active where it has a known group.

    python benchmarks/atoms.py [--data DIR] [--write benchmarks/atoms.md]

Molecules are Tox21's, without their labels. Each of RDKit's fragment patterns is a task (has it, has it not); half of
the patterns train a Prototypical Network on substructures, the others test it: 10 examples of each kind, and queries
it has not seen. A map is judged only where the model itself ranks queries with an AUC of .95 or more; its truth are the
atoms that the pattern matches.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from sklearn.metrics import roc_auc_score
from tables import plus_minus

from fewsight import explain
from fewsight.domains import open_domain
from fewsight.domains.divided import divided
from fewsight.domains.episodes import Episodes
from fewsight.domains.given import Given
from fewsight.domains.molecules.assays import CLASSES, AssayDomain
from fewsight.domains.molecules.format import MoleculeFormat
from fewsight.domains.molecules.smiles import rdkit
from fewsight.learner import Learner
from fewsight.learners import create
from fewsight.networks.molecules import FingerprintEncoder
from fewsight.task import Support
from fewsight.training.fit import fit

KINDS = ("occlusion", "integrated_gradients", "saliency")
MOLECULES, SIZES, COMMON = 2000, (10, 30), 60
"""Molecules used, how many atoms they have, and how many of them must have (and lack) a pattern."""
SHOTS, TASKS, QUERIES, MAPS, ABLE = 10, 60, 100, 4, 0.95


def patterns() -> dict[str, object]:
    """RDKit's fragment patterns, by name."""
    from rdkit import RDConfig

    lines = (Path(RDConfig.RDDataDir) / "FragmentDescriptors.csv").read_text().splitlines()
    rows = [line.split("\t") for line in lines if line.startswith("fr_")]
    return {row[0]: rdkit().MolFromSmarts(row[2]) for row in rows}


class Planted(NamedTuple):
    """A domain of one task for each pattern, its molecules, and for each pattern and molecule the atoms it matches."""

    domain: AssayDomain
    molecules: list[Any]
    atoms: dict[str, list[set[int]]]


class Asked(NamedTuple):
    """A test task.

    Attributes:
        given: the task, and `support`: the places of its support molecules, `known` to the learner.
        places: molecules to explain, which have the group; none where the model does not know it well enough.
        score: the model's AUC.
        rng: of this task.
    """

    learner: Learner
    given: Given
    support: np.ndarray
    known: Support
    places: list[int]
    score: float
    rng: np.random.Generator


def planted(data: Path | None) -> Planted:
    smiles = open_domain("tox21", data).smiles
    order = np.random.default_rng(0).permutation(len(smiles))
    molecules = (rdkit().MolFromSmiles(smiles[place]) for place in order)
    chosen = [mol for mol in molecules if SIZES[0] <= mol.GetNumAtoms() <= SIZES[1]][:MOLECULES]
    atoms = {
        name: [{atom for match in mol.GetSubstructMatches(pattern) for atom in match} for mol in chosen]
        for name, pattern in patterns().items()
    }
    counts = {name: sum(map(bool, found)) for name, found in atoms.items()}
    usable = [name for name in atoms if COMMON <= counts[name] <= len(chosen) - COMMON]
    every, form = torch.arange(len(chosen)), MoleculeFormat(atoms=SIZES[1])
    parts = divided(usable, (0.5, 0.0, 0.5))
    tasks = {
        split: [Given(name, every, torch.tensor([int(bool(found)) for found in atoms[name]]), CLASSES) for name in of]
        for split, of in parts.items()
    }
    return Planted(AssayDomain("planted", form, tasks, library=form.library(chosen), smiles=()), chosen, atoms)


def questions(domain: AssayDomain, steps: int) -> Iterator[Asked]:
    """Train on the training patterns; then the test tasks, one after the other."""
    torch.manual_seed(0)
    network = FingerprintEncoder(domain.input_shape["nodes"][-1], widths=(128, 64), descriptors=False)
    learner = create("protonet", network)
    family = domain.family("train", ways=2, shots=SHOTS, queries=32)
    fit(learner, Episodes(family, 0, "train"), steps=steps, meta_batch=4, strategy="loop", progress=False)
    learner.eval()
    for index in range(TASKS):
        rng = np.random.default_rng(1000 + index)
        given = domain.tasks["test"][index % len(domain.tasks["test"])]
        order = rng.permutation(len(given.y))
        y = given.y.numpy()[order]
        support = np.concatenate([order[y == c][:SHOTS] for c in (0, 1)])
        query = np.setdiff1d(order, support)[:: len(order) // QUERIES]
        inputs = domain.library.take
        known = Support.of(inputs(torch.from_numpy(support)), [CLASSES[c] for c in given.y[support]], classes=CLASSES)
        with torch.no_grad():
            answer = learner.adapt(known)(inputs(torch.from_numpy(query)))
        truth = given.y.numpy()[query]
        if truth.all() or not truth.any():
            continue
        score = float(roc_auc_score(truth, answer[:, 1] - answer[:, 0]))
        places = query[truth == 1][:MAPS].tolist() if score >= ABLE else []
        yield Asked(learner, given, support, known, places, score, rng)


def figures(data: Path | None, steps: int) -> tuple[dict[str, np.ndarray], list[float], int, int]:
    """AUROC of each map by kind; the model's AUC of each task; numbers of training and test patterns."""
    domain, _, atoms = planted(data)
    maps, scores = defaultdict(list), []
    for task in questions(domain, steps):
        scores.append(task.score)
        for place in task.places:
            mol = domain.library.take(torch.tensor([place]))
            size = int(mol["size"])
            names = tuple(f"atom {i + 1}" for i in range(size))
            analysis = explain(task.learner, task.known, mol, KINDS, target="active", parts=names, checks=False)
            inside = np.isin(np.arange(size), list(atoms[task.given.name][place]))
            if inside.all():
                continue
            for kind in KINDS:
                values = np.asarray(analysis[kind].values, dtype=float).reshape(-1)[:size]
                maps[kind].append(roc_auc_score(inside, values))
            maps["random order"].append(roc_auc_score(inside, task.rng.random(size)))
    counts = (len(domain.tasks["train"]), len(domain.tasks["test"]))
    return {name: np.array(values) for name, values in maps.items()}, scores, *counts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="data directory (default: $FEWSIGHT_DATA)")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--write", type=Path, help="write the table to this file")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    found, scores, train, test = figures(arguments.data, arguments.steps)
    able = sum(score >= ABLE for score in scores)
    lines = [
        f"Planted groups: {train} patterns for training, {test} others for test, {SHOTS} molecules of each kind.",
        f"{able} of {len(scores)} test tasks had an AUC of {ABLE} or more (mean of all {np.mean(scores):.3f}). Maps of",
        f"{len(found['occlusion'])} molecules that have the group, in those tasks; 95 % intervals.",
        "",
        "| map | AUROC of the atoms that match |",
        "|---|---:|",
        *(f"| {name.replace('_', ' ')} | {plus_minus(values, 3)} |" for name, values in found.items()),
    ]
    print(table := "\n".join(lines))
    if arguments.write:
        arguments.write.write_text(table + "\n")


if __name__ == "__main__":
    main()
