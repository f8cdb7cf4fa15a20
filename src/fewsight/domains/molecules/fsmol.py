"""How are FS-Mol's assays read? From its folders `train`, `valid` and `test`, one `.jsonl.gz` for each assay.

FS-Mol (Stanley et al. 2021) has 5,120 assays from ChEMBL, each a line for each molecule with its SMILES and whether it
is active. Its download has to be asked for, so this reads a folder that you have. A support is drawn at the assay's own
proportions, as there.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from fewsight.domains.given import Given
from fewsight.domains.molecules.assays import CLASSES, AssayDomain
from fewsight.domains.molecules.atoms import Atoms, Library
from fewsight.domains.molecules.format import MoleculeFormat
from fewsight.domains.molecules.smiles import Counts, deduplicated
from fewsight.errors import DataError

FOLDERS = {"train": "train", "valid": "val", "test": "test"}
"""FS-Mol's names of the splits, and the house's."""
SUFFIX = ".jsonl.gz"
LABEL = "protocol of FS-Mol: only the test assays are new, their molecules may have been seen in training"


def open_fsmol(
    data: Path | None = None, *, path: str | Path, tasks: str | Path | None = None, split_supports: bool = False
) -> AssayDomain:
    """The assays in the folder `path`.

    Args:
        data: not used: FS-Mol lies where you put it.
        tasks: a list of assays by split, FS-Mol's `fsmol-0.1.json`; default: all that are in the folders.
        split_supports: True draws as many active molecules as inactive ones; False at the assay's proportions.

    Raises:
        DataError: no such folder, an assay of the list that is not there, or a line that cannot be read.
    """
    root = Path(path)
    listed = _listed(Path(tasks)) if tasks is not None else _found(root)
    form = MoleculeFormat()
    distinct: dict[str, tuple[int, str, Atoms]] = {}
    given: dict[str, list[Given]] = {}
    total = Counts()
    for folder, names in listed.items():
        given[FOLDERS[folder]] = []
        for name in names:
            smiles, labels = read_assay(root / folder / f"{name}{SUFFIX}")
            kept, values, counts = deduplicated(smiles, [[label] for label in labels], lambda found: found)
            total = Counts(*(a + b for a, b in zip(total, counts, strict=True)))
            known = [(found, value) for found, (value,) in zip(kept, values, strict=True) if value is not None]
            for found, _ in known:
                if found.key not in distinct:
                    distinct[found.key] = len(distinct), found.smiles, form.seen(found.mol)
            places = [distinct[found.key][0] for found, _ in known]
            y = torch.tensor([int(value) for _, value in known], dtype=torch.int64)
            given[FOLDERS[folder]].append(Given(name, torch.tensor(places, dtype=torch.int64), y, CLASSES))
    if not distinct:
        raise DataError(f"{root} holds no assays: give the folder that holds {', '.join(FOLDERS)}")
    _, texts, molecules = zip(*distinct.values(), strict=True)
    return AssayDomain(
        "fsmol",
        form,
        given,
        balanced=split_supports,
        library=Library.gathered(molecules, form.atoms),
        smiles=texts,
        notes=(LABEL, *total.notes),
    )


def read_assay(path: Path) -> tuple[list[str], list[float]]:
    """SMILES of one assay's molecules, and 1 for active, 0 for inactive ones.

    Raises:
        DataError: absent, not such a file, or a line without "SMILES" or with a "Property" other than 0 and 1.
    """
    smiles, labels = [], []
    try:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                if not line.strip():
                    continue
                text, label = _molecule(json.loads(line))
                if text is None or label is None:
                    raise DataError(f"{path}, line {number}: needs a SMILES, and a Property of 0 or 1")
                smiles.append(text)
                labels.append(label)
    except FileNotFoundError:
        raise DataError(f"there is no assay {path}: get FS-Mol's archive, or list only what is there") from None
    except (OSError, EOFError, zlib.error, ValueError) as error:
        raise DataError(f"{path} is not a file of FS-Mol ({error}): get it again") from None
    if not smiles:
        raise DataError(f"{path} holds no molecules: get it again")
    return smiles, labels


def _molecule(record: Any) -> tuple[str | None, float | None]:
    if not isinstance(record, Mapping) or not isinstance(record.get("SMILES"), str):
        return None, None
    try:
        label = float(record.get("Property", "nan"))
    except (TypeError, ValueError):
        return record["SMILES"], None
    return record["SMILES"], label if label in (0.0, 1.0) else None


def _listed(path: Path) -> dict[str, list[str]]:
    try:
        listed = json.loads(path.read_text("utf-8"))
        return {folder: [str(name) for name in listed[folder]] for folder in FOLDERS}
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise DataError(f"{path} is not a list of FS-Mol's assays ({error}): give its fsmol-0.1.json") from None


def _found(root: Path) -> dict[str, list[str]]:
    if missing := [folder for folder in FOLDERS if not (root / folder).is_dir()]:
        raise DataError(f"{root} has no folder {missing[0]!r}: give the folder that holds {', '.join(FOLDERS)}")
    return {
        folder: sorted(file.name.removesuffix(SUFFIX) for file in (root / folder).glob(f"*{SUFFIX}"))
        for folder in FOLDERS
    }
