"""What the README shows runs as it stands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

README = (Path(__file__).parent.parent / "README.md").read_text("utf-8")


def test_the_python_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert "steps=300" in example
    assert "query[:1])" in example
    shortened = example.replace("steps=300", "steps=3").replace("query[:1])", "query[:1], budget_seconds=3)")
    exec(compile(shortened, "README.md", "exec"), {})
    printed = capsys.readouterr().out
    assert printed.startswith("['")
    assert "prediction: " in printed


def test_links_lead_to_files() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert links
    assert [link for link in links if not (Path(__file__).parent.parent / link).exists()] == []
