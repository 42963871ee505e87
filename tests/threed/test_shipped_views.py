"""What the view layers in the repository draw; the full measurement is `evaluate/view_prior`.

Few prompts at few steps: they would tell if layers, U-Net, cameras or cards no longer belonged
together.
"""

import pytest
import torch
from einops import rearrange

from common.diffusion.sampler_config import DPMSolverPP2M
from common.judging.asked import Asked
from common.judging.judgement import shares
from common.judging.judging import judgements, look
from common.judging.names import load_names
from common.judging.read_texts import ReadTexts
from common.zoo.models import load_frame_prior, load_judge
from threed.joint_views import view_pictures, view_steps
from threed.text_to_3d import TextTo3D

METHOD = TextTo3D(sampler=DPMSolverPP2M(num_steps=10))
THINGS = {"a red car": "car", "a yellow duck": "duck", "a blue teapot": "teapot",
          "a green mug": "mug", "a purple mushroom": "mushroom"}  # fmt: skip


@pytest.fixture(scope="module")
def drawn():
    """Views ``v h w 4`` of each thing: front, left, back, right."""
    prior = load_frame_prior("view_layers", METHOD.num_views, (METHOD.size_px,) * 2)
    found = []
    for seed, prompt in enumerate(THINGS):
        *_, last = view_steps(METHOD, prior, prompt, seed)
        found.append(view_pictures(prior, last.latents))
    return found


def overlap(one, other):
    """Of two outlines."""
    a, b = one[..., 3] > 0.5, other[..., 3] > 0.5
    return float((a & b).sum() / (a | b).sum())


def test_back_has_the_mirrored_outline_of_the_front(drawn):
    """Nothing tells the prior that: it follows from views being of one body."""
    found = [overlap(views[0], views[2].flip(1)) for views in drawn]
    assert sum(found) / len(found) > 0.7


def test_left_has_the_mirrored_outline_of_the_right(drawn):
    found = [overlap(views[1], views[3].flip(1)) for views in drawn]
    assert sum(found) / len(found) > 0.7


def test_fronts_are_what_was_asked(drawn):
    judge = load_judge().model
    fronts = torch.stack([rearrange(views[0], "h w c -> c h w") for views in drawn]) * 2 - 1
    asked = [Asked(prompt, "objects", thing) for prompt, thing in THINGS.items()]
    found = shares(judgements(look(judge, fronts), asked, ReadTexts(judge, load_names())))
    right = {name.partition("/")[2]: share.num_right for name, share in found.items()}
    assert right["top1"] >= 3  # of 5; chance is 1 in 129


def test_colours_are_the_same_from_all_sides(drawn):
    """Mean colour of each view against that of all four."""
    for views in drawn:
        alpha = views[..., 3:].sum((1, 2))
        means = views[..., :3].sum((1, 2)) / alpha
        assert float((means - means.mean(0)).abs().max()) < 0.35
