"""Scenes of every kind, distilled from a prior that knows one ball exactly."""

import copy
from dataclasses import replace
from itertools import pairwise

import pytest
import torch

from common.cameras import Cameras
from common.diffusion.guidance_config import CFG
from common.embedded.image_unet import View
from common.embedded.orbit import cameras_on_orbit
from common.errors import InputError
from tests.threed.optimise.ball_prior import SIDE, BallPrior, ball
from threed.distillation.loss_config import ISM, RFDS, SDI, SDS, SJC, VSD, HiFA
from threed.distillation.picture_views import PictureViews
from threed.distillation.times_config import Falling, Narrowing, Uniform
from threed.optimise.distil_scene import distil_scene, live_scenes
from threed.optimise.prior_pull import views_round
from threed.optimise.shape_terms import BACKGROUND_M, centre_depth
from threed.rendering.enlarged import enlarged
from threed.rendering.rendered import Rendered
from threed.rendering.volume import render
from threed.scenes.scene_config import (
    Blob,
    Gaussians,
    HashNerf,
    MlpNerf,
    Sdf,
    ShapeLosses,
    VoxelNerf,
)
from threed.scenes.voxel_field import VoxelField
from threed.score_distillation import DistilledViews, ScoreDistillation, ViewStage

RED = ball((0.9, 0.2, 0.1))
PLAIN = CFG(guidance_scale=1.0)
SMALL = Blob(radius_m=0.25)
SCENES = {
    "voxel_nerf": VoxelNerf(num_cells=24, rate=0.2, start=SMALL, losses=ShapeLosses()),
    "voxel_nerf_adamax": VoxelNerf(
        num_cells=24, rate=0.2, start=SMALL, optimizer="adamax", losses=ShapeLosses()
    ),
    "hash_nerf": HashNerf(
        num_cells=24, num_levels=4, log2_table=12, finest_cells=24, rate=0.03, start=SMALL,
        losses=ShapeLosses(),
    ),
    "gaussians": Gaussians(
        num_gaussians=300, max_gaussians=600, start=SMALL, means_rate=0.01, scales_rate=0.05,
        colours_rate=0.05, densify_every=10, opacity_loss=0.0, scale_loss=0.0,
    ),
    "gaussians_adaptive": Gaussians(
        num_gaussians=300, max_gaussians=600, start=SMALL, means_rate=0.01, scales_rate=0.05,
        colours_rate=0.05, densify_every=10, opacity_loss=0.0, scale_loss=0.0, density="adaptive",
        grow_gradient=1e-5, reset_every=1000,
    ),
    "mlp_nerf": MlpNerf(
        num_cells=20, num_frequencies=3, num_layers=2, num_hidden=32, rate=0.01, start=SMALL,
        losses=ShapeLosses(),
    ),
    "sdf": Sdf(
        num_cells=24, rate=0.2, distance_rate=0.01, blur_m=0.06, final_blur_m=0.02, start=SMALL,
        losses=ShapeLosses(),
    ),
}  # fmt: skip


def method(**keys) -> ScoreDistillation:
    views = DistilledViews.model_construct(
        num_views=4, size_px=SIDE, min_elevation_deg=-10.0, max_elevation_deg=30.0
    )
    told = {
        "scene": SCENES["voxel_nerf"], "loss": SDS(guidance=PLAIN, weight="reconstruction"),
        "times": Uniform(min_time=0.1, max_time=0.9), "num_steps": 40,
    }  # fmt: skip
    return ScoreDistillation(**told | keys).model_copy(update={"views": views})


def cameras() -> Cameras:
    return cameras_on_orbit([View(45.0, 0.0), View(170.0, 20.0), View(290.0, 10.0)], SIDE)


def error(field: VoxelField) -> float:
    """Mean difference of renders to those of the ball that the prior knows."""
    with torch.no_grad():
        off = render(field, cameras()).rgba - render(RED, cameras()).rgba
    return float(off.abs().mean())


def errors_of(chosen: ScoreDistillation) -> tuple[float, float]:
    """After the first step, and at the end."""
    torch.set_num_threads(1)
    found = [error(step.scene.field()) for step in distil_scene(chosen, BallPrior(RED), "a ball")
             if step.step in (1, chosen.num_steps)]  # fmt: skip
    return found[0], found[-1]


@pytest.mark.parametrize("name", SCENES)
def test_every_scene_becomes_what_the_prior_knows(name):
    first, last = errors_of(method(scene=SCENES[name]))
    assert last < 0.5 * first


@pytest.mark.parametrize("loss", [
    SDS(guidance=PLAIN, baseline="learnt"), SJC(guidance=PLAIN), ISM(guidance=PLAIN),
    SJC(guidance=PLAIN, variance_reduction=False), RFDS(guidance=PLAIN),
    SDI(guidance=PLAIN, inversion_scale=1.0, num_inversion_steps=2, eta=0.0), HiFA(guidance=PLAIN),
])  # fmt: skip
def test_every_loss_that_has_a_fixed_point_goes_there(loss):
    first, last = errors_of(method(loss=loss, num_steps=30))
    assert last < 0.6 * first


def test_particles_go_to_what_the_prior_knows_each_with_noise_of_its_own():
    torch.set_num_threads(1)
    chosen = method(loss=VSD(guidance=PLAIN, weight="reconstruction"), num_particles=2)
    first = next(distil_scene(chosen, BallPrior(RED), "a ball"))
    before = error(first.scene.field())
    *_, last = distil_scene(chosen, BallPrior(RED), "a ball")
    fields = [scene.field() for scene in last.scenes]
    assert max(error(field) for field in fields) < 0.6 * before
    assert not torch.equal(fields[0].density, fields[1].density)


@pytest.mark.parametrize("name", ["voxel_nerf", "hash_nerf", "mlp_nerf", "gaussians",
                                  "gaussians_adaptive", "sdf"])  # fmt: skip
def test_killed_and_resumed_distillation_ends_in_the_same_bits(name):
    torch.set_num_threads(1)
    chosen = method(
        scene=SCENES[name], num_steps=12,
        loss=SDS(guidance=PLAIN, baseline="learnt"), num_particles=2,
    )  # fmt: skip
    prior = BallPrior(RED)
    kept, whole = None, None
    for step in distil_scene(chosen, prior, "a ball", seed=3):
        whole = step.scene.field()
        if step.step == 5:
            kept = copy.deepcopy(step.state)

    *_, last = distil_scene(chosen, prior, "a ball", seed=3, state=kept)

    assert torch.equal(last.scene.field().density, whole.density)
    assert torch.equal(last.scene.field().colour, whole.colour)


def test_rate_that_explodes_is_said_with_its_step():
    chosen = method(scene=VoxelNerf(num_cells=8, rate=10.0, losses=ShapeLosses()),
                    loss=SDS(guidance=CFG(guidance_scale=1000.0)))  # fmt: skip

    class Broken(BallPrior):
        def predict(self, latents, timesteps, cond):
            return super().predict(latents, timesteps, cond) * float("nan")

    with pytest.raises(InputError, match="step 1: the loss is nan"):
        next(distil_scene(chosen, Broken(RED), "a ball"))


def rendered(depth: torch.Tensor, opacity: torch.Tensor) -> Rendered:
    return Rendered(torch.zeros(*depth.shape, 3), opacity, depth, None)


@pytest.mark.parametrize("swapped", [False, True])
def test_centre_depth_pulls_the_middle_nearer_on_either_side(swapped):
    """With the middle behind the border SJC's own logarithm does not exist; the pull must."""
    near, far = (BACKGROUND_M, 3.0) if swapped else (3.0, BACKGROUND_M)
    depth = torch.full((1, 8, 8), far)
    depth[:, 2:6, 2:6] = near
    depth.requires_grad_()
    value = centre_depth(rendered(depth, torch.ones(1, 8, 8)))
    value.backward()
    assert torch.isfinite(value)
    assert (depth.grad[:, 3, 3] > 0).all(), "descent brings the middle nearer"
    assert (depth.grad[:, 0, 0] < 0).all(), "and the border farther"


def test_centre_depth_has_the_gradient_of_the_published_code_where_the_border_is_far():
    """There ``-log(centre - border)`` is no number, but backward it is ``-1 / (centre - border)``.

    Softplus is its argument to ``exp(-5)``, so both agree to a hundredth.
    """
    depth = torch.full((1, 64, 64), BACKGROUND_M)
    depth[:, 16:48, 16:48] = torch.linspace(3.0, 5.0, 32)
    depth.requires_grad_()
    (ours,) = torch.autograd.grad(centre_depth(rendered(depth, torch.ones(1, 64, 64))), depth)
    middle = torch.zeros(1, 64, 64, dtype=torch.bool)
    middle[:, 16:48, 16:48] = True
    published = -(depth[middle].mean() - depth[~middle].mean() + 1e-12).log()
    (theirs,) = torch.autograd.grad(published, depth)
    assert not torch.isfinite(published)
    torch.testing.assert_close(ours, theirs, rtol=0.01, atol=0.0)


def test_views_go_evenly_round_at_a_random_turn() -> None:
    first, second = (
        views_round(4, (-10.0, 30.0), torch.Generator().manual_seed(seed)) for seed in (0, 1)
    )

    for views in (first, second):
        turns = sorted(view.azimuth_deg for view in views)
        assert [b - a for a, b in pairwise(turns)] == pytest.approx([90.0] * 3)
        assert all(-10 <= view.elevation_deg <= 30 for view in views)
    assert first != second


def test_times_are_drawn_evenly_or_fall():
    drawn = Uniform(min_time=0.2, max_time=0.6, late_max_time=0.4, late_from=0.5)
    assert [drawn.time(0.0, 0.0), drawn.time(0.0, 0.5)] == pytest.approx([0.2, 0.4])
    assert drawn.time(0.5, 0.5) == pytest.approx(0.3)
    falling = Falling(min_time=0.2, max_time=0.6)
    assert [falling.time(share, 0.9) for share in (0.0, 0.5, 1.0)] == pytest.approx([0.6, 0.4, 0.2])
    quick = Falling(min_time=0.2, max_time=0.6, power=0.5)
    assert quick.time(0.25, 0.0) == pytest.approx(0.4)
    jittered = Falling(min_time=0.2, max_time=0.6, jitter=1.0)
    assert jittered.time(0.0, 0.999) == 0.6, "within the range"
    assert jittered.time(0.5, 0.0) == pytest.approx(0.2)
    moving = Narrowing(min_time=0.98, max_time=0.98, late_min_time=0.02, late_max_time=0.5,
                       until=0.8)  # fmt: skip
    assert {moving.time(0.0, draw) for draw in (0.0, 0.7)} == {0.98}
    assert [moving.time(0.4, draw) for draw in (0.0, 0.5)] == pytest.approx([0.5, 0.62])
    assert [moving.time(share, 0.5) for share in (0.8, 1.0)] == pytest.approx([0.26, 0.26])
    with pytest.raises(ValueError, match=r"late_min_time 0\.6 is above"):
        Narrowing(late_min_time=0.6)


def test_interval_that_begins_before_time_0_is_refused():
    with pytest.raises(ValueError, match=r"interval 0\.2 begins before time 0"):
        ScoreDistillation(loss=ISM(interval=0.2), times=Uniform(min_time=0.1))
    with pytest.raises(ValueError, match=r"at times\.late_min_time 0\.1"):
        ScoreDistillation(loss=ISM(interval=0.2), times=Narrowing(min_time=0.5, late_min_time=0.1))


def test_gaussians_are_doubled_where_their_centres_are_pulled():
    """Up to the cap; with a threshold that nothing reaches, none."""
    torch.set_num_threads(1)
    sizes = []
    for grow in (1e-7, 1e3):
        scene = SCENES["gaussians_adaptive"].model_copy(update={"grow_gradient": grow})
        *_, last = distil_scene(method(scene=scene, num_steps=20), BallPrior(RED), "a ball")
        sizes.append(len(last.scene.cloud()))
    assert sizes[0] == 600
    assert sizes[1] <= 300


def test_pulls_on_centres_survive_a_checkpoint():
    chosen = method(scene=SCENES["gaussians_adaptive"], num_steps=20)
    steps = distil_scene(chosen, BallPrior(RED), "a ball")
    state = [copy.deepcopy(next(steps).state) for _ in range(4)][-1]
    sums, counts = state["scenes"][0]["pulls"]
    assert float(sums.max()) > 0
    assert float(counts.max()) == 16, "four steps of four views"
    (again,) = live_scenes(chosen, 0, state)
    assert all(
        torch.equal(*pair) for pair in zip(again.state()["pulls"], (sums, counts), strict=True)
    )


def test_strays_are_drawn_to_the_middle():
    scene = SCENES["gaussians"].model_copy(update={"position_loss": 2.0})
    step = next(distil_scene(method(scene=scene), BallPrior(RED), "a ball"))
    means = live_scenes(method(scene=scene), 0, None)[0].cloud().means
    assert step.losses["positions"] == pytest.approx(2 * float(means.norm(dim=1).mean()), rel=1e-5)


# ------------------------------------------------------------------------------- stages


def staged(**keys) -> ScoreDistillation:
    stages = (ViewStage(until=0.5, render_px=16), ViewStage(until=0.75, render_px=24))
    chosen = method(**keys)
    return chosen.model_copy(update={"views": chosen.views.model_copy(update={"stages": stages})})


def test_renders_grow_with_the_stages_and_the_prior_sees_one_size():
    steps = list(distil_scene(staged(num_steps=9), BallPrior(RED), "a ball"))
    assert [step.losses["render_px"] for step in steps] == [16] * 4 + [24] * 2 + [SIDE] * 3
    assert all(step.losses["views"] == 4 for step in steps)


def test_scene_of_coarse_renders_becomes_what_the_prior_knows_too():
    first, last = errors_of(staged(num_steps=40))
    assert last < 0.5 * first


def test_enlarged_renders_are_bilinear_and_pass_gradients():
    rgb = torch.full((2, 8, 8, 3), 0.25, requires_grad=True)
    seen = Rendered(rgb, torch.full((2, 8, 8), 0.5), torch.ones(2, 8, 8), None)
    large = enlarged(seen, 32)
    assert large.rgba.shape == (2, 32, 32, 4)
    assert torch.allclose(large.rgb, torch.tensor(0.25))
    assert torch.allclose(large.opacity, torch.tensor(0.5))
    large.rgb.sum().backward()
    assert torch.allclose(rgb.grad, torch.tensor(16.0)), "each pixel has become sixteen"
    assert enlarged(seen, 8) is seen
    steps = torch.arange(2.0).repeat(1, 2, 1)  # opacity 0 beside 1
    ramp = enlarged(Rendered(steps[..., None].expand(1, 2, 2, 3), steps, steps, None), 8)
    assert ramp.opacity[0, 4].tolist() == pytest.approx([0, 0, 0.125, 0.375, 0.625, 0.875, 1, 1])


def test_pictures_alone_are_asked_about_as_many_views_as_the_stage_has():
    stages = (ViewStage(until=0.5, num_views=6),)
    views = DistilledViews(num_views=2, size_px=SIDE, stages=stages)
    chosen = ScoreDistillation(
        scene=SCENES["voxel_nerf"], loss=SDS(guidance=PLAIN), views=views, num_steps=4
    )
    assert chosen.view_shape == (6, SIDE), "memory is that of the most"
    asked = []

    class Grey(BallPrior):
        """Of single pictures: all are grey."""

        def __init__(self):
            super().__init__(RED)
            self.spec = replace(self.spec, latent_shape=(4, SIDE, SIDE))

        def embed(self, prompts):
            return torch.zeros(len(prompts), 4, SIDE, SIDE)

        def predict(self, latents, timesteps, cond):
            asked.append((len(latents), len(cond)))
            return super().predict(latents, timesteps, cond)

    *_, last = distil_scene(chosen, PictureViews(Grey(), 2), "a ball")
    assert asked == [(6, 6)] * 2 + [(2, 2)] * 2
    assert last.losses["views"] == 2


@pytest.mark.parametrize(("stages", "message"), [
    ((ViewStage(until=0.5), ViewStage(until=0.5)), "each must end after the one before"),
    ((ViewStage(until=0.5, render_px=128),), "render_px 128 is above size_px 32"),
])  # fmt: skip
def test_stages_that_cannot_be_are_refused(stages, message):
    with pytest.raises(ValueError, match=message):
        DistilledViews(size_px=SIDE, stages=stages)
