"""Networks for rows: what is missing has no influence, masks may be anything in [0, 1], columns may be any."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from fewsight.networks.rows import RowMLP, RowSet

COLUMNS, WIDTH = 6, 5


def network(name: str, columns: int = COLUMNS) -> nn.Module:
    torch.manual_seed(0)
    made = RowMLP(columns, WIDTH, [8, 7], "tanh") if name == "mlp" else RowSet(columns, WIDTH, 16, 8)
    for parameter in made.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    return made.double()


def rows(size: int = 3) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(1)
    cells = torch.randn(size, COLUMNS, WIDTH, dtype=torch.float64, generator=generator)
    mask = torch.ones(size, COLUMNS, dtype=torch.float64)
    mask[:, 4:] = 0
    return {"cells": cells, "mask": mask, "size": torch.full((size,), 5)}


each = pytest.mark.parametrize("name", ["mlp", "set"])


@each
def test_a_hidden_column_has_no_influence(name: str) -> None:
    x = rows()
    other = x | {"cells": x["cells"].clone()}
    other["cells"][:, 4:] = 99.0
    torch.testing.assert_close(network(name)(x), network(name)(other), rtol=0, atol=0)


@each
def test_it_is_smooth_in_the_mask(name: str) -> None:
    made, x = network(name), rows()
    mask = torch.rand(3, COLUMNS, dtype=torch.float64, generator=torch.Generator().manual_seed(2), requires_grad=True)
    assert torch.autograd.gradcheck(lambda m: made(x | {"mask": m}), mask)


@each
def test_everything_hidden_gives_finite_features_and_gradients(name: str) -> None:
    made, x = network(name), rows()
    mask = torch.zeros(3, COLUMNS, dtype=torch.float64, requires_grad=True)
    out = made(x | {"mask": mask})
    (slope,) = torch.autograd.grad(out.sum(), mask)
    assert torch.isfinite(out).all()
    assert torch.isfinite(slope).all()
    torch.testing.assert_close(out[0], out[1])


def test_a_set_ignores_padding() -> None:
    x = rows()
    short = {"cells": x["cells"][:, :5], "mask": x["mask"][:, :5], "size": x["size"]}
    wide, narrow = network("set"), network("set")
    narrow.signs = wide.signs[:5]
    torch.testing.assert_close(wide(x), narrow(short))


def test_an_untrained_set_keeps_distances_between_rows() -> None:
    """It starts as a random projection: |f(a) - f(b)|^2 is |W (a - b)|^2 summed over columns, but for noise."""
    torch.manual_seed(0)
    made = RowSet(40, 1, features=4096, hidden=4)
    x = {"cells": torch.randn(30, 40, 1), "mask": torch.ones(30, 40), "size": torch.full((30,), 40)}
    truth = torch.cdist(x["cells"][..., 0], x["cells"][..., 0])
    found = torch.cdist(made(x), made(x))
    upper = torch.triu_indices(30, 30, 1).unbind()
    assert torch.corrcoef(torch.stack([truth[upper], found[upper]]))[0, 1] > 0.95
