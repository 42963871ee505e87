"""What frame layers in training draw: a sheet of clips or of views, the same prompts every time."""

from common.diffusion.guidance_config import CFG
from common.diffusion.sampler_config import DPMSolverPP2M
from common.embedded.drawn_clip import Drawing, drawn_clip
from common.embedded.frame_prior import FramePrior
from common.embedded.image_unet import FRONT, View
from common.media.contact_sheet import picture_sheet
from common.media.pixels import to_picture
from common.shapes import Picture

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
_DRAWING = Drawing(DPMSolverPP2M(num_steps=16), CFG(guidance_scale=4.0), seed=0)


def preview_sheet(prior: FramePrior, of_views: bool) -> Picture:
    """One row for each prompt: eight frames of a clip, or all views from the front round."""
    count = prior.num_frames
    shown = range(0, count, -(-count // _MAX_SHOWN))
    around = tuple(View(index * 360 / count, FRONT.elevation_deg) for index in range(count))
    pictures, captions = [], []
    for row, prompt in enumerate(OBJECTS if of_views else CLIPS):
        views = around if of_views else None
        drawn = drawn_clip(prior, prompt, views, _DRAWING, row)[0]
        pictures += [to_picture(drawn[:, frame]) for frame in shown]
        captions += [prompt, *[""] * (len(shown) - 1)]
    return picture_sheet(pictures, captions=captions, num_columns=len(shown), cell_px=128)
