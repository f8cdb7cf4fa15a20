"""What a learner went through in meta-training, kept small: what predictions are traced back to."""

from fewsight.experience.bend import bend
from fewsight.experience.embedding import EmbedsSupport, embed, method
from fewsight.experience.gradients import gradient, meta_gradient, sketch, trainable
from fewsight.experience.value import Experience, Snapshot, shape_of, sketches

__all__ = [
    "EmbedsSupport",
    "Experience",
    "Snapshot",
    "bend",
    "embed",
    "gradient",
    "meta_gradient",
    "method",
    "shape_of",
    "sketch",
    "sketches",
    "trainable",
]
