"""What all tests share."""

from __future__ import annotations

import torch

# Tests are many small tensors: threads would only wait for each other.
torch.set_num_threads(1)
