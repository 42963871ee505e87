"""Which of the named motions a clip shows, or none.

A perceptron with one hidden layer on `motion_features`, fitted to ground-truth clips of the object
kit (``common.training.motion.motion_fit``) and to what is no motion: repeated stills, shuffled
frames, stills that drift, dissolve or flicker. A generated clip counts as right only if the asked
motion beats the other nine *and* none, so that nothing is gained by a picture that does not move,
or by one that moves at random.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn

from common.config import Config
from common.errors import InputError
from common.judging.judgement import Share
from common.judging.motion_features import feature_names, motion_features
from common.judging.motion_tracks import body_tracks, looked_at
from common.shapes import Clips
from common.zoo.models import ZOO
from common.zoo.storage import fill, load_model

NONE = "none"
KIND = "motion_measure"
FARTHEST = 5.0
"""Features count up to so many deviations from their mean: what was never seen must not decide."""


class MotionArchitecture(Config):
    """Sizes of the classifier, and what goes in and comes out."""

    features: tuple[str, ...]
    """What each number that it reads is."""
    names: tuple[str, ...]
    """What it tells apart: the motions, and ``none``."""
    hidden: int = Field(32, ge=1, le=1024)
    """Units of the hidden layer."""


class MotionClassifier(nn.Module):
    """Standardised features to logits of the names."""

    mean: Tensor
    scale: Tensor

    def __init__(self, architecture: MotionArchitecture):
        super().__init__()
        self.architecture = architecture
        num_features = len(architecture.features)
        self.register_buffer("mean", torch.zeros(num_features))
        self.register_buffer("scale", torch.ones(num_features))
        self.inner = nn.Linear(num_features, architecture.hidden)
        self.outer = nn.Linear(architecture.hidden, len(architecture.names))

    def forward(self, features: Float[Tensor, "b d"]) -> Float[Tensor, "b names"]:
        """Logits."""
        standard = ((features - self.mean) / self.scale).clamp(-FARTHEST, FARTHEST)
        return self.outer(torch.nn.functional.silu(self.inner(standard)))


@dataclass(frozen=True)
class MotionMeasure:
    """A fitted classifier, the identity of its weights, and what was measured of it."""

    classifier: MotionClassifier
    identity: str
    figures: dict[str, float]

    @property
    def names(self) -> tuple[str, ...]:
        """What it tells apart, in the order of its probabilities."""
        return self.classifier.architecture.names


class ToldMotion(NamedTuple):
    """What one clip shows."""

    name: str
    """The likeliest: a motion or ``none``."""
    probabilities: dict[str, float]
    """Of every name; they sum to 1."""


def load_motion_measure(folder: Path = ZOO) -> MotionMeasure:
    """The stored measure; only what scores may load it.

    Raises:
        InputError: it is missing or damaged, or was fitted to other features than are measured now.
    """
    stored = load_model(folder, KIND, KIND)
    values = json.dumps(dict(stored.manifest.architecture))
    sizes = MotionArchitecture.model_validate_json(values)
    if sizes.features != feature_names():
        raise InputError(
            f"{folder / KIND}.json was fitted to other features than are measured now; fit it "
            f"again: python -m common.training.motion.motion_fit {folder}"
        )
    classifier = MotionClassifier(sizes)
    fill(classifier, stored)
    classifier.eval().requires_grad_(False)
    return MotionMeasure(classifier, stored.manifest.identity, dict(stored.manifest.figures))


@torch.no_grad()
def told_motions(measure: MotionMeasure, clips: Clips) -> list[ToldMotion]:
    """What each clip of premultiplied RGBA in [-1, 1] shows.

    A clip in which fewer than half of the frames have anything in them, or whose frames are all
    the same, shows ``none``.

    Raises:
        InputError: the clips have not four channels, fewer than 16 frames, or sides below 16 px.
    """
    if clips.shape[1] != 4:
        raise InputError(f"motion is told from RGBA clips, not from {clips.shape[1]} channels")
    told = []
    for clip in clips:
        features = None if is_mostly_empty(clip) else motion_features(clip)
        if features is None or is_still(clip):
            certain = {name: float(name == NONE) for name in measure.names}
            told.append(ToldMotion(NONE, certain))
            continue
        logits = measure.classifier(features[None])[0]
        chances = torch.softmax(logits.double(), 0).tolist()
        named = dict(zip(measure.names, chances, strict=True))
        told.append(ToldMotion(max(named, key=named.__getitem__), named))
    return told


def motion_share(measure: MotionMeasure, clips: Clips, asked: Sequence[str]) -> Share:
    """How many clips show the motion that was asked of each.

    Raises:
        InputError: not one motion for each clip, or one that the measure does not know.
    """
    motions = [name for name in measure.names if name != NONE]
    unknown = sorted(set(asked) - set(motions))
    if unknown:
        raise InputError(f"no motion '{unknown[0]}' can be told; known: {', '.join(motions)}")
    if len(asked) != len(clips):
        raise InputError(f"{len(clips)} clips, and motions asked of {len(asked)}")
    told = told_motions(measure, clips)
    return Share(sum(one.name == name for one, name in zip(told, asked, strict=True)), len(asked))


def is_mostly_empty(clip: Float[Tensor, "4 f h w"]) -> bool:
    """Whether fewer than half of the frames have anything in them."""
    return float(body_tracks(looked_at(clip)).present.float().mean()) < 0.5


def is_still(clip: Float[Tensor, "4 f h w"]) -> bool:
    """Whether no frame differs from the next by as much as a level of 8 bits."""
    return float(clip.diff(dim=1).abs().max()) < 2 / 255
