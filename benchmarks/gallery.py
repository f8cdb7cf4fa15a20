"""What does each kind of explanation look like? A picture of each, as its `plot()` draws it, and the page of them.

    python benchmarks/gallery.py --data DATA [--out docs/gallery]

Meta-trains small learners, on digits (which need no download) and on patients of three hospitals, asks each for the
kinds that it shows best, and writes OUT/KIND.png and the page OUT.md. Needs the extra `plot`. Two minutes on 1 core.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from itertools import zip_longest
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from fewsight import explain, fit, recipes, tree
from fewsight.domains import Domain, RowFormat, open_domain
from fewsight.experience import Experience, Snapshot
from fewsight.explain import Analysis, Explanation
from fewsight.report.english_kinds import KINDS as WORDS
from fewsight.task import Support
from fewsight.training.experiment import episodes

COLOURS = 255
"""Of a picture: flat areas and thin lines need no more, and files are half as large."""
SECONDS = 100.0
RECORDED = 24
"""Meta-training tasks that the kinds about them choose from."""
PATIENT = "Patients of a hospital never seen (heart disease, Cleveland), five of each class at most as they come: "
DIGIT = "Digits never trained on, "


@dataclass(frozen=True)
class Scene:
    """A learner to train, a task of the test split to put to it, and the kinds of explanation shown on it.

    `number` is that of the task: one on which each has something to show (examples whose removal changes the answer).
    """

    title: str
    recipe: str
    learner: dict[str, Any]
    network: dict[str, Any]
    steps: int
    kinds: str
    shape: dict[str, int]
    number: int = 0


CONV = {"hidden": 16, "blocks": 3}
FIVE = {"ways": 2, "shots": 5}
SCENES = (
    Scene(
        DIGIT + "two examples of each of three classes; Prototypical Networks",
        "digits-protonet",
        {"name": "protonet"},
        CONV,
        400,
        "shapley leave_one_out leave_one_out_drop interactions banzhaf influence path prototypes prototype_channels "
        "prototype_map shapley_groups mislabels removal relabelling subset_surrogate integrated_gradients occlusion "
        "query_shapley saliency change query_counterfactual support_integrated_gradients support_occlusion "
        "support_gradients correspondence correspondence_occlusion",
        {"ways": 3, "shots": 2},
        18,
    ),
    Scene(
        DIGIT + "five examples of each of three classes; Prototypical Networks",
        "digits-protonet",
        {"name": "protonet"},
        CONV,
        400,
        "shapley_classes",
        {"ways": 3, "shots": 5},
    ),
    Scene(
        PATIENT + "Matching Networks", "heart-disease", {"name": "matching"}, {}, 100, "attention learned_when", FIVE
    ),
    Scene(
        PATIENT + "ridge regression head",
        "heart-disease",
        {"name": "ridge"},
        {"hidden": [8]},
        100,
        "kernel_votes kernel task_influence task_similarity task_newton",
        FIVE,
    ),
    Scene(
        "Sine waves, fitted by a straight line, where this kind is exact; MAML with one step",
        "sinusoid-maml",
        {"name": "maml", "inner_steps": 1},
        {"hidden": []},
        100,
        "leave_one_task_out",
        {},
    ),
    Scene(
        PATIENT + "Meta-SGD",
        "heart-disease",
        {"name": "meta-sgd", "inner_steps": 3},
        {"hidden": [16, 16]},
        100,
        "steps layer_swap path_tensor trajectory movement representation step_sizes debt sparse_linear tree rule_list",
        FIVE,
    ),
    Scene(PATIENT + "LEO", "heart-disease", {"name": "leo"}, {"hidden": [16]}, 40, "latent_codes", FIVE),
    Scene(PATIENT + "FiLM", "heart-disease", {"name": "film"}, {"hidden": [16, 16]}, 40, "film", FIVE),
    Scene(
        PATIENT + "LSTM meta-learner",
        "heart-disease",
        {"name": "meta-lstm", "inner_steps": 3},
        {"hidden": [16]},
        40,
        "gates",
        FIVE,
    ),
)


def explained(scene: Scene, domain: Callable[[str], Domain], seconds: float = SECONDS) -> Analysis:
    """The scene's learner, trained, and what it says of the first query of the task."""
    record = recipes.load(scene.recipe).model_dump(mode="json")
    record["learner"], record["network"] = scene.learner, record["network"] | scene.network
    recipe = recipes.parse(record, scene.recipe)
    opened = domain(recipe.domain.name)
    learner, drawn = recipes.build(recipe, opened), episodes(recipe, opened, "train", recipe.train)
    met: list[Snapshot] = []  # with "learned_when": the moments of training between which it asks

    def keep(step: int, result: object) -> None:
        if step in (1, scene.steps // 4, scene.steps // 2) and "learned_when" in scene.kinds:
            met.append(Snapshot.of(learner, step=step))

    fit(learner, drawn, steps=scene.steps, lr=recipe.training.lr, strategy="loop", progress=False, on_step=keep)
    task = episodes(recipe, opened, "test", recipe.test.model_copy(update=scene.shape))[scene.number]
    form = opened.format
    return explain(
        learner,
        task.support,
        tree.take(task.query, slice(0, 1)),
        scene.kinds.split(),
        names=names(task.support),
        groups=["given first" if i < task.support.size // 2 else "given later" for i in range(task.support.size)],
        parts=[column.name for column in form.columns] if isinstance(form, RowFormat) else None,
        experience=Experience.of(
            learner,
            [drawn[i] for i in range(RECORDED)],
            names=[f"{drawn[i].name}, episode {i}" for i in range(RECORDED)],
            snapshots=met,
        )
        if "task_" in scene.kinds or met
        else None,
        budget_seconds=seconds,
    )


def names(support: Support) -> list[str]:
    """A name for each example: its class, and which of them it is."""
    if support.labels is None:
        return [f"point {i + 1}" for i in range(support.size)]
    labels = [str(support.labels[y]) for y in support.y.tolist()]
    return [f"{label} no. {labels[: i + 1].count(label)}" for i, label in enumerate(labels)]


def picture(explanation: Explanation) -> bytes:
    """Its PNG in a few colours."""
    drawn = explanation._repr_png_()
    if drawn is None:
        raise SystemExit("the gallery needs Matplotlib: pip install 'fewsight[plot]'")
    buffer = BytesIO()
    Image.open(BytesIO(drawn)).convert("RGB").quantize(COLOURS).save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()


HEAD = """# What does each kind of explanation look like?

`python benchmarks/gallery.py --data DATA` trains small learners and makes every picture of this page, as
`explanation.plot()` draws it: as wide as a column of a paper, blue for the answer and orange against it, which readers
with any colour vision tell apart. In a notebook an explanation shows itself in this way. The learners are trained for
seconds: the pictures show kinds, not results. [How to read them, and when to believe them](explanations.md).
"""


def page(shown: list[tuple[str, Analysis]], folder: str) -> str:
    """The Markdown page: under each scene's title its pictures, two a row, with captions below."""
    parts = [HEAD]
    for title, analysis in shown:
        parts.append(f"\n## {title}\n\n| | |\n|---|---|")
        cells = [(f"![{each.question}]({folder}/{kind}.png)", caption(each)) for kind, each in analysis.items()]
        for pair in zip_longest(cells[::2], cells[1::2], fillvalue=("", "")):
            parts += ["| " + " | ".join(row).rstrip() + " |" for row in zip(*pair, strict=True)]
    return "\n".join(parts) + "\n"


def caption(explanation: Explanation) -> str:
    said = f" {explanation.notes[0]}" if explanation.notes else ""
    return (
        f"`{explanation.kind}`, {WORDS[f'kind_{explanation.kind}'].lower()}. **{explanation.question}**{said}".replace(
            "|", "/"
        )
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="data directory (default: $FEWSIGHT_DATA)")
    parser.add_argument("--out", type=Path, default=Path("docs/gallery"), help="folder of the pictures")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    arguments.out.mkdir(parents=True, exist_ok=True)
    shown = []
    for scene in SCENES:
        analysis = explained(scene, cache(lambda name: open_domain(name, arguments.data)))
        for kind, explanation in analysis.items():
            (arguments.out / f"{kind}.png").write_bytes(picture(explanation))
        shown.append((scene.title, analysis))
        print(f"{scene.title}: {', '.join(analysis)}", flush=True)
    arguments.out.with_suffix(".md").write_text(page(shown, arguments.out.name))


if __name__ == "__main__":
    main()
