"""Edits of scenes, by a prior that knows a red and a blue ball exactly."""

import copy
from pathlib import Path

import pytest
import torch

from common.cameras import Cameras
from common.diffusion.guidance_config import CFG
from common.embedded.image_unet import View
from common.embedded.orbit import cameras_on_orbit
from tests.threed.optimise.ball_prior import SIDE, BallPrior, ball
from threed.distillation.loss_config import DDS, SDS
from threed.distillation.times_config import Uniform
from threed.edit_3d import Edit3D, Kept
from threed.optimise.distil_scene import distil_scene, live_scenes
from threed.optimise.keep_terms import keep_terms
from threed.rendering.rendered import Rendered
from threed.rendering.volume import render
from threed.scenes.scene_config import Gaussians, HashNerf, ShapeLosses, VoxelNerf
from threed.scenes.scene_start import SceneStart, on_scene_grid, start_of
from threed.scenes.start_config import AssetStart
from threed.score_distillation import DistilledViews, ScoreDistillation

COLOURS = {"red": (0.9, 0.2, 0.1), "blue": (0.1, 0.2, 0.9)}
PLAIN = CFG(guidance_scale=1.0)
NOTHING = ShapeLosses()
VOXELS = VoxelNerf(num_cells=24, rate=0.2, coarse_share=0.0, losses=NOTHING)
HASH = HashNerf(num_cells=24, num_levels=4, log2_table=12, finest_cells=24, rate=0.03,
                losses=NOTHING)  # fmt: skip
START = SceneStart(ball(COLOURS["red"]))


class TwoBalls(BallPrior):
    """What it shows is the ball of the colour that is named."""

    def __init__(self) -> None:
        super().__init__(ball(COLOURS["red"]))
        self._balls = {name: BallPrior(ball(colour)) for name, colour in COLOURS.items()}

    def embed(self, prompts, views=None):
        rows = [views[i : i + 1] if views else None for i in range(len(prompts))]
        found = []
        for prompt, row in zip(prompts, rows, strict=True):
            known = self._balls.get(prompt)
            found.append(known.embed([prompt], row) if known else super().embed([prompt]))
        return torch.cat(found)


def edit(**keys) -> Edit3D:
    views = DistilledViews.model_construct(
        num_views=4, size_px=SIDE, min_elevation_deg=-10.0, max_elevation_deg=30.0
    )
    told = {
        "start": AssetStart(input=Path("unread.glb")), "source_prompt": "red", "scene": VOXELS,
        "loss": DDS(guidance=PLAIN, weight="reconstruction"), "num_steps": 60,
        "times": Uniform(min_time=0.1, max_time=0.9), "keep": Kept(outline=0.0, colour=0.0),
    }  # fmt: skip
    return Edit3D(**told | keys).model_copy(update={"views": views})


def cameras() -> Cameras:
    return cameras_on_orbit([View(45.0, 0.0), View(170.0, 20.0), View(290.0, 10.0)], SIDE)


def pictures(field):
    return render(field, cameras()).rgba


@pytest.mark.parametrize("scene", [VOXELS, HASH], ids=lambda scene: scene.name)
def test_edit_becomes_what_the_prompt_says(scene):
    """Two normal priors of one spread: it ends at ``x + (m - m_source)``, the blue ball."""
    *_, last = distil_scene(edit(scene=scene), TwoBalls(), "blue", start=START)
    blue, red = pictures(ball(COLOURS["blue"])), pictures(ball(COLOURS["red"]))
    found = pictures(last.scene.field())
    assert (found - blue).square().mean() < 0.03 * (red - blue).square().mean()


def test_same_words_change_nothing_at_all():
    """Delta denoising is 0 to the bit while scene and prompt are what they were."""
    for step in distil_scene(edit(num_steps=3), TwoBalls(), "red", start=START):
        assert step.losses["prior"] == 0.0
        assert torch.equal(step.scene.field().density, START.field.density)
        assert torch.equal(step.scene.field().colour, START.field.colour)


def test_other_losses_edit_too():
    loss = SDS(guidance=PLAIN, weight="reconstruction")
    *_, last = distil_scene(edit(loss=loss, num_steps=40), TwoBalls(), "blue", start=START)
    blue, red = pictures(ball(COLOURS["blue"])), pictures(ball(COLOURS["red"]))
    assert (pictures(last.scene.field()) - blue).square().mean() < (red - blue).square().mean() / 4


def test_what_is_held_changes_less():
    red = pictures(ball(COLOURS["red"]))
    changes = []
    for keep in (Kept(outline=0.0, colour=0.0), Kept(outline=0.0, colour=10.0)):
        *_, last = distil_scene(edit(keep=keep, num_steps=20), TwoBalls(), "blue", start=START)
        changes.append(float((pictures(last.scene.field()) - red).abs().mean()))
    assert changes[1] < 0.5 * changes[0]


def test_keep_terms_are_what_their_equations_say():
    before, after = torch.full((1, 2, 2), 0.8), torch.full((1, 2, 2), 0.5)
    old, new = (
        Rendered(one[..., None].expand(1, 2, 2, 3), one, one, None) for one in (before, after)
    )
    terms = keep_terms(new, old, Kept(outline=2.0, colour=3.0))
    assert float(terms["keep_outline"]) == pytest.approx(2 * 0.09, rel=1e-5)
    rounded = (0.09 + 0.01**2) ** 0.5 - 0.01
    assert float(terms["keep_colour"]) == pytest.approx(3 * rounded, rel=1e-5)
    assert keep_terms(new, old, Kept(outline=0.0, colour=0.0)) == {}
    assert float(keep_terms(old, old, Kept())["keep_colour"]) == pytest.approx(0.0, abs=1e-8)


@pytest.mark.parametrize("scene", [VOXELS, HASH], ids=lambda scene: scene.name)
def test_continued_edit_ends_in_the_same_bits(scene):
    method = edit(scene=scene, num_steps=6)
    kept = {}
    for step in distil_scene(method, TwoBalls(), "blue", start=START):
        kept[step.step] = copy.deepcopy(step.state | {"start": START.state()})
    again = kept[3]
    *_, last = distil_scene(method, TwoBalls(), "blue", state=again, start=start_of(again["start"]))
    whole, continued = kept[6]["scenes"][0], last.state["scenes"][0]
    for name in whole:
        if isinstance(whole[name], torch.Tensor):
            assert torch.equal(whole[name], continued[name])


@pytest.mark.parametrize("scene", [VOXELS, HASH], ids=lambda scene: scene.name)
def test_scenes_begin_as_the_start(scene):
    method = ScoreDistillation(scene=scene, num_steps=1)
    (begun,) = live_scenes(method, 0, None, START)
    # tables and network of the hash grid begin near 0, and are added
    assert torch.allclose(pictures(begun.field()), pictures(START.field), atol=2e-2)


def test_gaussians_begin_as_the_cloud_and_are_edited():
    from threed.scenes.blob import ball_cloud

    cloud = ball_cloud(300, 0.4, torch.Generator().manual_seed(0))
    scene = Gaussians(num_gaussians=300, max_gaussians=300, opacity_loss=0.0, scale_loss=0.0,
                      colours_rate=0.05)  # fmt: skip
    start = SceneStart(cloud=cloud)
    method = edit(scene=scene, num_steps=20)
    (begun,) = live_scenes(method, 0, None, start)
    assert torch.equal(begun.cloud().means, cloud.means)
    *_, last = distil_scene(method, TwoBalls(), "blue", start=start)
    shift = (last.scene.cloud().sh - cloud.sh)[:, 0].mean(0)
    assert shift[2] > 0.1, "bluer"
    assert shift[0] < -0.1, "less red"


def test_start_survives_a_checkpoint_and_grids_agree_at_nodes():
    cloud_state = start_of(START.state())
    assert torch.equal(cloud_state.field.density, START.field.density)
    assert start_of(None) is None
    same = on_scene_grid(START.field, 24)
    assert torch.allclose(same.density, START.field.density, atol=1e-4)
    small = ball(COLOURS["red"])
    inner = type(small)(small.density, small.colour, (-0.3, -0.3, -0.3), (0.3, 0.3, 0.3))
    laid = on_scene_grid(inner, 24)
    assert torch.allclose(laid.density[6:19:2, 12, 12], small.density[::4, 12, 12], atol=1e-4)
    assert float(laid.density[0, 0, 0]) == -10.0, "empty beyond its box"


def test_edits_have_no_coarse_grid():
    with pytest.raises(ValueError, match="would blur what is edited"):
        edit(scene=VoxelNerf(coarse_share=0.3))
