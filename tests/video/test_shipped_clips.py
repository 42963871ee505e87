"""What the motion layers in the repository draw; the full measurement is `evaluate/motion_prior`.

Few prompts at few steps: they would tell if layers, framing, U-Net or cards no longer belonged
together.
"""

import pytest
import torch
from einops import rearrange

from common.diffusion.guidance_config import CFG
from common.diffusion.sampler_config import DPMSolverPP2M
from common.embedded.drawn_clip import Drawing
from common.embedded.framing import boxes_of
from common.evaluation.generated import generate_clips
from common.judging.asked import Asked
from common.judging.judgement import shares
from common.judging.judging import judgements, look
from common.judging.names import load_names
from common.judging.read_texts import ReadTexts
from common.zoo.models import load_frame_prior, load_judge

CLIPS = {
    "a red car slides to the left": "car", "a yellow lemon slides to the right": "lemon",
    "a blue bed grows": "bed", "a red magnet shrinks": "magnet",
    "a yellow duck hops up and down": "duck",
}  # fmt: skip


@pytest.fixture(scope="module")
def drawn():
    """Clips ``c f h w`` of each prompt."""
    prior = load_frame_prior("motion_layers", 16, (128, 128), trajectory_noise=1.0)
    drawing = Drawing(DPMSolverPP2M(num_steps=8), CFG(guidance_scale=3.0), 0)
    clips = generate_clips(prior, list(CLIPS), drawing)
    return dict(zip(CLIPS, (clip[0] for clip in clips), strict=True))


def boxes(clip):
    """Of each frame: longer side, and centre from the left and from the top."""
    return boxes_of(rearrange(clip, "c f h w -> f c h w"))


def test_things_go_where_they_are_asked_to(drawn):
    left = boxes(drawn["a red car slides to the left"])[:, 1]
    right = boxes(drawn["a yellow lemon slides to the right"])[:, 1]
    assert left[-1] - left[0] < -0.15
    assert right[-1] - right[0] > 0.15


def test_things_grow_and_shrink(drawn):
    grown = boxes(drawn["a blue bed grows"])[:, 0]
    shrunk = boxes(drawn["a red magnet shrinks"])[:, 0]
    assert grown[-1] / grown[0] > 1.3
    assert shrunk[-1] / shrunk[0] < 0.75


def test_things_hop_and_come_down_again(drawn):
    height = 1 - boxes(drawn["a yellow duck hops up and down"])[:, 2]
    assert height[4:12].max() - height[0] > 0.08
    assert abs(height[-1] - height[0]) < 0.08


def test_first_frames_are_what_was_asked(drawn):
    judge = load_judge().model
    firsts = torch.stack([clip[:, 0] for clip in drawn.values()])
    asked = [Asked(prompt, "objects", thing) for prompt, thing in CLIPS.items()]
    found = shares(judgements(look(judge, firsts), asked, ReadTexts(judge, load_names())))
    right = {name.partition("/")[2]: share.num_right for name, share in found.items()}
    assert right["top5"] >= 3  # of 5; chance is 5 in 129


def test_colours_stay(drawn):
    """Mean colour of the last frame's thing against the first's."""
    for prompt, clip in drawn.items():
        parts = (clip + 1) / 2
        means = parts[:3].sum((2, 3)) / parts[3:].sum((2, 3))
        assert float((means[:, -1] - means[:, 0]).abs().max()) < 0.25, prompt
