"""What is the page about? One analysis, its pictures and the language, with what every section asks of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from markupsafe import Markup

from fewsight.explain.analysis import Analysis
from fewsight.explain.explanation import Explanation
from fewsight.picture import Picture
from fewsight.report.numerals import capital, plain
from fewsight.report.views import beside, in_chart, on_card, portrait
from fewsight.report.words import Words
from fewsight.view import View

EVIDENCE = ("shapley", "path", "banzhaf", "influence", "attention", "prototypes")
"""Explanations by support example, the one that the evidence is drawn from first."""
QUERY = ("query_shapley", "integrated_gradients", "occlusion", "saliency")
"""Explanations by parts of the query, the one that is drawn large first."""
CLOSE = 1e-3
"""Within this, absolute and relative, the value of a target tells which function of the scores it is."""


@dataclass(frozen=True, eq=False)
class Subject:
    """One prediction to draw.

    Attributes:
        views: of the support examples, or None where there are none.
        view: of the query.
    """

    analysis: Analysis
    words: Words
    views: tuple[View, ...] | None = None
    view: View | None = None

    @property
    def coarse(self) -> bool:
        """Whether pictures have so few pixels that each is to be seen as a square."""
        return not isinstance(self.view, Picture) or self.view.coarse

    @property
    def pixels(self) -> np.ndarray | None:
        """The query as a picture, where it is one."""
        return self.view.pixels if isinstance(self.view, Picture) else None

    @property
    def query(self) -> Markup:
        """The query as it stands beside the answer."""
        return beside(self.view, self.words("query"))

    @property
    def portrait(self) -> str | None:
        """Data address of the query's picture, where it is one."""
        return portrait(self.view) if isinstance(self.view, Picture) else None

    @property
    def regression(self) -> bool:
        return self.analysis.task == "regression"

    @property
    def answer(self) -> str:
        """The class the model chose, or the value it predicts."""
        if self.regression:
            return plain(self.analysis.scores[self.analysis.predicted])
        return self.analysis.labels[self.analysis.predicted]

    @property
    def runner_up(self) -> str:
        return self.analysis.labels[self.analysis.runner_up]

    @property
    def size(self) -> int:
        """Number of support examples."""
        return len(self.analysis.support_names)

    def label(self, example: int) -> str:
        """The class name of a support example, or its values."""
        if self.regression:
            return ", ".join(map(plain, self.analysis.support_values[example]))
        return self.analysis.labels[self.analysis.support_labels[example]]

    def short(self, example: int) -> str:
        """The name of a support example, of a picture without its folders."""
        name = self.analysis.support_names[example]
        return name.rsplit("/", 1)[-1] if not self.views or isinstance(self.views[example], Picture) else name

    def alone(self, example: int) -> bool:
        """Whether it is the only example of its class, so that the class goes with it."""
        return self.analysis.support_labels.count(self.analysis.support_labels[example]) == 1

    def card(self, example: int) -> Markup:
        """A support example as it stands on its card."""
        return on_card(self.views[example] if self.views else None)

    def thumbnail(self, example: int) -> str | None:
        """Data address of a support example's picture, where it is one."""
        return self._thumbnails[example] if self.views else None

    @cached_property
    def _thumbnails(self) -> list[str | None]:
        return [in_chart(view) for view in self.views or ()]

    def by_example(self, kinds: Iterable[str]) -> list[Explanation]:
        """Those explanations that give every support example one value."""
        found = (self.analysis.get(kind) for kind in kinds)
        return [
            explanation for explanation in found if explanation is not None and explanation.values.size == self.size
        ]

    @property
    def evidence(self) -> Explanation | None:
        """The explanation that the main picture is drawn from: one that adds up, and no estimate, where it can."""

        def doubts(explanation: Explanation) -> tuple[bool, bool]:
            return not explanation.complete, explanation.interval is not None

        return min(self.by_example(EVIDENCE), key=doubts, default=None)

    @property
    def headline(self) -> list[Explanation]:
        """The explanations drawn large: the evidence and the first map of the query."""
        maps = [self.analysis[kind] for kind in QUERY if kind in self.analysis]
        return [explanation for explanation in (self.evidence, *maps[:1]) if explanation is not None]

    def odds(self, explanation: Explanation) -> bool:
        """Whether its target is the margin of the answer over all others: the logarithm of the answer's odds."""
        scores, answer = np.array(self.analysis.scores), self.analysis.predicted
        if self.regression or len(scores) < 2:
            return False
        return bool(
            np.isclose(explanation.value, scores[answer] - np.logaddexp.reduce(np.delete(scores, answer)), CLOSE, CLOSE)
        )

    def contrast(self, explanation: Explanation) -> bool:
        """Whether its target is the answer against the runner-up: the difference of their scores."""
        scores, pair = self.analysis.scores, (self.analysis.predicted, self.analysis.runner_up)
        if self.regression or len(scores) < 2:
            return False
        return bool(np.isclose(explanation.value, scores[pair[0]] - scores[pair[1]], CLOSE, CLOSE))

    def speaks(self, explanation: Explanation) -> bool:
        """Whether a positive value speaks for the answer."""
        return self.odds(explanation) or self.contrast(explanation)

    def sides(self, explanation: Explanation) -> tuple[str, str]:
        """What speaks for and what speaks against, as titles."""
        if self.speaks(explanation):
            return self.words("for", label=self.answer), self.words("against", label=self.answer)
        blue, orange = self.directions(explanation)
        return capital(blue), capital(orange)

    def directions(self, explanation: Explanation) -> tuple[str, str]:
        """What a positive and what a negative value do, in words."""
        if self.contrast(explanation):
            return self.words("more", label=self.answer), self.words("more", label=self.runner_up)
        if self.odds(explanation):
            return self.words("more", label=self.answer), self.words("less", label=self.answer)
        target = self.words.told(explanation.target)
        return self.words("raises", target=target), self.words("lowers", target=target)


def probability(margin: float) -> float:
    """The probability whose log-odds is `margin`."""
    return float((1 + np.tanh(margin / 2)) / 2)


def named(name: str, figure: str) -> str:
    return f"{name} {figure}"
