"""Does the smallest change that changes the answer take away the group that decides? Labels are planted as in atoms.py.

    python benchmarks/pairs.py [--data DIR] [--write benchmarks/pairs.md]

Asked are molecules that have the group, are answered so, and change their answer by some exchange of one substituent:
do the smallest and the strongest variant that `matched_pairs` reports lack the group? Beside them: a random variant, of
any size and of as many exchanged atoms as the smallest. The last column has those molecules only that can lose the
group by one exchange.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from pathlib import Path

import numpy as np
import torch
from atoms import ABLE, patterns, planted, questions
from tables import plus_minus

from fewsight import explain
from fewsight.domains.molecules.assays import CLASSES
from fewsight.domains.molecules.format import MoleculeFormat
from fewsight.domains.molecules.smiles import rdkit

CHOICES = (
    "smallest that changes the answer",
    "strongest (the answer is farthest behind)",
    "random, as many atoms",
    "random",
)


def figures(data: Path | None, steps: int) -> tuple[dict[str, np.ndarray], dict[str, int]]:
    """How often each choice lacks the group: all asked, and (name, "able") those that can lose it; and counts."""
    domain, molecules, _ = planted(data)
    form, group = domain.format, patterns()
    assert isinstance(form, MoleculeFormat)
    smiles = [rdkit().MolToSmiles(mol) for mol in molecules]
    lacks: dict[str, list[float]] = defaultdict(list)
    counts = dict.fromkeys(("asked", "answered", "changed", "able"), 0)
    for task in questions(domain, steps):
        support = form.encode([smiles[i] for i in task.support], [str(i) for i in task.support])
        for place in task.places:
            query = form.encode([smiles[place]], [str(place)])
            offers = form.offers(query, support)
            analysis = explain(
                task.learner, task.known, query.x, "matched_pairs", parts=query.views[0].parts, offers=offers
            )
            facts = analysis["matched_pairs"].provenance
            answered = CLASSES[analysis.predicted] == "active"
            counts["asked"] += 1
            counts["answered"] += answered
            if not answered or not facts["changed"]:
                continue
            donors = [i for i, label in enumerate(analysis.support_labels) if label == facts["rival"]]
            every = offers(donors)
            without = np.array(
                [not rdkit().MolFromSmiles(v.text).HasSubstructMatch(group[task.given.name]) for v in every.known]
            )
            sizes, first = np.array([v.size for v in every.known]), facts["pairs"][0]
            texts = [v.text for v in every.known]
            chosen, lowest = texts.index(first["text"]), texts.index(facts["pairs"][facts["strongest"]]["text"])
            shares = (without[chosen], without[lowest], without[sizes == first["size"]].mean(), without.mean())
            counts["changed"] += 1
            counts["able"] += bool(without.any())
            for name, share in zip(CHOICES, shares, strict=True):
                lacks[name].append(float(share))
                if without.any():
                    lacks[f"{name}, able"].append(float(share))
    return {name: np.array(values) for name, values in lacks.items()}, counts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="data directory (default: $FEWSIGHT_DATA)")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--write", type=Path, help="write the table to this file")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    found, counts = figures(arguments.data, arguments.steps)
    lines = [
        f"Planted groups as in atoms.md; tasks with an AUC of {ABLE} or more. Of {counts['asked']} molecules that have",
        f"the group {counts['answered']} were answered so, {counts['changed']} of these change their answer by some",
        f"exchange, and {counts['able']} of those can lose the group by one exchange; 95 % intervals.",
        "",
        "| variant | lacks the group | of those that can lose it |",
        "|---|---:|---:|",
        *(f"| {name} | {plus_minus(found[name], 2)} | {plus_minus(found[f'{name}, able'], 2)} |" for name in CHOICES),
    ]
    print(table := "\n".join(lines))
    if arguments.write:
        arguments.write.write_text(table + "\n")


if __name__ == "__main__":
    main()
