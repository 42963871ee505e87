"""The prior of renders is the mixture it says it is; measures of scenes know the figure."""

import math

import pytest
import torch
from einops import rearrange

from common.embedded.image_unet import View
from threed.bench.config import BenchConfig, SceneTrial, ViewLaws
from threed.bench.known_figure import known_figure
from threed.bench.normal_views import PROMPT
from threed.bench.render_prior import SIDES, RenderPrior, pictures_of
from threed.bench.scene_measures import diversity, measured
from threed.distillation.loss_config import ISM
from threed.scenes.voxel_field import VoxelField
from threed.score_distillation import DistilledViews

FIGURE = known_figure()
VIEWS = (View(20.0, 5.0), View(130.0, 15.0))
TIMES = torch.tensor([300.0, 700.0], dtype=torch.float64)


def prior_of(**dials):
    return RenderPrior(FIGURE, SceneTrial(views=DistilledViews(num_views=2, size_px=16), **dials))


def noised(prior):
    generator = torch.Generator().manual_seed(0)
    shape = (2, *prior.spec.latent_shape)
    return torch.randn(shape, generator=generator, dtype=torch.float64, requires_grad=True)


@pytest.mark.parametrize(("prompt", "spread"), [(PROMPT, 0.5), ("", 1.0), ("poor thing", 0.75)])
def test_prediction_is_the_score_of_the_mixture(prompt, spread):
    """``eps_hat = -sigma grad log p(z)``, the density written out mode by mode."""
    prior = prior_of(spread=0.5, wide=2.0, poor=1.5, view_conditioning=0.3, front_bias=0.6)
    z = noised(prior)
    cond = prior.embed([prompt] * 2, [VIEWS if prompt else None] * 2)
    sides = pictures_of(FIGURE, SIDES, 16).double()
    modes, weights = [sides[:, k] for k in range(8)], [0.6 + 0.05, *[0.05] * 7]
    alpha, sigma = prior.spec.schedule.alpha_sigma(TIMES)
    total = torch.zeros((), dtype=torch.float64)
    for b in range(2):
        d = alpha[b] ** 2 * spread**2 + sigma[b] ** 2
        for v in range(2):
            means, shares = list(modes), list(weights)
            if prompt:
                means.append(pictures_of(FIGURE, VIEWS, 16).double()[:, v])
                shares = [0.7 * share for share in shares] + [0.3]
            if prompt == "poor thing":
                means = [washed(one) for one in means]
            logs = [math.log(w) - (z[b, :, v] - alpha[b] * m).square().sum() / (2 * d)
                    for w, m in zip(shares, means, strict=True)]  # fmt: skip
            total = total + torch.stack(logs).logsumexp(0)
    (score,) = torch.autograd.grad(total, z)
    expected = -rearrange(sigma, "b -> b 1 1 1 1") * score
    found = prior.predict(z.detach(), TIMES, cond)
    # Renders are float32.
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


def washed(mode):
    colour, opacity = (mode[:3] + 1) / 2, (mode[3:] + 1) / 2
    return torch.cat([(colour + opacity / 2) / 2, opacity]) * 2 - 1


def test_full_conditioning_knows_nothing_of_other_sides():
    prior = prior_of(view_conditioning=1.0, spread=0.5)
    z = noised(prior).detach()
    alpha, sigma = (rearrange(one, "b -> b 1 1 1 1")
                    for one in prior.spec.schedule.alpha_sigma(TIMES))  # fmt: skip
    own = pictures_of(FIGURE, VIEWS, 16).double()
    expected = sigma * (z - alpha * own) / (alpha**2 * 0.25 + sigma**2)
    found = prior.predict(z, TIMES, prior.embed([PROMPT] * 2, [VIEWS] * 2))
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-6)


def test_figure_is_like_itself():
    found = measured(FIGURE, FIGURE, 24)
    assert found.psnr_db == pytest.approx(100.0)
    assert (found.chamfer_cm, found.num_fronts) == (0.0, 1)
    assert found.colour_gain == pytest.approx(1.0)
    assert diversity([FIGURE, FIGURE], 24) == 0.0
    assert diversity([FIGURE], 24) is None


def test_figure_with_two_faces_has_two_fronts():
    """The front half, and the same once more turned by half a circle."""
    density, colour = FIGURE.density.clone(), FIGURE.colour.clone()
    density[:, :, :12] = FIGURE.density.flip(0, 2)[:, :, :12]
    colour[:, :, :12] = FIGURE.colour.flip(0, 2)[:, :, :12]
    found = measured(VoxelField(density, colour), FIGURE, 24)
    assert found.num_fronts == 2
    assert found.psnr_db < 35


def test_figure_that_stands_aside_is_off_centre_and_no_fog():
    """Sides at angle ``a`` to the way see ``cos a`` of it: its root mean square is 0.71."""
    aside = known_figure(aside_m=0.15)
    found = measured(aside, aside, 24, FIGURE)
    assert found.psnr_db == pytest.approx(100.0)
    assert found.off_centre_cm == pytest.approx(15 * 0.5**0.5, rel=0.05)
    assert found.fog < 0.001
    assert measured(FIGURE, FIGURE, 24).off_centre_cm == 0.0


def test_thin_matter_everywhere_is_fog():
    fog = VoxelField(FIGURE.density.clamp_min(-4.0), FIGURE.colour)
    clear = measured(FIGURE, FIGURE, 24).fog
    assert measured(fog, FIGURE, 24).fog > clear + 0.05


def test_stronger_colours_have_a_gain():
    strong = VoxelField(FIGURE.density, 2 * FIGURE.colour, FIGURE.low, FIGURE.high)
    # Raw colours are logits, small ones here: nearly twice as far from grey.
    assert measured(strong, FIGURE, 24).colour_gain == pytest.approx(1.9, abs=0.1)


def test_empty_scene_has_neither_surface_nor_colour():
    empty = VoxelField(torch.full_like(FIGURE.density, -10.0), FIGURE.colour)
    found = measured(empty, FIGURE, 24)
    assert (found.chamfer_cm, found.colour_gain, found.off_centre_cm) == (None, None, None)


@pytest.mark.parametrize(("keys", "message"), [
    ({"laws": ViewLaws(num_steps=0), "trial": SceneTrial(num_steps=0)}, "nothing is tried"),
    ({"laws": ViewLaws(fault="sign")}, "set trial.num_steps 0"),
    ({"loss": ISM(interval=0.2)}, "begins before time 0"),
])  # fmt: skip
def test_settings_that_cannot_be_are_refused(keys, message):
    with pytest.raises(ValueError, match=message):
        BenchConfig(name="b", **keys)
