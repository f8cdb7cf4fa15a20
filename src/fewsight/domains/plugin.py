"""How does a domain of your own get a name? "path/to/file.py:function": the file is run, the function opens it."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fewsight.errors import RecipeError, suggest

MARK = ".py:"


class Openers(dict[str, Callable[..., Any]]):
    """Functions that open domains, by name; those with ".py:" are files of a user's own, run when asked for."""

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or MARK in str(name)

    def __missing__(self, name: str) -> Callable[..., Any]:
        if MARK not in name:
            raise KeyError(name)
        return _function(name)


def _function(name: str) -> Callable[..., Any]:
    file, _, function = name.rpartition(":")
    path = Path(file)
    if not path.is_file():
        raise RecipeError(f"domain {name!r}: there is no file {path}")
    own = f"fewsight_domain_{hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:16]}"
    spec = importlib.util.spec_from_file_location(own, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[own] = module  # where annotations are looked up
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # whatever the user's code raises
        raise RecipeError(f"domain {name!r}: {path} fails with {type(error).__name__}: {error}") from error
    found = getattr(module, function, None)
    if not callable(found):
        known = [each for each in vars(module) if callable(getattr(module, each)) and not each.startswith("_")]
        raise RecipeError(f"domain {name!r}: {path} has no function {function!r}{suggest(function, known)}")
    return found
