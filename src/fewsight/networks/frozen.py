"""How does an encoder that others trained serve here? Frozen: its weights stay, and only what is put on top learns.

Derivatives in the inputs go through it, so that explanations work. Names from timm and from the Hugging Face hub are
loaded where those libraries are installed.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fewsight import hub
from fewsight.errors import DataError, RecipeError
from fewsight.tree import Tree

SCALES = ("none", "l2", "standard")
IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Mean and standard deviation of ImageNet's channels, by which most image encoders expect inputs to be scaled."""
FLOOR = 1e-6
"""The least length or deviation that is divided by."""


class Frozen(nn.Module):
    """Any network from inputs to features `(B, D, ...)`, in evaluation mode and without gradients of its own.

    Features with further dimensions (feature maps) are averaged over them.

    Args:
        network: the encoder. Its parameters stop requiring gradients.
        features: D.
        scale: "none"; "l2": to length 1; "standard": to mean 0 and deviation 1 over the training inputs, which
            `prepare` sees once.
        projection: number of outputs of a learned linear layer on top; None: no layer, and nothing to train.

    Raises:
        RecipeError: an unknown scale.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, network: nn.Module, features: int, scale: str = "none", projection: int | None = None) -> None:
        super().__init__()
        if scale not in SCALES:
            raise RecipeError(f"unknown scale {scale!r}: use {', '.join(SCALES)}")
        self.network = network.requires_grad_(False).eval()
        self.scale = scale
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("deviation", torch.ones(features))
        self.projection = nn.Identity() if projection is None else nn.Linear(features, projection)
        self.out_features = features if projection is None else projection

    def train(self, mode: bool = True) -> Frozen:
        """Only what is on top changes its mode."""
        super().train(mode)
        self.network.eval()
        return self

    def prepare(self, inputs: Iterable[Tree]) -> None:
        """Measure mean and deviation of the features of all training inputs (scale "standard")."""
        if self.scale != "standard":
            return
        with torch.no_grad():
            found = torch.cat([self._features(portion).double() for portion in inputs])
        self.mean.copy_(found.mean(0))
        self.deviation.copy_(found.std(0, correction=0).clamp(min=FLOOR))

    def forward(self, x: Tree) -> Tensor:
        found = self._features(x)
        if self.scale == "l2":
            found = found / found.square().sum(-1, keepdim=True).add(FLOOR**2).sqrt()
        elif self.scale == "standard":
            found = (found - self.mean) / self.deviation
        return self.projection(found)

    def _features(self, x: Tree) -> Tensor:
        found = self.network(x)
        return found.flatten(2).mean(-1) if found.ndim > 2 else found


class Pixels(nn.Module):
    """Images `(B, 1 or 3, H, W)` in [0, 1] as an encoder of photographs wants them, then the encoder.

    Args:
        size: side to which images are resized; None: as they are.
        mean, deviation: of each of the three channels.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, encoder: nn.Module, size: int | None, mean: Iterable[float], deviation: Iterable[float]) -> None:
        super().__init__()
        self.encoder = encoder
        self.size = size
        self.register_buffer("mean", torch.tensor([*mean]).view(3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor([*deviation]).view(3, 1, 1), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        if self.size is not None and x.shape[-2:] != (self.size, self.size):
            x = F.interpolate(x, (self.size, self.size), mode="bilinear", antialias=True)
        return self.encoder((x.expand(-1, 3, -1, -1) - self.mean) / self.deviation)


class _Vision(nn.Module):
    """The features of a vision model of the transformers library: its pooled output, or its first token."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model: Any = model

    def forward(self, pixels: Tensor) -> Tensor:
        if hasattr(self.model, "get_image_features"):  # a model of images and texts
            found = self.model.get_image_features(pixel_values=pixels)
            return found if isinstance(found, Tensor) else found.pooler_output
        found = self.model(pixel_values=pixels)
        pooled = getattr(found, "pooler_output", None)
        return found.last_hidden_state[:, 0] if pooled is None else pooled.flatten(1)


def pretrained(library: str, model: str, scale: str = "none", projection: int | None = None) -> Frozen:
    """The image encoder `model` of timm or of the Hugging Face hub (there also a folder), frozen.

    Raises:
        DataError: the library is not installed, the model is not to be had, or it is no encoder of images.
    """
    encoder = _timm(model) if library == "timm" else _hugging_face(model)
    encoder.requires_grad_(False).eval()
    try:
        with torch.no_grad():
            features = encoder(torch.zeros(1, 3, encoder.size or 224, encoder.size or 224)).shape[1]
    except Exception as error:  # whatever a model of another kind does with images
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise DataError(f"{model!r} does not turn images into features ({reason}): choose an image encoder") from error
    return Frozen(encoder, features, scale, projection)


def _timm(name: str) -> Pixels:
    try:
        import timm
    except ImportError as error:
        raise DataError(f"{name!r} needs {error.name or 'timm'}: pip install 'fewsight[timm]'") from None
    try:
        model = timm.create_model(name, pretrained=True, num_classes=0)
    except Exception as error:  # unknown names and absent connections come in many types
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise DataError(f"cannot have {name!r} from timm ({reason}): check the name and the connection") from None
    config: dict[str, Any] = model.pretrained_cfg
    mean, deviation = (config.get(key, usual) for key, usual in zip(("mean", "std"), IMAGENET, strict=True))
    return Pixels(model, config.get("input_size", (3, None))[-1], mean, deviation)


def _hugging_face(name: str) -> Pixels:
    model = hub.load("AutoModel", name)
    from transformers.image_processing_base import ImageProcessingMixin

    try:
        config, _ = ImageProcessingMixin.get_image_processor_dict(name)
    except (OSError, ValueError):  # a model without one
        config = {}
    mean, deviation = (config.get(key, usual) for key, usual in zip(("image_mean", "image_std"), IMAGENET, strict=True))
    size = getattr(getattr(model.config, "vision_config", model.config), "image_size", None)
    return Pixels(_Vision(model), size, mean, deviation)
