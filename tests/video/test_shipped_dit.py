"""What the spacetime DiT in the repository draws; the full measurement is `evaluate/spacetime_dit`.

Few prompts at few steps: they would tell if the transformer, what it stands on and its card no
longer belonged together.
"""

import pytest
import torch
from einops import rearrange

from common.diffusion.guidance_config import CFG
from common.diffusion.sampler_config import FlowEuler
from common.embedded.drawn_clip import Drawing
from common.embedded.framing import boxes_of
from common.embedded.spacetime_dit_config import SpacetimeDiTPriorConfig
from common.judging.asked import Asked
from common.judging.judgement import shares
from common.judging.judging import judgements, look
from common.judging.names import load_names
from common.judging.read_texts import ReadTexts
from common.zoo.models import load_judge
from video.spacetime_dit.drawn_clip import drawn_dit_clip
from video.spacetime_dit.load import check_spacetime_dit, load_spacetime_dit

CLIPS = {
    "a red car slides to the left": "car", "a yellow lemon slides to the right": "lemon",
    "a blue bed grows": "bed", "a red apple shrinks": "apple",
    "a yellow duck hops up and down": "duck",
}  # fmt: skip
SIZE = (16, 64, 64)


@pytest.fixture(scope="module")
def drawn():
    """Clips ``c f h w`` of each prompt."""
    prior = load_spacetime_dit(SpacetimeDiTPriorConfig(), SIZE, "cpu")
    drawing = Drawing(FlowEuler(num_steps=16), CFG(guidance_scale=3.0), 0)
    clips = (drawn_dit_clip(prior, prompt, drawing, 0)[0] for prompt in CLIPS)
    return dict(zip(CLIPS, clips, strict=True))


def boxes(clip):
    """Of each frame: longer side, and centre from the left and from the top."""
    return boxes_of(rearrange(clip, "c f h w -> f c h w"))


def test_sizes_of_training_are_drawn_without_a_note():
    assert check_spacetime_dit(SpacetimeDiTPriorConfig(), SIZE) == []


def test_things_go_where_they_are_asked_to(drawn):
    left = boxes(drawn["a red car slides to the left"])[:, 1]
    right = boxes(drawn["a yellow lemon slides to the right"])[:, 1]
    assert left[-1] - left[0] < -0.1
    assert right[-1] - right[0] > 0.1


def test_things_grow_and_shrink(drawn):
    grown = boxes(drawn["a blue bed grows"])[:, 0]
    shrunk = boxes(drawn["a red apple shrinks"])[:, 0]
    assert grown[-1] / grown[0] > 1.25
    assert shrunk[-1] / shrunk[0] < 0.8


def test_things_hop_and_come_down_again(drawn):
    height = 1 - boxes(drawn["a yellow duck hops up and down"])[:, 2]
    assert height[4:12].max() - height[0] > 0.05
    assert abs(height[-1] - height[0]) < 0.1


def test_frames_show_what_was_asked(drawn):
    judge = load_judge().model
    firsts = torch.stack([clip[:, 0] for clip in drawn.values()])
    asked = [Asked(prompt, "objects", thing) for prompt, thing in CLIPS.items()]
    found = shares(judgements(look(judge, firsts), asked, ReadTexts(judge, load_names())))
    right = {name.partition("/")[2]: share.num_right for name, share in found.items()}
    assert right["top5"] >= 3  # of 5; chance is 5 in 129
