"""How does a learner begin with what another run has learned? Its network takes the weights of that run's network.

What a learner puts on top (a head, rates, a code) begins as it always does. An embedding that was trained first is how
LEO is published (Rusu et al. 2019, section 4.2), and what Ye & Chao 2022 (UNICORN-MAML, section 4) train MAML from.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import nn

from fewsight.errors import RecipeError
from fewsight.learner import Learner
from fewsight.training.run import Run


def begin_with(learner: Learner, folder: str | Path) -> dict[str, Any]:
    """Copy the network of the run in `folder` into that of `learner`; returns where it comes from, for run.json.

    Raises:
        RunError: there is no such run, or it has no weights yet.
        RecipeError: the two networks have not the same parameters.
    """
    run = Run.open(folder)
    theirs, mine = _network(run.learner(), f"the run {folder}"), _network(learner, "this recipe")
    try:
        mine.load_state_dict(theirs.state_dict())
    except RuntimeError as error:
        reason = str(error).split("\n\t")[1].strip()  # the first line only repeats the class
        raise RecipeError(
            f"training.start = {str(folder)!r}: its network is another than this recipe's ({reason}): give the recipe "
            f"the same [network] as the run has (name and settings are in {Path(folder) / 'run.json'})"
        ) from None
    domain = {name: run.info["domain"][name] for name in ("name", "fingerprint")}
    return {"folder": str(folder), "recipe": run.recipe.name, "domain": domain, "weights": run.weights_sha256}


def _network(learner: Learner, whose: str) -> nn.Module:
    found = getattr(learner, "network", None)
    if not isinstance(found, nn.Module):
        raise RecipeError(f"training.start: the {type(learner).__name__} of {whose} has no network to begin with")
    return found
