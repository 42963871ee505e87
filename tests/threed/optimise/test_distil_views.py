from collections.abc import Sequence
from itertools import pairwise

import pytest
import torch
from einops import rearrange
from torch import Tensor

from common.diffusion.noise_schedule import build_noise_schedule, per_sample
from common.diffusion.prediction import convert_prediction
from common.diffusion.prior import PriorSpec
from common.diffusion.schedule_config import CosineSchedule
from common.embedded.image_unet import View
from common.embedded.orbit import cameras_on_orbit
from threed.optimise.distil_options import DistilViews
from threed.optimise.distil_views import distil_views, views_round
from threed.optimise.fit_options import FitOptions
from threed.rendering.volume import render
from threed.scenes.voxel_field import VoxelField, raw_of_colour, uniform_field
from threed.texturing.bake import Pictures

SIDE = 32
FIT = FitOptions(num_cells=24, steps=(4,), lambda_colour_variation=0.01, lambda_bending=0.0)
FRONT_AND_BACK = (View(0.0, 12.0), View(180.0, 12.0))


def ball(colour: tuple[float, float, float]) -> VoxelField:
    """A ball of radius 0.4 in one colour, solid inside."""
    field = uniform_field((25, 25, 25))
    axis = torch.linspace(-0.6, 0.6, 25)
    x, y, z = torch.meshgrid(axis, axis, axis, indexing="ij")
    density = 60.0 * (0.4 - (x**2 + y**2 + z**2).sqrt())
    raw = raw_of_colour(torch.tensor(colour)).expand(25, 25, 25, 3).contiguous()
    return VoxelField(density.clamp(-10, 6), raw, field.low, field.high)


class BallPrior:
    """What it knows is renders of one ball, with a little variance: all in closed form."""

    def __init__(self, true: VoxelField):
        self.true = true
        schedule = build_noise_schedule(CosineSchedule())
        self.spec = PriorSpec((4, 4, SIDE, SIDE), 4, schedule, "v")

    def embed(
        self, prompts: Sequence[str], views: Sequence[Sequence[View] | None] | None = None
    ) -> Tensor:
        rows = views or [None] * len(prompts)
        grey = torch.zeros(4, 4, SIDE, SIDE)
        return torch.stack([grey if row is None else self._seen(row) for row in rows])

    def _seen(self, views: Sequence[View]) -> Tensor:
        seen = render(self.true, cameras_on_orbit(views, SIDE)).rgba
        return rearrange(seen, "v h w c -> c v h w") * 2 - 1

    def predict(self, latents: Tensor, timesteps: Tensor, cond: Tensor) -> Tensor:
        schedule = self.spec.schedule
        alpha, sigma = schedule.alpha_sigma(timesteps)
        spread = per_sample(alpha**2 * 0.01 + sigma**2, latents)
        off = latents - per_sample(alpha, latents) * cond
        eps = per_sample(sigma, latents) * off / spread
        return convert_prediction(eps, "eps", "v", latents, timesteps, schedule)

    def encode(self, pictures: Tensor) -> Tensor:
        return pictures

    def decode(self, latents: Tensor) -> Tensor:
        return latents


@pytest.fixture(scope="module")
def anchor() -> Pictures:
    """The ball from the front and the back alone."""
    cameras = cameras_on_orbit(FRONT_AND_BACK, SIDE)
    return Pictures(render(ball((0.9, 0.2, 0.1)), cameras).rgba, cameras)


def distilled(anchor: Pictures, steps: int, **more: object):
    options = DistilViews(num_steps=steps, guidance_scale=1.0, lambda_prior=20.0, rate=0.2)
    return distil_views(
        ball((0.3, 0.3, 0.3)), BallPrior(ball((0.9, 0.2, 0.1))), "a red ball", anchor, options, FIT,
        **more,
    )  # fmt: skip


def side_error(field: VoxelField) -> float:
    """How far the sides, which no picture shows, are from the ball that the prior knows."""
    cameras = cameras_on_orbit([View(90.0, 0.0), View(270.0, 20.0)], SIDE)
    wanted = render(ball((0.9, 0.2, 0.1)), cameras).rgba
    with torch.no_grad():
        return float((render(field, cameras).rgba - wanted).abs().mean())


def test_sides_that_no_picture_shows_become_what_the_prior_knows(anchor: Pictures) -> None:
    torch.set_num_threads(1)
    *_, last = distilled(anchor, 40)

    assert side_error(last.field) < 0.4 * side_error(ball((0.3, 0.3, 0.3)))
    assert {"loss", "prior", "colour", "opacity"} <= set(last.losses)


def test_killed_and_resumed_distillation_ends_in_the_same_bits(anchor: Pictures) -> None:
    torch.set_num_threads(1)
    steps = list(distilled(anchor, 5))
    first = distilled(anchor, 5)
    kept = None
    for step in first:
        if step.step == 2:
            kept = {
                name: value.clone() if isinstance(value, Tensor) else value
                for name, value in step.state.items()
            }
            kept["optimizer"] = [
                {name: value.clone() for name, value in one.items()}
                for one in step.state["optimizer"]
            ]
            break

    *_, resumed = distilled(anchor, 5, state=kept)

    assert torch.equal(resumed.field.density, steps[-1].field.density)
    assert torch.equal(resumed.field.colour, steps[-1].field.colour)


def test_views_go_evenly_round_at_a_random_turn() -> None:
    first, second = (views_round(4, torch.Generator().manual_seed(seed)) for seed in (0, 1))

    for views in (first, second):
        turns = sorted(view.azimuth_deg for view in views)
        assert [b - a for a, b in pairwise(turns)] == pytest.approx([90.0] * 3)
        assert all(-10 <= view.elevation_deg <= 30 for view in views)
    assert first != second


def test_time_falls_linearly_to_its_end() -> None:
    options = DistilViews(num_steps=3, max_time=0.6, min_time=0.2)

    assert [options.time(step) for step in (1, 2, 3)] == pytest.approx([0.6, 0.4, 0.2])
    with pytest.raises(ValueError, match="above max_time"):
        DistilViews(max_time=0.1, min_time=0.2)
