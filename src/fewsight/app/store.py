"""Where does the workbench keep things? In one SQLite file in its own folder, so that a crash loses nothing saved."""

from __future__ import annotations

import json
import secrets
import sqlite3
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fewsight.app import limits
from fewsight.domains import ImageFormat
from fewsight.errors import DataError, RunError

LAYOUT = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS images (
    place INTEGER PRIMARY KEY, id TEXT UNIQUE NOT NULL, name TEXT NOT NULL, pixels BLOB NOT NULL,
    kept INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS tasks (place INTEGER PRIMARY KEY, id TEXT UNIQUE NOT NULL, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS analyses (
    place INTEGER PRIMARY KEY, id TEXT UNIQUE NOT NULL, made REAL NOT NULL, title TEXT NOT NULL, task TEXT NOT NULL,
    record TEXT NOT NULL, page TEXT NOT NULL);
"""


@dataclass(frozen=True, eq=False)
class Image:
    """One image as the model sees it: `(channels, size, size)` uint8, and the name it came with."""

    id: str
    name: str
    pixels: np.ndarray


@dataclass(frozen=True)
class Saved:
    """One saved analysis: `task` as it was asked, `record` the analysis as JSON text, `page` as HTML."""

    id: str
    made: float
    title: str
    task: dict[str, Any]
    record: str
    page: str


class Store:
    """Images, tasks and saved analyses in `folder`, which is made. Ids cannot be guessed.

    Raises:
        RunError: the folder cannot be written, or holds the workbench of a model that sees images otherwise.
    """

    def __init__(self, folder: Path, image_format: ImageFormat) -> None:
        self.folder, self.shape = folder, (image_format.channels, image_format.size, image_format.size)
        self._lock = threading.Lock()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._data = sqlite3.connect(folder / "workbench.sqlite", check_same_thread=False, isolation_level=None)
            self._data.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;" + LAYOUT)
        except (OSError, sqlite3.Error) as error:
            raise RunError(f"cannot keep the workbench in {folder}: {error}; choose another with --folder") from error
        seen = json.dumps(image_format._asdict())
        self._do("INSERT OR IGNORE INTO facts VALUES ('format', ?)", seen)
        if self._do("SELECT value FROM facts WHERE name = 'format'")[0][0] != seen:
            self.close()
            raise RunError(f"{folder} is the workbench of a model that sees other images: choose another with --folder")

    def close(self) -> None:
        with self._lock:
            self._data.close()

    def add_image(self, name: str, pixels: np.ndarray) -> Image:
        image = Image(secrets.token_urlsafe(12), name, pixels)
        self._do("INSERT INTO images (id, name, pixels, kept) VALUES (?, ?, ?, 0)", image.id, name, pixels.tobytes())
        self._do(
            "DELETE FROM images WHERE kept = 0 AND place <= (SELECT place FROM images WHERE kept = 0 "
            "ORDER BY place DESC LIMIT 1 OFFSET ?)",
            limits.IMAGES,
        )
        return image

    def images(self, ids: Iterable[str]) -> list[Image]:
        """The images in the order asked for.

        Raises:
            DataError: one is not there.
        """
        found = []
        for each in ids:
            rows = self._do("SELECT name, pixels FROM images WHERE id = ?", each)
            if not rows:
                raise DataError("an image of this task is not kept any more: add it again")
            name, pixels = rows[0]
            found.append(Image(each, name, np.frombuffer(pixels, np.uint8).reshape(self.shape)))
        return found

    def add_task(self, body: dict[str, Any]) -> str:
        task = secrets.token_urlsafe(12)
        self._do("INSERT INTO tasks (id, body) VALUES (?, ?)", task, json.dumps(body))
        self._do("DELETE FROM tasks WHERE place <= (SELECT max(place) FROM tasks) - ?", limits.TASKS)
        return task

    def task(self, task: str) -> dict[str, Any]:
        rows = self._do("SELECT body FROM tasks WHERE id = ?", task)
        if not rows:
            raise DataError("this task is not kept any more: adapt again")
        return json.loads(rows[0][0])

    def save(self, title: str, task: dict[str, Any], record: str, page: str) -> str:
        """Keep an analysis and its images for good, all or nothing; its id.

        Raises:
            RunError: the store is full, or the disk.
        """
        name = secrets.token_urlsafe(12)
        images = [*(example["image"] for example in task["examples"]), task["query"]]
        with self._lock:
            if self._data.execute("SELECT count(*) FROM analyses").fetchone()[0] >= limits.SAVED:
                raise RunError(f"{limits.SAVED} analyses are saved, no more fit: start with a new --folder")
            try:
                self._data.execute("BEGIN IMMEDIATE")
                self._data.executemany("UPDATE images SET kept = 1 WHERE id = ?", [(image,) for image in images])
                self._data.execute(
                    "INSERT INTO analyses (id, made, title, task, record, page) VALUES (?, ?, ?, ?, ?, ?)",
                    (name, time.time(), title, json.dumps(task), record, page),
                )
                self._data.execute("COMMIT")
            except sqlite3.Error as error:
                if self._data.in_transaction:
                    self._data.execute("ROLLBACK")
                raise RunError(f"the analysis cannot be saved in {self.folder}: {error}") from error
        return name

    def saved(self, name: str) -> Saved | None:
        rows = self._do("SELECT id, made, title, task, record, page FROM analyses WHERE id = ?", name)
        if not rows:
            return None
        found, made, title, task, record, page = rows[0]
        return Saved(found, made, title, json.loads(task), record, page)

    def titles(self, count: int = 20) -> list[dict[str, Any]]:
        """The latest saved analyses."""
        rows = self._do("SELECT id, made, title FROM analyses ORDER BY place DESC LIMIT ?", count)
        return [{"id": name, "made": made, "title": title} for name, made, title in rows]

    def _do(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._data.execute(statement, values).fetchall()
