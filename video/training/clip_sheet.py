"""What a spacetime DiT in training draws: the same clips every time, a row each."""

import torch

from common.diffusion.guidance_config import CFG
from common.diffusion.sample import sample
from common.diffusion.sampler_config import FlowEuler
from common.diffusion.samplers import build_scheduler
from common.media.contact_sheet import picture_sheet
from common.media.pixels import to_picture
from common.seeding import generators_for, randn
from common.shapes import Clips, Picture
from common.training.frame_batch import FrameBatch
from video.spacetime_dit.prior import SpacetimeDiTPrior

PROMPTS = ("a red car slides to the left", "a yellow duck hops up and down", "一只绿色的猫左右摇晃")
_NUM_GIVEN = 3
_MAX_SHOWN = 8
_SAMPLER, _GUIDANCE = FlowEuler(num_steps=12), CFG(guidance_scale=3.0)


def clip_sheet(prior: SpacetimeDiTPrior, held_out: FrameBatch) -> Picture:
    """Eight frames of each clip: of prompts alone, then of held-out clips whose first is given."""
    drawn = [(prompt, drawn_clips(prior, [prompt], row)) for row, prompt in enumerate(PROMPTS)]
    count = len(held_out.prompts)
    for row in range(0, count, -(-count // _NUM_GIVEN)):
        clip = torch.from_numpy(held_out.latents[row]).to(prior.device)
        missing = torch.ones_like(clip[:1])
        missing[:, 0] = 0
        prompt = held_out.prompts[row]
        drawn.append((prompt, drawn_clips(prior.knowing(clip, missing), [prompt], row)))
    shown = range(0, prior.num_frames, -(-prior.num_frames // _MAX_SHOWN))
    pictures, captions = [], []
    for prompt, latents in drawn:
        frames = prior.decode(latents[:, :, list(shown)])[0]
        pictures += [to_picture(frames[:, place]) for place in range(len(shown))]
        captions += [prompt, *[""] * (len(shown) - 1)]
    return picture_sheet(pictures, captions=captions, num_columns=len(shown), cell_px=128)


@torch.no_grad()
def drawn_clips(prior: SpacetimeDiTPrior, prompts: list[str], first_place: int) -> Clips:
    """Latents of a clip for each prompt."""
    places = range(first_place, first_place + len(prompts))
    scheduler = build_scheduler(_SAMPLER, prior.spec.schedule, prior.spec.prediction)
    noise = randn(prior.spec.latent_shape, generators_for(0, places, "latents")).to(prior.device)
    steps = sample(
        prior, scheduler, prior.embed(prompts), prior.embed([""] * len(prompts)), _GUIDANCE, noise,
        generators_for(0, places, "sampler"),
    )  # fmt: skip
    *_, last = steps
    return torch.as_tensor(last.latents)
