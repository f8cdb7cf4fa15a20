"""How does an encoder of the Hugging Face hub become a network? By the mean of its last layer.

The mask weighs every piece: as an attended one (log mask is added to the attention's logits) and in the mean. So a
hidden piece has no influence on the others either, and everything is smooth in the mask in (0, 1].
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from fewsight.hub import load
from fewsight.networks.lora import add_lora
from fewsight.tree import Tree

ATTENTION = ("query", "value", "q_proj", "v_proj", "q_lin", "v_lin", "q", "v")
"""The linear layers that LoRA changes by default, as the usual models name them."""


class HuggingFaceEncoder(nn.Module):
    """`{"ids": (B, L), "mask": (B, L), "size": (B,)}`, of the same model's tokenizer, to features `(B, out_features)`.

    Args:
        model: name or folder of an encoder (BERT, RoBERTa, DistilBERT, MiniLM, MPNet...).
        train: "frozen", "lora" or "all".
        rank, layers: of LoRA; last names of the linear layers it changes.
        out_features: of the linear layer behind; 0: none, the model's own features.

    Raises:
        DataError: no such model, or transformers is not installed.
        RecipeError: LoRA finds no such layer.
    """

    def __init__(
        self,
        model: str,
        *,
        train: Literal["frozen", "lora", "all"] = "frozen",
        rank: int = 8,
        layers: Sequence[str] = ATTENTION,
        out_features: int = 128,
    ) -> None:
        super().__init__()
        # Written-out attention: the fused one has no second derivative.
        self.model = load("AutoModel", model, attn_implementation="eager", dtype=torch.float32)
        if train == "frozen":
            self.model.requires_grad_(False)
        elif train == "lora":
            add_lora(self.model, rank, layers)
        width = self.model.config.hidden_size
        self.head = nn.Linear(width, out_features) if out_features else nn.Identity()
        self.out_features = out_features or width

    def forward(self, x: Tree) -> Tensor:
        mask = x["mask"].to(next(self.model.parameters()).dtype)
        attended = torch.where(mask > 0, mask.clamp(min=torch.finfo(mask.dtype).tiny).log(), -1e4)
        attended = attended[:, None, None, :].expand(-1, 1, mask.shape[1], -1)
        hidden = self.model(input_ids=x["ids"], attention_mask=attended).last_hidden_state
        size = x["size"].clamp(min=1).to(mask.dtype)
        return self.head((mask[..., None] * hidden).sum(1) / size[:, None])
