"""Opening a domain by name: what is wrong with a name or a setting is said, with the nearest that exists."""

from __future__ import annotations

from typing import Any

import pytest

from fewsight.domains import DOMAINS, open_domain
from fewsight.errors import RecipeError


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("omniglott", {}, r"unknown domain 'omniglott'; did you mean 'omniglot'\?"),
        ("omniglot", {"rotation": True}, r"domain 'omniglot', setting 'rotation': .*; did you mean 'rotations'\?"),
        ("omniglot", {"rotations": "sideways"}, r"domain 'omniglot', setting 'rotations': .* boolean"),
        ("folder", {}, r"domain 'folder' needs its setting 'path'"),
        ("folder", {"path": "x", "size": "large"}, r"domain 'folder', setting 'size': .* integer"),
    ],
)
def test_wrong_name_or_setting(name: str, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=message) as caught:
        open_domain(name, **settings)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["digits", "sinusoid"])
def test_domain_knows_its_name_and_serves_all_splits(name: str) -> None:
    domain = open_domain(name)
    assert domain.name == name
    assert name in DOMAINS
    assert domain.splits == ("train", "val", "test")
    assert len(bytes.fromhex(domain.fingerprint)) == 32
