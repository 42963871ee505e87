"""What frame layers in training draw: a sheet of clips or of views, the same prompts every time."""

import torch

from common.diffusion.guidance_config import CFG
from common.diffusion.sample import sample
from common.diffusion.sampler_config import DPMSolverPP2M
from common.diffusion.samplers import build_scheduler
from common.embedded.first_frame import FirstFrameDraws, first_frames
from common.embedded.frame_prior import FramePrior
from common.embedded.image_unet import FRONT, View
from common.media.contact_sheet import picture_sheet
from common.media.pixels import to_picture
from common.seeding import generators_for
from common.shapes import Clips, Picture

CLIPS = (
    "a red car slides to the left", "a yellow duck hops up and down",
    "a blue teapot spins like a wheel", "一只绿色的猫左右摇晃", "a purple house grows",
    "a dragon tips over",
)  # fmt: skip
OBJECTS = (
    "a red car", "a yellow duck", "a blue teapot", "一把绿色的椅子",
    "a purple house with a red roof", "a dragon",
)  # fmt: skip
_MAX_SHOWN = 8
_STEPS = 16
_GUIDANCE_SCALE = 4.0


def preview_sheet(prior: FramePrior, of_views: bool) -> Picture:
    """One row for each prompt: eight frames of a clip, or all views from the front round."""
    count = prior.num_frames
    shown = range(0, count, -(-count // _MAX_SHOWN))
    around = tuple(View(index * 360 / count, FRONT.elevation_deg) for index in range(count))
    pictures, captions = [], []
    for row, prompt in enumerate(OBJECTS if of_views else CLIPS):
        drawn = prior.decode(_sampled(prior, prompt, around if of_views else None, row))[0]
        pictures += [to_picture(drawn[:, frame]) for frame in shown]
        captions += [prompt, *[""] * (len(shown) - 1)]
    return picture_sheet(pictures, captions=captions, num_columns=len(shown), cell_px=128)


def _sampled(prior: FramePrior, prompt: str, views: tuple[View, ...] | None, seed: int) -> Clips:
    """The latents of one sample."""
    noise = prior.noise(generators_for(0, [seed], "latents"))
    sampler, guidance = DPMSolverPP2M(num_steps=_STEPS), CFG(guidance_scale=_GUIDANCE_SCALE)
    first = None
    if prior.first_alone:
        draws = FirstFrameDraws(
            noise, generators_for(0, [seed], "first frame"), generators_for(0, [seed], "framing")
        )
        pictures = prior.pictures
        first = first_frames(
            prior, pictures.embed([prompt]), pictures.embed([""]), sampler, guidance, draws
        )
    steps = sample(
        prior, build_scheduler(sampler, prior.spec.schedule, "v"),
        prior.embed([prompt], [views], first), prior.embed([""], first=first, hidden=True),
        guidance, noise, generators_for(0, [seed], "sampler"),
    )  # fmt: skip
    *_, last = steps
    return torch.as_tensor(last.latents)
