"""How do tables of assays become few-shot tasks? Each is one: few molecules known active or inactive, others asked.

Two protocols. "disjoint" (the default): test assays *and* the scaffolds of their molecules were never seen in
meta-training, and support and queries share no scaffold, as when a new target meets new chemistry. "literature": only
the assays are new; molecules are those seen in training with their labels for other assays, and support and
queries are divided at random (Altae-Tran et al. 2017). The second gives the higher figures.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor

from fewsight.baselines import Baseline
from fewsight.domains.asked import check_split
from fewsight.domains.cache import cached
from fewsight.domains.datadir import DataFile, fetch, file_digest
from fewsight.domains.domain import GivenDomain
from fewsight.domains.episodes import TaskFamily
from fewsight.domains.given import Given, GivenTasks
from fewsight.domains.molecules.atoms import Library
from fewsight.domains.molecules.fingerprints import on_fingerprints
from fewsight.domains.molecules.format import MoleculeFormat
from fewsight.domains.molecules.smiles import Counts, deduplicated, scaffold
from fewsight.errors import DataError
from fewsight.tree import Tree

Protocol = Literal["disjoint", "literature"]
LABELS = {
    "disjoint": "protocol disjoint: neither the test assays nor the scaffolds of their molecules were seen in training",
    "literature": "protocol literature: only the test assays are new, their molecules were seen in training",
}
"""What every report says of the protocol."""
CLASSES = ("inactive", "active")
METRICS = ("roc auc", "auprc gain")
SHARES = (0.6, 0.1, 0.3)
"""Of the scaffolds: for training, validation and test."""
COMMON = 0.05
"""A scaffold of more than this share of all molecules (benzene) is for training, as in MoleculeNet's scaffold split."""
EVERY = 4
"""Of many training assays every fourth is held out for validation."""
LEAST = 20
"""Queries of each class, where so few molecules of one are there that there would be hardly any, or none."""
PORTION = 512
VERSION = 2
"""Of what is kept in the cache."""


@dataclass(frozen=True, eq=False)
class AssayDomain(GivenDomain):
    """A `GivenDomain` whose tasks hold places in a library of molecules, which they share.

    Attributes:
        library: of all molecules.
        balanced, least: as in `GivenTasks`.
        even: in training, active and inactive queries count alike (see `GivenTasks`). A test asks at the assay's own
            proportions and measures order, but a loss over one active molecule in twenty hardly knows the active ones.
        smiles: of each.
    """

    metrics: tuple[str, ...] = METRICS
    baselines: Mapping[str, Baseline] = field(default_factory=on_fingerprints)
    library: Library = field(kw_only=True)
    smiles: tuple[str, ...] = field(kw_only=True)
    balanced: bool = field(default=True, kw_only=True)
    least: int = field(default=0, kw_only=True)
    even: bool = field(default=False, kw_only=True)

    @cached_property
    def fingerprint(self) -> str:
        return hashlib.sha256(super().fingerprint.encode() + self.library.digest()).hexdigest()

    def places(self, split: str) -> Tensor:
        """Of the distinct molecules of a split."""
        check_split(self.name, split, self.splits)
        return torch.cat([task.x for task in self.tasks[split]]).unique()

    def inputs(self, split: str) -> Iterable[Tree]:
        """Molecules once, and as `labels` `(n, assays)` what the assays of the split say of them, NaN: nothing."""
        return (
            self.library.take(places) | {"labels": self._labels(split, places)}
            for places in self.places(split).split(PORTION)
        )

    def _labels(self, split: str, places: Tensor) -> Tensor:
        """Of molecules at ascending `places`."""
        labels = torch.full((len(places), len(self.tasks[split])), torch.nan)
        for column, task in enumerate(self.tasks[split]):
            row = torch.searchsorted(places, task.x).clamp(max=len(places) - 1)
            here = places[row] == task.x
            labels[row[here], column] = task.y[here].to(labels.dtype)
        return labels

    def family(self, split: str, *, ways: int, shots: int, queries: int) -> TaskFamily:
        """Assays that have too few molecules of a class for `shots` and a query are left out."""
        check_split(self.name, split, self.splits)
        able = [task for task in self.tasks[split] if min(torch.bincount(task.y, minlength=2).tolist()) > shots]
        if not able:
            raise DataError(
                f"{self.name}, split {split!r}: no assay has {shots + 1} molecules of each class: ask for fewer shots"
            )
        even = self.even and split == "train"
        return GivenTasks(able, shots, queries, self.balanced, self.library.take, self.least, even)


class Table(NamedTuple):
    """A published table of assays.

    Attributes:
        file: CSV, gzipped, with a column "smiles" and one for each assay.
        train: so many assays, the first, are for training, the others for test.
        measured: labels an assay must have.
        few: whether training assays are so few that all are trained on. Validation then asks them about other
            scaffolds; under the literature's protocol it says only that something was learned.
        rare: whether active molecules are so few that their scaffolds are all for test where the assay is.
        least: queries of each class where there are as many.
    """

    file: DataFile
    train: int
    measured: int = 0
    few: bool = False
    rare: bool = False
    least: int = 0


def _file(name: str, sha256: str) -> DataFile:
    address = "https://deepchemdata.s3-us-west-1.amazonaws.com/datasets/"
    return DataFile("molecules", name, address + name, f"sha256:{sha256}")


TABLES = {
    "tox21": Table(
        _file("tox21.csv.gz", "5693b7e7c1369c3b39bc30be88a49e4052003d365ce72aa7b35350e41d81e57e"), 9, few=True
    ),
    "sider": Table(_file("sider.csv.gz", "4cc7ccb20dded475853c583596e227116c222c6ca7dbb40159bdbe9ee3f099b9"), 21),
    "muv": Table(
        _file("muv.csv.gz", "93c8b4a37c5996c76e57d5f3f065fb8b7cf1c19067011eff2293fd2a94ce274a"),
        12,
        rare=True,
        least=LEAST,
    ),
    "toxcast": Table(
        _file("toxcast_data.csv.gz", "56041515e0bb63c1787a26ecdbeb2bd7ae1f538681caa1b03f768853cf81b1a7"),
        450,
        150,
        least=LEAST,
    ),
}
"""Splits of Altae-Tran et al. 2017 and, for ToxCast, of PAR (Wang et al. 2021): by the order of columns."""


def open_tox21(data: Path | None = None, *, protocol: Protocol = "disjoint", even: bool = False) -> AssayDomain:
    """Tox21: 12 toxicity assays; the last 3 are for test."""
    return _open("tox21", data, protocol, even)


def open_sider(data: Path | None = None, *, protocol: Protocol = "disjoint", even: bool = False) -> AssayDomain:
    """SIDER: 27 kinds of side effects of marketed drugs; the last 6 are for test."""
    return _open("sider", data, protocol, even)


def open_muv(data: Path | None = None, *, protocol: Protocol = "disjoint", even: bool = False) -> AssayDomain:
    """MUV: 17 screens of 15,000 molecules, about 28 active in each; the last 5 are for test."""
    return _open("muv", data, protocol, even)


def open_toxcast(data: Path | None = None, *, protocol: Protocol = "disjoint", even: bool = False) -> AssayDomain:
    """ToxCast: the 517 toxicity assays of 617 that have at least 150 molecules; 156 of them are for test.

    PAR counts before repeated molecules are merged, and so trains on one more.
    """
    return _open("toxcast", data, protocol, even)


def _open(name: str, data: Path | None, protocol: Protocol, even: bool) -> AssayDomain:
    table, form = TABLES[name], MoleculeFormat()
    (path,) = fetch([table.file], data)
    key = f"{name}-{form.atoms}-{form.radius}-v{VERSION}-{file_digest(path)[:24]}"
    assays = _assays(path)
    kept = cached(key, lambda: _encoded(path, form))
    chosen = [i for i in range(len(assays)) if int((~kept["labels"][:, i].isnan()).sum()) >= table.measured]
    training = [i for i in chosen if i < table.train]
    validation = training if table.few else training[EVERY - 1 :: EVERY]
    columns = {
        "train": [i for i in training if table.few or i not in validation],
        "val": validation,
        "test": [i for i in chosen if i >= table.train],
    }
    where = _split_of(kept["scaffolds"], kept["labels"], columns, table.rare) if protocol == "disjoint" else None
    tasks = {
        split: [_given(assays[i], kept["labels"][:, i], kept["scaffolds"], where, place) for i in of]
        for place, (split, of) in enumerate(columns.items())
    }
    return AssayDomain(
        name,
        form,
        tasks,
        library=Library.from_tensors(form.atoms, kept),
        least=table.least,
        even=even,
        smiles=tuple(kept["smiles"].numpy().tobytes().decode().split("\n")),
        notes=(LABELS[protocol], *Counts(*kept["counts"].tolist()).notes),
    )


def _given(name: str, labels: Tensor, scaffolds: Tensor, where: Tensor | None, place: int) -> Given:
    """The task of one assay, from molecules of one part of the scaffolds; `where` None: from all."""
    usable = ~labels.isnan() if where is None else ~labels.isnan() & (where == place)
    x = usable.nonzero()[:, 0]
    return Given(name, x, labels[x].long(), CLASSES, None if where is None else scaffolds[x])


def _split_of(scaffolds: Tensor, labels: Tensor, columns: Mapping[str, Sequence[int]], rare: bool) -> Tensor:
    """0, 1 or 2 for each molecule `(n,)`: its scaffold is for training, validation or test.

    Scaffolds go by the order of their hash, so no seed is needed.
    """
    _, group, count = scaffolds.unique(return_inverse=True, return_counts=True)
    share = (count.cumsum(0) - count) / len(scaffolds)
    part = (share >= SHARES[0]).long() + (share >= SHARES[0] + SHARES[1]).long()
    part[count > COMMON * len(scaffolds)] = 0
    if rare:
        for place, split in ((1, "val"), (2, "test")):
            active = (labels[:, list(columns[split])] == 1).any(1)
            part[group[active]] = place
    return part[group]


def _assays(path: Path) -> list[str]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [name for name in next(csv.reader(lines)) if name not in ("smiles", "mol_id")]


def _encoded(path: Path, form: MoleculeFormat) -> dict[str, Tensor]:
    """All of a table, as it is kept: the library, labels `(n, assays)` (NaN: none), scaffolds, SMILES, counts."""
    from rich.console import Console
    from rich.progress import track

    assays = _assays(path)
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = [
            (row["smiles"], [float(row[assay]) if row[assay] else None for assay in assays])
            for row in csv.DictReader(lines)
        ]
    kept, labels, counts = deduplicated(
        track([smiles for smiles, _ in rows], f"reading {path.name}, once", console=Console(stderr=True)),
        [values for _, values in rows],
        lambda found: (form.seen(found.mol), _hash(scaffold(found.mol) or found.key), found.smiles),
    )
    molecules, scaffolds, smiles = zip(*kept, strict=True)
    return Library.gathered(molecules, form.atoms).tensors() | {
        "labels": torch.tensor([[np.nan if v is None else v for v in values] for values in labels]),
        "scaffolds": torch.tensor(scaffolds),
        "smiles": torch.frombuffer(bytearray("\n".join(smiles).encode()), dtype=torch.uint8),
        "counts": torch.tensor(counts),
    }


def _hash(text: str) -> int:
    """A number of 63 bits; molecules without a ring have no scaffold and stand for themselves."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little") >> 1
