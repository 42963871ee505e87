"""What a spacetime DiT in training draws: the same clips every time, a row each."""

import torch

from common.diffusion.guidance_config import CFG
from common.diffusion.sampler_config import FlowEuler
from common.embedded.drawn_clip import Drawing
from common.media.contact_sheet import picture_sheet
from common.media.pixels import to_picture
from common.shapes import Picture
from common.training.frames.frame_batch import FrameBatch
from video.spacetime_dit.drawn_clip import drawn_dit_clip
from video.spacetime_dit.prior import SpacetimeDiTPrior

PROMPTS = ("a red car slides to the left", "a yellow duck hops up and down", "一只绿色的猫左右摇晃")
_NUM_GIVEN = 3
_MAX_SHOWN = 8
_DRAWING = Drawing(FlowEuler(num_steps=12), CFG(guidance_scale=3.0), seed=0)


def clip_sheet(prior: SpacetimeDiTPrior, held_out: FrameBatch) -> Picture:
    """Eight frames of each clip: of prompts alone, then of held-out clips whose first is given."""
    drawn = [
        (prompt, drawn_dit_clip(prior, prompt, _DRAWING, row)) for row, prompt in enumerate(PROMPTS)
    ]
    count = len(held_out.prompts)
    for row in range(0, count, -(-count // _NUM_GIVEN)):
        clip = torch.from_numpy(held_out.latents[row]).to(prior.device)
        missing = torch.ones_like(clip[:1])
        missing[:, 0] = 0
        prompt = held_out.prompts[row]
        told = prior.knowing(clip, missing)
        drawn.append((prompt, drawn_dit_clip(told, prompt, _DRAWING, row)))
    shown = range(0, prior.num_frames, -(-prior.num_frames // _MAX_SHOWN))
    pictures, captions = [], []
    for prompt, latents in drawn:
        frames = prior.decode(latents)[0][:, list(shown)]
        pictures += [to_picture(frames[:, place]) for place in range(len(shown))]
        captions += [prompt, *[""] * (len(shown) - 1)]
    return picture_sheet(pictures, captions=captions, num_columns=len(shown), cell_px=128)
