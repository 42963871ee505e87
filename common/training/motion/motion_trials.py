"""How well the motion measure does on ground-truth clips it was not fitted to, and on no motion.

A trial takes true held-out clips, does one thing to them, and asks the measure. Clips are at the
128 px at which they are generated.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from einops import rearrange
from jaxtyping import Float, Int64
from torch import Tensor

from common.embedded.autoencoder import Autoencoder
from common.judging.motion_classifier import NONE, MotionMeasure
from common.judging.motion_features import motion_features
from common.seeding import generator_for
from common.training.motion.motion_augmentation import (
    blurred,
    decoded,
    drifting,
    melting,
    shuffled,
    spotted,
    still,
)
from common.training.motion.motion_clips import MotionClips
from common.training.motion.motion_samples import float_clip

NO_MOTION = ("stills", "shuffled", "drifting", "melting", "spotted")
"""What the names of trials end in whose clips show no motion, whatever they were made from."""

LATENT_NOISE = 0.2
NUM_CODED = 100
"""How many clips of each part go through the autoencoder, which is slow."""

Change = Callable[[Float[Tensor, "4 f h w"], torch.Generator], Float[Tensor, "4 f h w"]]


@dataclass(frozen=True, eq=False)
class Trial:
    """What the measure said of changed clips."""

    confusion: Int64[Tensor, "true told"]
    """How many clips of each motion were told to be each; rows and columns as the names."""
    forced: Int64[Tensor, "true told"]
    """The same with ``none`` not allowed: what it would guess."""
    names: tuple[str, ...]

    @property
    def right(self) -> float:
        """Share told by the name of the motion that the clip was made from."""
        return float(self.confusion.diagonal().sum() / self.confusion.sum())

    @property
    def guessed_right(self) -> float:
        """The same where it must guess."""
        return float(self.forced.diagonal().sum() / self.forced.sum())

    @property
    def rejected(self) -> float:
        """Share told to be ``none``."""
        return float(self.confusion[:, self.names.index(NONE)].sum() / self.confusion.sum())

    def right_of(self, name: str) -> float:
        """Share of one motion's clips told by its name."""
        row = self.confusion[self.names.index(name)]
        return float(row[self.names.index(name)] / row.sum())


def plain_changes() -> dict[str, Change]:
    """What is done to all held-out clips, by the name of the trial."""
    return {
        "true": lambda clip, _: clip,
        "blurred": lambda clip, _: blurred(clip, 1.0),
        "noisy": decoded,
        "stills": still,
        "noisy stills": lambda clip, generator: decoded(still(clip, generator), generator),
        "shuffled": shuffled,
        "noisy shuffled": lambda clip, generator: decoded(shuffled(clip, generator), generator),
        "drifting": drifting,
        "melting": melting,
        "spotted": spotted,
    }


def coded_changes(autoencoder: Autoencoder) -> dict[str, Change]:
    """What is done to the first held-out clips by the autoencoder, by the name of the trial."""
    return {
        "autoencoded": lambda clip, _: round_trip(autoencoder, clip, None),
        "noisy latents": lambda clip, generator: round_trip(autoencoder, clip, generator),
    }


def beginning(clips: MotionClips, count: int) -> MotionClips:
    """The first clips: all motions alike."""
    return MotionClips(clips.planned[:count], clips.frames[:count])


def trial(measure: MotionMeasure, clips: MotionClips, change: Change, purpose: str) -> Trial:
    """Ask the measure about every clip, changed, after rounding to 8 bits."""
    features, truth = [], []
    for number, (planned, frames) in enumerate(zip(clips.planned, clips.frames, strict=True)):
        generator = generator_for(0, number, f"motion trials/{planned.part}/{purpose}")
        changed = change(float_clip(frames), generator)
        features.append(motion_features(eight_bit(changed) * 2 - 1))
        truth.append(measure.names.index(planned.motion))
    return counted(measure, torch.stack(features), torch.tensor(truth))


def counted(
    measure: MotionMeasure, features: Float[Tensor, "n d"], truth: Int64[Tensor, " n"]
) -> Trial:
    """What the measure says of features, against the names' numbers that are true."""
    with torch.no_grad():
        logits = measure.classifier(features)
    none = torch.tensor([name == NONE for name in measure.names])
    told = logits.argmax(1)
    guess = logits.masked_fill(none, -torch.inf).argmax(1)
    size = len(measure.names)
    tables = [
        torch.bincount(truth * size + one, minlength=size * size).reshape(size, size)
        for one in (told, guess)
    ]
    return Trial(tables[0], tables[1], measure.names)


@torch.no_grad()
def round_trip(
    autoencoder: Autoencoder,
    clip: Float[Tensor, "4 f h w"],
    noise: torch.Generator | None,
) -> Float[Tensor, "4 f h w"]:
    """Every frame through the autoencoder's latent, with other noise in each if so wished.

    The noise has a deviation of `LATENT_NOISE` where latents have one of 1.
    """
    frames = rearrange(clip * 2 - 1, "c f h w -> f c h w")
    latents = autoencoder.encode(frames)
    if noise is not None:
        latents = latents + LATENT_NOISE * torch.randn(latents.shape, generator=noise)
    back = autoencoder.decode(latents)
    return rearrange((back.clamp(-1, 1) + 1) / 2, "f c h w -> c f h w")


def eight_bit(clip: Float[Tensor, "4 f h w"]) -> Float[Tensor, "4 f h w"]:
    """Rounded to 256 levels."""
    return (clip.clamp(0, 1) * 255).round() / 255


def trial_figures(trials: Mapping[str, Trial]) -> dict[str, float]:
    """What a manifest says of trials, by ``<part>/<change>/<figure>``."""
    figures: dict[str, float] = {}
    for name, one in trials.items():
        figures[f"{name}/right"] = one.right
        figures[f"{name}/rejected"] = one.rejected
        if name.endswith(NO_MOTION):
            figures[f"{name}/guessed_right"] = one.guessed_right
        if name.endswith("/true"):
            for motion in one.names:
                if motion != NONE:
                    figures[f"{name}/right/{motion}"] = one.right_of(motion)
    return figures
