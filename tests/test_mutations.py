"""Any file of a person, damaged in any way, ends in a result or in one clear line: never in a traceback.

Twenty mutations of each kind in a usual run; `FEWSIGHT_MUTATIONS=1000 pytest tests/test_mutations.py` does a thousand.
"""

from __future__ import annotations

import gzip
import io
import json
import math
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from PIL import Image

from fewsight import recipes
from fewsight.domains import GUESSED, Episodes, ImageFormat, open_domain
from fewsight.errors import FewsightError
from fewsight.recipes.own import own_recipe
from fewsight.usertask import answers, read_task
from untrained import untrained, untrained_runs

MUTATIONS = int(os.environ.get("FEWSIGHT_MUTATIONS", "20"))
WITH_MEANING = b"\",;\t\n\r\0\\'=[]{}<>#%+-.0123456789eENna\xc3\xe9\xff"
"""Bytes that some format gives a meaning to."""


@st.composite
def mutations(draw: st.DrawFn) -> Callable[[bytes], bytes]:
    """One to four of: other bytes, bytes put in, left out, or said twice, and the end cut off."""
    places = st.floats(0, 1, exclude_max=True)
    put = st.one_of(st.binary(max_size=4), st.lists(st.sampled_from(WITH_MEANING), max_size=4).map(bytes))
    edits = draw(st.lists(st.tuples(st.sampled_from("oildc"), places, st.integers(1, 12), put), min_size=1, max_size=4))

    def mutated(content: bytes) -> bytes:
        for kind, share, length, new in edits:
            place = int(share * len(content))
            before, piece, after = content[:place], content[place : place + length], content[place + length :]
            content = {
                "o": before + new + content[place + len(new) :],
                "i": before + new + piece + after,
                "l": before + after,
                "d": before + piece + piece + after,
                "c": before,
            }[kind]
        return content

    return mutated


thousands = settings(
    max_examples=MUTATIONS, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), database=None
)


def ends_well(act: Callable[[], object]) -> None:
    said = None
    try:
        act()
    except FewsightError as error:
        said = str(error)
    event("a result" if said is None else "refused")  # --hypothesis-show-statistics counts them
    assert said is None or (said.strip() and "\n" not in said)


def predicted(run: Path, support: Path, query: Path) -> None:
    """What `fewsight predict` does: every answer is finite."""
    for answer in answers(read_task(run, support, query)):
        given = answer.get("probabilities", {"": answer["prediction"]})
        assert all(math.isfinite(number) for number in given.values())


# Tables of every kind, as support and as queries.

TEXTS = {
    "text": ["pay my bill, please", "fly to röma", "我喜欢 tea 😀", 'it\'s "late"', "where is my card", "a hotel"],
    "label": ["bank", "travel", "food", "bank", "bank", "travel"],
}
MOLECULES = {
    "smiles": ["CCO", "CC(=O)[O-].[Na+]", "c1ccccc1N", "ClCCl", "C[C@H](N)C(=O)O", "c1ccncc1"],
    "label": ["active", "inactive", "active", "inactive", "active", "inactive"],
}
ROWS = {
    "age": ["63", "50", "44", "70", "", "38"],
    "pain": ["none", "some", "much", "?", "none", "some"],
    "pulse": ["81.5", "90", "1e2", "77", "-3", "85"],
    "label": ["ill", "well", "well", "ill", "ill", "well"],
}
VALUES = {name: column for name, column in ROWS.items() if name != "label"} | {
    "value": ["1.5", "2", "3e1", "-4", "0", "6"]
}
TABLES = {"texts": TEXTS, "molecules": MOLECULES, "rows": ROWS, "values": VALUES, "any": ROWS}


def delimited(table: dict[str, list[str]], delimiter: str) -> bytes:
    rows = zip(*([name, *column] for name, column in table.items()), strict=True)
    return "\n".join(delimiter.join(f'"{cell}"' if "," in cell else cell for cell in row) for row in rows).encode()


def parquet(table: dict[str, list[str]]) -> bytes:
    stream = io.BytesIO()
    pq.write_table(pa.table(table), stream, compression="none")
    return stream.getvalue()


WRITTEN: dict[str, Callable[[dict[str, list[str]]], bytes]] = {
    "csv": lambda table: delimited(table, ","),
    "tsv": lambda table: delimited(table, "\t"),
    "parquet": parquet,
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("untrained")
    network = {"name": "conv4", "hidden": 4, "blocks": 2, "norm": "group"}
    return untrained_runs(folder) | {"images": untrained(folder / "images", ImageFormat(8, 3), network, "protonet")}


@pytest.mark.parametrize("suffix", WRITTEN)
@pytest.mark.parametrize("kind", TABLES)
@thousands
@given(mutated=mutations(), asked=st.booleans())
def test_tables(
    tmp_path_factory: pytest.TempPathFactory,
    runs: dict[str, Path],
    kind: str,
    suffix: str,
    mutated: Callable[[bytes], bytes],
    asked: bool,
) -> None:
    """Of the two files, the support or the queries are damaged."""
    folder = tmp_path_factory.getbasetemp()
    sound, damaged = folder / f"sound.{suffix}", folder / f"damaged.{suffix}"
    content = WRITTEN[suffix](TABLES[kind])
    sound.write_bytes(content)
    damaged.write_bytes(mutated(content))
    ends_well(lambda: predicted(runs[kind], *((sound, damaged) if asked else (damaged, sound))))


@pytest.mark.parametrize("kind", ["texts", "molecules", "rows", "values"])
@thousands
@given(mutated=mutations())
def test_tables_to_train_on(
    tmp_path_factory: pytest.TempPathFactory, kind: str, mutated: Callable[[bytes], bytes]
) -> None:
    """Five classes, or tasks where values are predicted, that the reader divides itself; drawing a task works."""
    own = TABLES[kind] | {"task": list("abcdef")} if kind == "values" else TABLES[kind] | {"label": list("abcdef")}
    content = delimited({name: column * 4 for name, column in own.items()}, ",")
    path = tmp_path_factory.getbasetemp() / "mine.csv"
    path.write_bytes(mutated(content))
    ends_well(lambda: own_recipe(path, None, GUESSED))


# Images, in folders by class and as queries.


def picture(seed: int, kind: str) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (9, 12, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, kind)
    return stream.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "TIFF", "WEBP", "BMP"])
@thousands
@given(mutated=mutations(), asked=st.booleans())
def test_folders_of_images(
    tmp_path_factory: pytest.TempPathFactory,
    runs: dict[str, Path],
    kind: str,
    mutated: Callable[[bytes], bytes],
    asked: bool,
) -> None:
    root, damaged = tmp_path_factory.getbasetemp() / "pictures", mutated(picture(0, kind))
    for place, name in enumerate(("cats/1", "cats/2", "dogs/1", "dogs/2")):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).with_suffix(".png").write_bytes(picture(place, "PNG"))
    query = root.parent / "query.png"
    (query if asked else root / "cats/1.png").write_bytes(damaged)
    if not asked:
        query.write_bytes(picture(9, "PNG"))
    ends_well(lambda: predicted(runs["images"], root, query))


# Files of programs and experts.


def assay(name: str) -> bytes:
    """Eleven molecules in FS-Mol's form."""
    smiles = ["CCO", "CCCO", "OCCC=C", "CCCCO", "CC(C)O", "CCN", "CCCN", "NCCC=C", "CCCCN", "CC(C)N", "CCCCCN"]
    lines = [{"SMILES": s, "Property": f"{int('O' in s)}.0", "Assay_ID": name, "Relation": "="} for s in smiles]
    return "\n".join(map(json.dumps, lines)).encode()


@pytest.mark.parametrize("what", ["lines", "packed", "list"])
@thousands
@given(mutated=mutations())
def test_folders_of_fsmol(
    tmp_path_factory: pytest.TempPathFactory, what: str, mutated: Callable[[bytes], bytes]
) -> None:
    root = tmp_path_factory.getbasetemp() / "fsmol"
    listed = {"train": ["CHEMBL1"], "valid": ["CHEMBL2"], "test": ["CHEMBL3"]}
    for folder, (name,) in listed.items():
        (root / folder).mkdir(parents=True, exist_ok=True)
        (root / folder / f"{name}.jsonl.gz").write_bytes(gzip.compress(assay(name), mtime=0))
    (root / "list.json").write_text(json.dumps(listed))
    path = root / "list.json" if what == "list" else root / "train/CHEMBL1.jsonl.gz"
    lines = mutated(assay("CHEMBL1")) if what == "lines" else b""
    path.write_bytes(gzip.compress(lines, mtime=0) if what == "lines" else mutated(path.read_bytes()))

    def drawn() -> None:
        domain = open_domain("fsmol", path=str(root), tasks=str(root / "list.json") if what == "list" else None)
        assert Episodes(domain.family("train", ways=2, shots=2, queries=2), seed=0, name="train")[0].support.size == 4

    ends_well(drawn)


@pytest.mark.parametrize("name", ["digits-maml", "huffpost-protonet", "heart-disease"])
@thousands
@given(mutated=mutations())
def test_recipes(tmp_path_factory: pytest.TempPathFactory, name: str, mutated: Callable[[bytes], bytes]) -> None:
    path = tmp_path_factory.getbasetemp() / "mine.toml"
    path.write_bytes(mutated((Path(recipes.__file__).parent / f"{name}.toml").read_bytes()))
    ends_well(lambda: recipes.load(path))
