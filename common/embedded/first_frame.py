"""Drawing a clip in two parts: its first frame, then what follows from it.

The layers draw a clip of one frame, which is a picture framed as the motion needs it; with that
frame given, what is left to draw is how it moves (Emu Video, Girdhar et al. 2023, arXiv
2311.10709). What guidance moves away from sees neither the prompt nor that frame.
"""

from collections.abc import Sequence

import torch

from common.diffusion.guidance_config import Guidance
from common.diffusion.guided_prediction import Negative
from common.diffusion.sample import sample
from common.diffusion.sampler_config import Sampler
from common.diffusion.samplers import build_scheduler
from common.embedded.frame_prior import FramePrior, FramesCond
from common.shapes import Clips, Images


def first_frames(
    alone: FramePrior,
    cond: FramesCond,
    uncond: FramesCond,
    sampler: Sampler,
    guidance: Guidance,
    noise: Clips,
    generators: Sequence[torch.Generator],
    negatives: Sequence[Negative[FramesCond]] = (),
) -> Images:
    """Clean latents of the first frames.

    Args:
        alone: the prior of clips of one frame, from `FramePrior.of_first_frames`.
        cond: its condition of the prompts.
        uncond: its condition of what guidance moves away from.
        sampler: how noise becomes pictures.
        guidance: how strongly they follow the prompts.
        noise: that the whole clips begin with; the first frames begin with theirs.
        generators: one a sample, for samplers that draw noise.
        negatives: of Perp-Neg.
    """
    scheduler = build_scheduler(sampler, alone.spec.schedule, alone.spec.prediction)
    begun = noise[:, :, :1]
    steps = sample(alone, scheduler, cond, uncond, guidance, begun, generators, negatives=negatives)
    *_, last = steps
    return torch.as_tensor(last.latents[:, :, 0])
