"""The command line: demo, new, recipes, train, evaluate, predict, explain, audit, serve. Try `fewsight --help`."""

from __future__ import annotations

import dataclasses
import json
import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from fewsight.errors import DataError, FewsightError, RecipeError, RunError

app = typer.Typer(
    help="Meta-learning whose decisions people can see through.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Data = Annotated[Path | None, typer.Option(help="Data directory [default: FEWSIGHT_DATA, else the user's cache].")]
RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a trained run.")]
SupportData = Annotated[
    Path, typer.Option(help="Folder of images with a subfolder for each class, or a CSV or Parquet table.")
]
InputColumn = Annotated[str | None, typer.Option("--input", metavar="COLUMN", help="Column of texts or SMILES.")]
LabelColumn = Annotated[str | None, typer.Option("--label", metavar="COLUMN", help="Column of labels.")]
GroupColumn = Annotated[str | None, typer.Option("--group", metavar="COLUMN", help="Column of groups.")]
NoneOfThese = Annotated[
    float | None,
    typer.Option(
        metavar="RATE",
        help="Say which queries are of no class, rejecting this share (0.05) of those that are; "
        "calibrated on the data that the run was trained on.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Language = Annotated[str, typer.Option("--lang", help="Language of the page: en (English) or zh (Chinese).")]


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Folder for runs and page.")] = Path("fewsight-demo"),
) -> None:
    """Meta-train three learners on embedded digits, test them on digits never seen, explain one prediction.

    Example: fewsight demo --out fewsight-demo
    """
    from fewsight.demo import demo as run_demo

    page = run_demo(out, typer.echo)
    typer.echo(f"\nOpen {page.resolve().as_uri()}")


@app.command("new")
def new_domain(folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder for the example.")]) -> None:
    """Write a small commented example of a domain of your own, that trains.

    Example: fewsight new faults
    """
    from fewsight import start

    for file in start.write(folder):
        typer.echo(f"wrote {file}")
    place = shlex.quote(str(folder))
    typer.echo(f"train it: fewsight train {place}/recipe.toml --out {place}/run")


@app.command("recipes")
def list_recipes() -> None:
    """List the ready experiments with published figure, measured figure and cost.

    Example: fewsight recipes
    """
    from fewsight import recipes

    for name in recipes.names():
        recipe = recipes.load(name)
        typer.echo(f"{name}\n  {recipe.about}")
        for result in recipe.results:
            measured = "not measured" if result.measured is None else _figure(result.measured, result.interval)
            published = "none published" if result.published is None else f"published {result.published:g}"
            source = f" ({result.source})" if result.source else ""
            cost = f"; {result.cost}" if result.cost else ""
            typer.echo(f"    {result.protocol}: {measured}; {published}{source}{cost}")


def _figure(value: float, interval: float | None) -> str:
    return f"measured {value:g}" + ("" if interval is None else f" ± {interval:g}")


@app.command()
def train(
    recipe: Annotated[
        str,
        typer.Argument(metavar="RECIPE", help="Name of a recipe, a .toml file; or your own folder of images or table."),
    ],
    out: Annotated[Path, typer.Option(help="Folder for the run.")],
    settings: Annotated[list[str] | None, typer.Argument(metavar="[KEY=VALUE]...", help="Settings to change.")] = None,
    data: Data = None,
    device: Annotated[
        str, typer.Option(help="Where to train: cpu, cuda, or auto: the fastest that is at hand.")
    ] = "auto",
    resume: Annotated[bool, typer.Option(help="Go on with the run in --out.")] = False,
    kind: Annotated[
        str | None, typer.Option(help="Of your own data: images, texts, molecules or rows [default: guessed].")
    ] = None,
    input_column: InputColumn = None,
    label: LabelColumn = None,
    task: Annotated[str | None, typer.Option(metavar="COLUMN", help="Column that says which task a row is of.")] = None,
    split: Annotated[str | None, typer.Option(metavar="COLUMN", help="Column with train, val or test.")] = None,
) -> None:
    """Meta-train a recipe.

    Example: fewsight train omniglot-protonet --out runs/protonet

    Example: fewsight train digits-maml steps=500 inner_lr=0.2 --out runs/maml

    Example: fewsight train intents.csv --label intent --out runs/intents
    """
    from fewsight import recipes
    from fewsight.domains import Columns
    from fewsight.recipes.own import is_data, own_recipe
    from fewsight.training import train as train_recipe
    from fewsight.training import train_rule

    if is_data(recipe):
        made, said = own_recipe(Path(recipe), kind, Columns(input_column, label, task, split))
        typer.echo(said)
        chosen: recipes.Recipe | recipes.RuleRecipe = recipes.override(made, settings or [])
    else:
        chosen = recipes.load(recipe, settings or [])
        _refuse(
            f"recipe {recipe} names its own data",
            {"--kind": kind, "--input": input_column, "--label": label, "--task": task, "--split": split},
            "they are for a folder or table in its place",
        )
    if isinstance(chosen, recipes.RuleRecipe):
        elsewhere = None if device in {"auto", "cpu"} else device
        _refuse(f"recipe {recipe} trains a learned optimizer", {"--device": elsewhere}, "it works on the processor")
        run, outcome = train_rule(chosen, out, resume=resume, command=_command())
    else:
        run, outcome = train_recipe(chosen, out, data, device=device, resume=resume, command=_command())
    if outcome.stopped == "interrupted":
        raise typer.Exit(130)
    typer.echo(f"trained in {outcome.seconds:.0f} s; test it: fewsight evaluate {shlex.quote(str(run.folder))}")


@app.command()
def evaluate(
    run: RunFolder,
    settings: Annotated[
        list[str] | None, typer.Argument(metavar="[KEY=VALUE]...", help="Settings of adaptation to change.")
    ] = None,
    tasks: Annotated[
        int | None, typer.Option(min=2, help="Number of test tasks [default: 600; problems of an optimizer: 40].")
    ] = None,
    ways: Annotated[int | None, typer.Option(min=2, help="Classes of a task [default: the recipe's].")] = None,
    shots: Annotated[int | None, typer.Option(min=1, help="Support examples of a class.")] = None,
    queries: Annotated[int | None, typer.Option(min=1, help="Queries of a class.")] = None,
    split: Annotated[str | None, typer.Option(help="Which classes: test, val or train [default: test].")] = None,
    domain: Annotated[
        str | None, typer.Option(help="Another domain than it was trained on, seen as its model sees inputs.")
    ] = None,
    device: Annotated[
        str | None, typer.Option(help="Where the learner adapts: cpu, cuda, or auto [default: cpu].")
    ] = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Test a run on tasks of classes it never saw, beside simple baselines on the same tasks.

    Example: fewsight evaluate runs/protonet --tasks 600 --ways 20 --shots 1

    Example: fewsight evaluate runs/caltech-to-bccd --domain bccd --ways 4

    Example: fewsight evaluate runs/sinusoid inner_steps=10

    Example: fewsight evaluate runs/digit-networks-lstm unseen.layers=[3]
    """
    from fewsight.recipes import RuleRecipe
    from fewsight.training import Run, evaluate_rule, evaluate_run

    opened = Run.open(run)
    if isinstance(opened.experiment, RuleRecipe):
        _refuse(
            f"{run} holds a learned optimizer, which is tested on problems instead of tasks",
            {
                "--ways": ways,
                "--shots": shots,
                "--queries": queries,
                "--split": split,
                "--domain": domain,
                "--device": device,
            },
            "settings change the problems (unseen.KEY=VALUE, steps=N)",
        )
        found = evaluate_rule(opened, tasks or 40, settings or [])
        typer.echo(json.dumps(found.to_json(), indent=2) if as_json else found.table())
        return
    report = evaluate_run(
        opened,
        data,
        tasks=tasks or 600,
        ways=ways,
        shots=shots,
        queries=queries,
        split=split or "test",
        domain=domain,
        device=device or "cpu",
        overrides=settings or [],
    )
    typer.echo(json.dumps(report.to_json(), indent=2) if as_json else report.table())


@app.command()
def predict(
    run: RunFolder,
    support: SupportData,
    query: Annotated[Path, typer.Option(help="An image, a folder, a table; or the text or SMILES itself.")],
    input_column: InputColumn = None,
    label: LabelColumn = None,
    none_of_these: NoneOfThese = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Learn a new task from labelled examples and predict the class, or the value, of others.

    Example: fewsight predict runs/protonet --support shapes/ --query unknown.png

    Example: fewsight predict runs/intents --support examples.csv --query "where is my parcel"

    Example: fewsight predict runs/intents --support examples.csv --query new.csv --none-of-these 0.05
    """
    from fewsight.domains import Columns
    from fewsight.rejection import calibrated
    from fewsight.usertask import answers, read_task, strangers

    task = read_task(run, support, query, Columns(input_column, label))
    rows, found = answers(task), {}
    if none_of_these is not None:
        rejection = calibrated(task.run, task.support, none_of_these, data)
        found = {"rejection": dataclasses.asdict(rejection)}
        for row, rejected in zip(rows, strangers(task, rejection), strict=True):
            row["none of these"] = rejected
    if as_json:
        told = {"predictions": rows, "notes": list(task.notes), "caveats": list(task.doubts)}
        typer.echo(json.dumps(told | found, indent=2))
        return
    for row in rows:
        if row.get("none of these"):
            typer.echo(f"{row['query']}: none of these (nearest: {row['prediction']})")
            continue
        sure = f" ({row['probabilities'][row['prediction']]:.1%})" if "probabilities" in row else ""
        typer.echo(f"{row['query']}: {row['prediction']}{sure}")
    if none_of_these is not None:
        typer.echo(
            f"caveat: “none of these” rejects about {rejection.rate:.0%} of the queries that do belong; in its "
            f"calibration on {rejection.queries} queries outsiders were told with an AUROC of {rejection.auroc:.2f}"
        )
    for doubt in task.doubts:
        typer.echo(f"caveat: {doubt}")
    for note in task.notes:
        typer.echo(f"note: {note}")


@app.command()
def explain(
    run: RunFolder,
    support: SupportData,
    query: Annotated[Path, typer.Option(help="One image, a table of one row; or the text or SMILES itself.")],
    out: Annotated[Path, typer.Option(help="The page to write.")],
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Also write the analysis as JSON.")
    ] = None,
    input_column: InputColumn = None,
    label: LabelColumn = None,
    group: GroupColumn = None,
    budget: Annotated[
        float, typer.Option(min=1, help="Seconds to spend; what does not fit is left out and said.")
    ] = 60.0,
    language: Language = "en",
) -> None:
    """Predict one example and write a page that shows why, with evidence that the explanation is true.

    Example: fewsight explain runs/protonet --support shapes/ --query unknown.png --out page.html
    """
    from fewsight.demo import verdict
    from fewsight.domains import Columns, offers
    from fewsight.explain import explain as explain_query
    from fewsight.report import write_page
    from fewsight.report.words import Words
    from fewsight.training.files import replace
    from fewsight.training.record import recorded
    from fewsight.usertask import read_task, simply

    Words(language)  # an unknown language is an error before the work, not after
    _require_places({".html": out, ".json": json_file})
    task = read_task(run, support, query, Columns(input_column, label, group=group), single=True)
    analysis = explain_query(
        task.learner,
        task.support,
        task.queries.x,
        names=task.examples.names,
        groups=task.examples.groups,
        parts=task.queries.views[0].parts,
        offers=offers(task.form, task.queries, task.examples),
        experience=recorded(task.run),
        budget_seconds=budget,
    )
    analysis = dataclasses.replace(analysis, caveats=(*analysis.caveats, *task.doubts))
    if json_file is not None:
        replace(json_file, json.dumps(analysis.to_json(), indent=2).encode())
    page = write_page(
        analysis,
        out,
        support_views=task.examples.views,
        query_view=task.queries.views[0],
        command=_command(),
        simple=simply(task),
        nearness=task.nearness,
        notes=task.notes,
        language=language,
    )
    typer.echo(verdict(analysis))
    for note in task.notes:
        typer.echo(f"note: {note}")
    typer.echo(f"wrote {page}")


@app.command()
def audit(
    run: RunFolder,
    support: SupportData,
    query: Annotated[
        list[Path],
        typer.Option(help="An image, a folder or a table, or several. Class folders or a label column give labels."),
    ],
    out: Annotated[Path, typer.Option(help="The record to write, ending in .html or .json.")],
    groups: Annotated[
        Path | None, typer.Option(help="CSV with the columns file and group (and set: query or support).")
    ] = None,
    input_column: InputColumn = None,
    label: LabelColumn = None,
    group: GroupColumn = None,
    language: Language = "en",
) -> None:
    """Write the record an auditor files: hashes, lineage, values of the examples, checks, errors, gaps between groups.

    Example: fewsight audit runs/protonet --support shapes/ --query labelled/ --out audit.html

    Example: fewsight audit runs/protonet --support shapes/ --query labelled/ --groups groups.csv --out audit.json
    """
    from fewsight.audit import audit as make
    from fewsight.domains import Columns
    from fewsight.report.audit import render_audit
    from fewsight.report.words import Words
    from fewsight.training.files import replace

    Words(language)
    if out.suffix not in (".html", ".json"):
        raise DataError(f"--out {out} must end in .html or .json")
    _require_places({out.suffix: out})
    columns = Columns(input_column, label, group=group)
    record, task = make(run, support, query, groups=groups, columns=columns, command=_command())
    if out.suffix == ".html":
        text = render_audit(record, task.examples.views, language)
    else:
        text = json.dumps(record.to_json(), indent=1) + "\n"
    replace(out, text.encode())
    for loss in record.losses:
        typer.echo(loss)
    for part in (record.population.performance, record.population.fairness):
        if part is not None:
            typer.echo(part)
    for caveat in (*record.repeats, *record.caveats):
        typer.echo(f"caveat: {caveat}")
    typer.echo(f"wrote {out}, fingerprint {record.fingerprint[:16]}")


@app.command()
def serve(
    run: RunFolder,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0: any that is free.")] = 8421,
    host: Annotated[str, typer.Option(help="Address to listen on; one that others can reach needs --token.")] = (
        "127.0.0.1"
    ),
    token: Annotated[str | None, typer.Option(help="What a caller must know, 16 characters or more.")] = None,
    folder: Annotated[
        Path | None, typer.Option(help="Where uploads and saved analyses are kept [default: RUN/workbench].")
    ] = None,
    show: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
) -> None:
    """Open the live workbench: give examples, change them, and see the answer and its reasons move.

    Example: fewsight serve runs/protonet --open
    """
    try:
        from fewsight.app.serve import serve as serve_run
    except ModuleNotFoundError as error:
        raise RunError(f"the workbench needs {error.name}: pip install 'fewsight[app]'") from error
    serve_run(run, host=host, port=port, token=token, folder=folder, show=show, say=typer.echo)


def _refuse(why: str, options: Mapping[str, object], instead: str) -> None:
    """Options that would do nothing are said, not ignored."""
    if given := [name for name, value in options.items() if value is not None]:
        raise RecipeError(f"{why}: leave out {', '.join(given)}; {instead}")


def _require_places(files: Mapping[str, Path | None]) -> None:
    """What is to be written, by its ending, has a place: said before the work, and before an input is overwritten."""
    for ending, path in files.items():
        if path is None:
            continue
        if path.suffix != ending:
            raise DataError(f"cannot write to {path}: give a file whose name ends in {ending}")
        if path.is_dir():
            raise DataError(f"cannot write to {path}, which is a folder: give a file")
        if not path.parent.is_dir():
            raise DataError(f"there is no folder {path.parent} to write {path.name} into: make it first")
        if not os.access(path.parent, os.W_OK):
            raise DataError(f"folder {path.parent} cannot be written: choose another for {path.name}")


def _command() -> str:
    return shlex.join(["fewsight", *sys.argv[1:]])


def main() -> None:
    """Entry point: what a user can mend is one line on the standard error and exit status 2."""
    try:
        app()
    except FewsightError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
