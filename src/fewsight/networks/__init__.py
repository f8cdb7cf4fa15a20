"""Backbones: from an input of any kind to a feature vector. Any `nn.Module` of your own serves as well."""

from fewsight.networks.conv4 import Conv4
from fewsight.networks.encoders import GraphEncoder, RowEncoder, SequenceEncoder, TokenEncoder
from fewsight.networks.mlp import MLP
from fewsight.networks.norm import TaskNorm, embed_query, embed_support
from fewsight.networks.resnet12 import ResNet12
from fewsight.networks.symmetric import Symmetric

__all__ = [
    "MLP",
    "Conv4",
    "GraphEncoder",
    "ResNet12",
    "RowEncoder",
    "SequenceEncoder",
    "Symmetric",
    "TaskNorm",
    "TokenEncoder",
    "embed_query",
    "embed_support",
]
