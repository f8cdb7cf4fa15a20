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
from fewsight.app.wording import MistakeError
from fewsight.domains import Format, format_record
from fewsight.errors import RunError

LAYOUT = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS items (
    place INTEGER PRIMARY KEY, id TEXT UNIQUE NOT NULL, name TEXT NOT NULL, raw BLOB NOT NULL, kept INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS tasks (place INTEGER PRIMARY KEY, id TEXT UNIQUE NOT NULL, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS analyses (
    place INTEGER PRIMARY KEY, id TEXT UNIQUE NOT NULL, made REAL NOT NULL, title TEXT NOT NULL, task TEXT NOT NULL,
    record TEXT NOT NULL, page TEXT NOT NULL);
"""


@dataclass(frozen=True, eq=False)
class Item:
    """One input under the name it came with.

    Attributes:
        raw: a text, a SMILES, a row from column name to value; of an image its pixels as the model sees them,
            `(channels, size, size)` uint8.
    """

    id: str
    name: str
    raw: Any


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
    """Items, tasks and saved analyses in `folder`, which is made. Ids cannot be guessed.

    Raises:
        RunError: the folder cannot be written, or holds the workbench of a model that sees its inputs otherwise.
    """

    def __init__(self, folder: Path, form: Format) -> None:
        self.folder, self.shape = folder, form.shape if form.kind == "images" else None
        self._lock = threading.Lock()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._data = sqlite3.connect(folder / "workbench.sqlite", check_same_thread=False, isolation_level=None)
            self._data.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;" + LAYOUT)
        except (OSError, sqlite3.Error) as error:
            raise RunError(f"cannot keep the workbench in {folder}: {error}; choose another with --folder") from error
        seen = json.dumps(format_record(form), sort_keys=True)
        self._do("INSERT OR IGNORE INTO facts VALUES ('format', ?)", seen)
        if self._do("SELECT value FROM facts WHERE name = 'format'")[0][0] != seen:
            self.close()
            raise RunError(f"{folder} is the workbench of a model that sees other inputs: choose another with --folder")

    def close(self) -> None:
        with self._lock:
            self._data.close()

    def add(self, name: str, raw: Any) -> Item:
        item = Item(secrets.token_urlsafe(12), name, raw)
        packed = raw.tobytes() if isinstance(raw, np.ndarray) else json.dumps(raw).encode()
        self._do("INSERT INTO items (id, name, raw, kept) VALUES (?, ?, ?, 0)", item.id, name, packed)
        self._do(
            "DELETE FROM items WHERE kept = 0 AND place <= (SELECT place FROM items WHERE kept = 0 "
            "ORDER BY place DESC LIMIT 1 OFFSET ?)",
            limits.KEPT,
        )
        return item

    def items(self, ids: Iterable[str]) -> list[Item]:
        """The items in the order asked for.

        Raises:
            MistakeError: one is not there.
        """
        found = []
        for each in ids:
            rows = self._do("SELECT name, raw FROM items WHERE id = ?", each)
            if not rows:
                raise MistakeError("item_gone")
            name, packed = rows[0]
            raw = json.loads(packed) if self.shape is None else np.frombuffer(packed, np.uint8).reshape(self.shape)
            found.append(Item(each, name, raw))
        return found

    def add_task(self, body: dict[str, Any]) -> str:
        task = secrets.token_urlsafe(12)
        self._do("INSERT INTO tasks (id, body) VALUES (?, ?)", task, json.dumps(body))
        self._do("DELETE FROM tasks WHERE place <= (SELECT max(place) FROM tasks) - ?", limits.TASKS)
        return task

    def task(self, task: str) -> dict[str, Any]:
        rows = self._do("SELECT body FROM tasks WHERE id = ?", task)
        if not rows:
            raise MistakeError("task_gone")
        return json.loads(rows[0][0])

    def save(self, title: str, task: dict[str, Any], record: str, page: str, items: Iterable[str]) -> str:
        """Keep an analysis and the items it is of for good, all or nothing; its id.

        Raises:
            MistakeError: the store is full, or the disk.
        """
        name = secrets.token_urlsafe(12)
        with self._lock:
            if self._data.execute("SELECT count(*) FROM analyses").fetchone()[0] >= limits.SAVED:
                raise MistakeError("store_full", count=limits.SAVED)
            try:
                self._data.execute("BEGIN IMMEDIATE")
                self._data.executemany("UPDATE items SET kept = 1 WHERE id = ?", [(item,) for item in items])
                self._data.execute(
                    "INSERT INTO analyses (id, made, title, task, record, page) VALUES (?, ?, ?, ?, ?, ?)",
                    (name, time.time(), title, json.dumps(task), record, page),
                )
                self._data.execute("COMMIT")
            except sqlite3.Error as error:
                if self._data.in_transaction:
                    self._data.execute("ROLLBACK")
                raise MistakeError("store_broken", detail=error) from error
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
