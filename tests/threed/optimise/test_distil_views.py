import pytest
import torch
from torch import Tensor

from common.embedded.image_unet import View
from common.embedded.orbit import cameras_on_orbit
from tests.threed.optimise.ball_prior import SIDE, BallPrior, ball
from threed.optimise.distil_options import DistilViews
from threed.optimise.distil_views import distil_views
from threed.optimise.fit_options import FitOptions
from threed.rendering.volume import render
from threed.scenes.voxel_field import VoxelField
from threed.texturing.bake import Pictures

FIT = FitOptions(num_cells=24, steps=(4,), lambda_colour_variation=0.01, lambda_bending=0.0)
FRONT_AND_BACK = (View(0.0, 12.0), View(180.0, 12.0))


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


def test_time_falls_linearly_to_its_end() -> None:
    options = DistilViews(num_steps=3, max_time=0.6, min_time=0.2)

    assert [options.time(step) for step in (1, 2, 3)] == pytest.approx([0.6, 0.4, 0.2])
    with pytest.raises(ValueError, match="above max_time"):
        DistilViews(max_time=0.1, min_time=0.2)
