"""Bars appear once an analysis has run for two seconds, however short its pieces are, and only on a terminal."""

from __future__ import annotations

import io

import pytest
import tiny
from ticks import Ticks

from fewsight.explain import explain
from fewsight.explain.clock import Clock, OutOfTimeError
from fewsight.explain.progress import PATIENCE, bar, tick


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def ticks(monkeypatch: pytest.MonkeyPatch) -> Ticks:
    return Ticks(monkeypatch)


def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Called in a test, not a fixture: pytest puts its own in place when a test begins."""
    made = Terminal()
    monkeypatch.setattr("sys.stderr", made)
    return made


@pytest.mark.parametrize(("seconds", "shown"), [(0.05, True), (0.0001, False)])
def test_an_analysis_of_many_short_pieces_shows_that_it_goes_on(
    ticks: Ticks, monkeypatch: pytest.MonkeyPatch, seconds: float, shown: bool
) -> None:
    screen = terminal(monkeypatch)
    learner = tiny.learner("protonet")
    ticks.costs(type(learner), "solve", seconds)
    explain(learner, tiny.support(), tiny.query(), checks=False)
    assert (ticks.now > PATIENCE) is shown
    assert ("explaining" in screen.getvalue()) is shown


def test_nothing_is_drawn_where_there_is_no_terminal(
    ticks: Ticks, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with bar("working", 2) as progress:
        ticks.now = 10 * PATIENCE
        progress.advance(1)
    assert capsys.readouterr() == ("", "")


def test_bars_within_one_another_count_for_themselves(ticks: Ticks, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = terminal(monkeypatch)
    with bar("outer", 2) as outer:
        with bar("inner", 3) as inner:
            ticks.now = PATIENCE / 2
            inner.advance(1)
            assert outer.screen is None
            ticks.now = 2 * PATIENCE
            tick()
            titles = {task.description: task.completed for task in outer.screen.tasks}
            assert titles == {"outer": 0, "inner": 1}
        outer.advance(1)
        assert [task.description for task in outer.screen.tasks] == ["outer"]
    tick()  # nothing is open
    assert screen.getvalue()


def test_what_shows_progress_can_be_stopped(ticks: Ticks) -> None:
    with bar("working", 3, Clock(3.0)) as progress:
        ticks.now = 2.0
        progress.advance(1)
        ticks.now = 4.0
        with pytest.raises(OutOfTimeError):
            progress.advance(1)
