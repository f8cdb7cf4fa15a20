"""How is the workbench reached? A FastAPI application; its document is at /api/openapi.json.

Whatever goes wrong is told as `{"error": sentence, "where": field or null}`.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

import fewsight
from fewsight.app import jobs, limits
from fewsight.app.bench import Workbench
from fewsight.app.guard import PAGE_POLICY, Guard
from fewsight.app.schema import Audit, Explanation, GivenItems, Prediction, Question, SupportSet
from fewsight.app.store import Saved
from fewsight.app.wording import CATALOGUES, STATIC, FieldError, Language, MistakeError, passed, say, spoken, told
from fewsight.domains import format_record
from fewsight.errors import FewsightError
from fewsight.report import palette


def create_app(
    run: str | Path,
    folder: Path | None = None,
    *,
    host: str = "127.0.0.1",
    token: str | None = None,
    waiting: int = limits.JOBS,
) -> FastAPI:
    """The workbench of a trained run.

    Args:
        run: the run folder.
        folder: where uploads and saved analyses are kept; default `workbench` in the run folder.
        host: the name it answers to, beside those of this machine; with a `token`, to any.
        waiting: how many full explanations may wait.

    Raises:
        RunError, DataError: no such run, one whose tasks take no inputs of a person's own, or a folder that cannot be
            used.
    """
    bench = Workbench(run, folder, waiting=waiting)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        bench.close()

    app = FastAPI(
        title="fewsight workbench",
        version=fewsight.__version__,
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.bench = bench
    app.add_middleware(Guard, host=host, token=token)
    _errors(app)
    _verbs(app, bench)
    _jobs(app, bench)
    _pages(app, bench)
    return app


def _verbs(app: FastAPI, bench: Workbench) -> None:
    @app.get("/api/run")
    def about() -> dict[str, Any]:
        """Which model answers, how it sees its inputs, whether it predicts values, and what it takes at most."""
        return {
            "name": bench.run.recipe.name,
            "about": bench.run.recipe.about,
            "format": format_record(bench.form),
            "values": bench.values,
            "limits": {
                "file_bytes": limits.FILE_BYTES,
                "examples": limits.EXAMPLES,
                "label": limits.LABEL,
                "text": limits.TEXT,
                "items": limits.ITEMS,
                "queries": limits.QUERIES,
            },
        }

    @app.get("/api/sample")
    def sample(language: Language, number: Annotated[int, Query(ge=0, le=10**6)] = 0) -> dict[str, Any]:
        """A labelled task to start from, and more queries whose answers are known; 404 where no data is at hand."""
        with bench.gate():
            found = bench.sample(number, language)
        if found is None:
            raise MistakeError("sample_none", status=404)
        return found

    @app.post(
        "/api/images",
        status_code=201,
        openapi_extra={"requestBody": {"required": True, "content": {"image/*": {"schema": {"type": "string"}}}}},
    )
    async def upload(
        request: Request, language: Language, name: Annotated[str, Query(max_length=1000)] = ""
    ) -> dict[str, Any]:
        """Take one image file, sent as the body itself; its id, and its picture as the model sees it."""
        payload = await request.body()

        def take() -> dict[str, Any]:
            with bench.gate():
                return bench.upload(name, payload, language)

        return await run_in_threadpool(take)

    @app.post("/api/items", status_code=201)
    def take(given: GivenItems, language: Language) -> dict[str, Any]:
        """Take texts, SMILES or rows, all or none; of each its id, how it is shown, and what was done to it."""
        with bench.gate():
            return {"items": bench.take(given.items, language)}

    @app.post("/api/adapt", status_code=201)
    def adapt(support: SupportSet) -> dict[str, Any]:
        """Learn a task from labelled items; its id."""
        with bench.gate():
            return bench.adapt(support.examples)

    @app.post("/api/predict")
    def predict(asked: Prediction) -> dict[str, Any]:
        """The class of each query, with probabilities; in regression its value."""
        with bench.gate():
            return {"predictions": bench.predict(asked.task, asked.queries)}

    @app.post("/api/quick")
    def quick(question: Question, language: Language) -> dict[str, Any]:
        """Adapt and answer at once, with the value of each example, the radius and the parts of the query."""
        with bench.gate():
            return bench.quick(question, language)


def _jobs(app: FastAPI, bench: Workbench) -> None:
    def known(job: str) -> jobs.Job:
        if (found := bench.jobs.get(job)) is None:
            raise MistakeError("job_gone", status=404)
        return found

    @app.post("/api/explain", status_code=202)
    def explain(asked: Explanation, language: Language) -> dict[str, Any]:
        """Queue a full explanation; 429 with Retry-After where too many wait."""
        return jobs.state(bench.explain(asked, language), language)

    @app.post("/api/audit", status_code=202)
    def audit(asked: Audit, language: Language) -> dict[str, Any]:
        """Queue an audit record of queries whose answers are known; 429 as for explanations."""
        return jobs.state(bench.audit(asked, language), language)

    @app.get("/api/jobs/{job}")
    def look(job: str, language: Language) -> dict[str, Any]:
        """Where a job stands; once done, `analysis` is the id of the saved analysis."""
        return jobs.state(known(job), language)

    @app.delete("/api/jobs/{job}")
    def cancel(job: str, language: Language) -> dict[str, Any]:
        """Call a job off."""
        found = known(job)
        bench.jobs.cancel(found)
        return jobs.state(found, language)

    @app.get("/api/analyses")
    def saved() -> dict[str, Any]:
        """The latest saved analyses."""
        return {"analyses": bench.store.titles()}

    @app.get("/api/analyses/{name}")
    def analysis(name: str) -> dict[str, Any]:
        """A saved analysis: its task with pictures, its JSON record, and its page as HTML."""
        found = _saved(bench, name)
        record = json.loads(found.record)
        return {"title": found.title, "task": bench.reopened(found.task), "record": record, "page": found.page}


def _pages(app: FastAPI, bench: Workbench) -> None:
    @app.get("/", include_in_schema=False)
    def index() -> FileResponse:
        return FileResponse(STATIC / "index.html")

    @app.get("/static/palette.css", include_in_schema=False)
    def colours() -> Response:
        return Response(palette.style(), media_type="text/css")

    @app.get("/a/{name}", include_in_schema=False)
    def page(name: str, download: bool = False) -> HTMLResponse:
        headers = {"content-security-policy": PAGE_POLICY}
        if download:
            headers["content-disposition"] = 'attachment; filename="explanation.html"'
        return HTMLResponse(_saved(bench, name).page, headers=headers)

    @app.get("/a/{name}/analysis.json", include_in_schema=False)
    def record(name: str) -> Response:
        headers = {"content-disposition": 'attachment; filename="analysis.json"'}
        return Response(_saved(bench, name).record, media_type="application/json", headers=headers)

    app.mount("/static", StaticFiles(directory=STATIC))


def _saved(bench: Workbench, name: str) -> Saved:
    if (found := bench.store.saved(name)) is None:
        raise MistakeError("analysis_gone", status=404)
    return found


def _errors(app: FastAPI) -> None:
    @app.exception_handler(FewsightError)
    async def mendable(request: Request, error: FewsightError) -> JSONResponse:
        where = error.where if isinstance(error, FieldError) else None
        status = error.status if isinstance(error, MistakeError) else 422
        headers = {"retry-after": str(error.seconds)} if isinstance(error, jobs.BusyError) else None
        return JSONResponse({"error": told(error, _language(request)), "where": where}, status, headers)

    @app.exception_handler(RequestValidationError)
    async def malformed(request: Request, error: RequestValidationError) -> JSONResponse:
        first, language = error.errors()[0], _language(request)
        # What follows "raw" names the kinds of value that were tried, not a field.
        where = re.sub(r"\.raw\..*", ".raw", ".".join(map(str, first["loc"][1:])))
        key = first["type"]
        said = say(language, key, **first["ctx"]) if key in CATALOGUES[language] else passed(first["msg"], language)
        return JSONResponse({"error": said, "where": where or None}, 422)

    @app.exception_handler(HTTPException)
    async def refused(request: Request, error: HTTPException) -> JSONResponse:
        return JSONResponse({"error": error.detail, "where": None}, error.status_code)


def _language(request: Request) -> str:
    return spoken(request.headers.get("accept-language"))
