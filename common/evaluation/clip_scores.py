"""What the motion measure and the judge say of clips, and the scores of a set of them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from common.evaluation.frame_prompts import ClipRequest, ClipSetName
from common.judging.clip_steadiness import motion_magnitude, subject_consistency, temporal_flicker
from common.judging.judgement import Share, shares
from common.judging.judging import Seen, judgements, look
from common.judging.motion_classifier import MotionMeasure, told_motions
from common.judging.names import load_names
from common.judging.read_texts import ReadTexts
from common.judging.scored import Score, floor_shares
from common.shapes import Clips

_NUM_LOOKED_AT = 4
"""Frames of a clip that the judge names, evenly spaced."""


@dataclass(frozen=True)
class ClipLook:
    """What one clip shows, whatever was asked."""

    motion: str
    """Told by the motion measure: a motion or ``none``."""
    features: Float[Tensor, " d"]
    """The judge's, of some frames together, of unit length."""
    steadiness: tuple[float, float, float, float]
    """Flicker, consistency, path, change."""


@torch.no_grad()
def look_at_clips(judge: Any, measure: MotionMeasure, clips: Clips) -> list[ClipLook]:
    """See premultiplied RGBA clips in [-1, 1]."""
    told = told_motions(measure, clips)
    found = []
    for clip, motion in zip(clips, told, strict=True):
        last = clip.shape[1] - 1
        places = [round(last * step / (_NUM_LOOKED_AT - 1)) for step in range(_NUM_LOOKED_AT)]
        seen = look(judge, rearrange(clip[:, places], "c f h w -> f c h w"))
        magnitude = motion_magnitude(clip)
        steadiness = (
            temporal_flicker(clip),
            subject_consistency(clip, lambda pictures: look(judge, pictures).features),
            magnitude.path,
            magnitude.change,
        )
        together = F.normalize(seen.features.mean(0), dim=0)
        found.append(ClipLook(motion.name, together, steadiness))
    return found


def scores_of_clips(
    judge: Any,
    figures: Mapping[str, float],
    measure: MotionMeasure,
    name: ClipSetName,
    requests: Sequence[ClipRequest],
    looks: Sequence[ClipLook],
) -> dict[str, Score]:
    """Motion, object and colour of a set, and motion and object both.

    The ceiling of both is the product of the two, as if their errors had nothing to do with each
    other.
    """
    part = "objects_zh" if name == "held_out_zh" else "objects_front"
    ceiling = {score: figures[f"ceiling/{part}/{score}"] for score in ("top1", "top5", "colour")}
    asked = [request.asked for request in requests]
    seen = Seen(torch.stack([look.features for look in looks]), torch.zeros(len(looks)))
    texts = ReadTexts(judge, load_names())
    said = judgements(seen, asked, texts)
    found, floors = shares(said), floor_shares(seen, asked, texts)
    scores = {
        score: Score(found[f"objects/{score}"], ceiling[score], floors[f"objects/{score}"])
        for score in ceiling
    }
    motions = [request.motion for request in requests]
    right = [look.motion == motion for look, motion in zip(looks, motions, strict=True)]
    both = [ok and one.rank == 0 for ok, one in zip(right, said, strict=True)]
    highest, lowest = _motion_ceiling(measure, name), _motion_floor(looks, motions)
    return {
        "motion": Score(Share(sum(right), len(right)), highest, lowest),
        **scores,
        "motion_and_top1": Score(
            Share(sum(both), len(both)), highest * ceiling["top1"], lowest * scores["top1"].floor
        ),
    }


def _motion_ceiling(measure: MotionMeasure, name: ClipSetName) -> float:
    """How often true clips are told right, after the autoencoder if that was measured."""
    part = "instances" if name == "trained" else "pairs"
    true = measure.figures[f"{part}/true/right"]
    return measure.figures.get(f"{part}/autoencoded/right", true)


def _motion_floor(looks: Sequence[ClipLook], motions: Sequence[str]) -> float:
    """The share of right motions if each clip had been asked what another one was, on average."""
    asked = Counter(motions)
    others = [
        asked[look.motion] - (look.motion == motion)
        for look, motion in zip(looks, motions, strict=True)
    ]
    return sum(others) / (len(motions) * max(len(motions) - 1, 1))
