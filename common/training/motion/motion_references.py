"""How steady true clips are: what the flicker and motion of generated clips are compared with.

A thing that turns around shows new sides and one that talks opens its mouth, so that every motion
has figures of its own.
"""

import numpy as np

from common.embedded.autoencoder import Autoencoder
from common.judging.clip_steadiness import motion_magnitude, temporal_flicker
from common.training.motion.motion_clips import MotionClips
from common.training.motion.motion_samples import float_clip
from common.training.motion.motion_trials import round_trip


def steadiness_figures(clips: MotionClips, autoencoder: Autoencoder | None) -> dict[str, float]:
    """Means over the clips of each motion, by ``steadiness/<figure>/<motion>``.

    The figures are ``flicker``, ``path`` and ``change`` of the clips as rendered, and
    ``flicker_autoencoded`` of the same after the autoencoder: the least that anything can have
    that generates its latents.
    """
    found: dict[tuple[str, str], list[float]] = {}
    for planned, frames in zip(clips.planned, clips.frames, strict=True):
        clip = float_clip(frames)
        magnitude = motion_magnitude(clip * 2 - 1)
        figures = {
            "flicker": temporal_flicker(clip * 2 - 1),
            "path": magnitude.path,
            "change": magnitude.change,
        }
        if autoencoder is not None:
            coded = round_trip(autoencoder, clip, None)
            figures["flicker_autoencoded"] = temporal_flicker(coded * 2 - 1)
        for name, value in figures.items():
            found.setdefault((name, planned.motion), []).append(value)
    return {
        f"steadiness/{name}/{motion}": float(np.mean(values))
        for (name, motion), values in sorted(found.items())
    }
