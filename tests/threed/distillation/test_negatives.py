"""Perp-Neg and negative prompts in the losses."""

import pytest
import torch
from einops import rearrange

from common.diffusion.guidance_config import CFG
from common.diffusion.guided_prediction import Negative
from common.embedded.image_unet import View
from tests.threed.distillation.normal_prior import SHAPE, drawn
from tests.threed.distillation.normal_prior import TwoSpreads as Spreads
from threed.distillation.loss_config import (
    DDS,
    ISM,
    RFDS,
    SDI,
    SDS,
    SJC,
    VSD,
    HiFA,
    PerpNegSides,
)
from threed.distillation.loss_gradient import Before, Draw, loss_gradient
from threed.distillation.negatives import negatives_of, side_weights
from threed.distillation.past import past_of
from threed.distillation.picture_views import PictureViews

TIMES = torch.tensor([480.0, 700.0], dtype=torch.float64)
PERP = PerpNegSides(guidance_scale=7.5, other_sides=True)
CLOSE = {"rtol": 1e-9, "atol": 1e-11}
"""Float64."""
GUIDED = [
    SDS(), SDS(baseline="learnt"), SJC(), ISM(), SDI(num_inversion_steps=2), RFDS(), VSD(), HiFA(),
    DDS(),
]  # fmt: skip


class Words(Spreads):
    """A prompt leads to a picture of its own: the letters seed it."""

    def __init__(self):
        super().__init__(0.3, 1.2)

    def embed(self, prompts):
        rows = [drawn(sum(prompt.encode()), 1)[0] if prompt else torch.zeros(SHAPE).double()
                for prompt in prompts]  # fmt: skip
        return torch.stack(rows)

    def predict(self, latents, timesteps, cond):
        schedule = self.spec.schedule
        alpha, sigma = (value[:, None, None, None] for value in schedule.alpha_sigma(timesteps))
        empty = (cond == 0).all((1, 2, 3), keepdim=True)
        spread = alpha**2 * torch.where(empty, self.wide, self.var) + sigma**2
        noise = sigma * (latents - alpha * cond) / spread
        return alpha * noise - sigma * (latents - sigma * noise) / alpha  # v


PRIOR = Words()


def gradient(loss, negatives=(), prior=PRIOR, before_negatives=()):
    cond_of = lambda words: prior.embed([words] * 2)  # noqa: E731
    generators = [torch.Generator().manual_seed(row) for row in range(2)]
    before = Before("a cat", drawn(3, 2), before_negatives)
    draw = Draw(drawn(0, 2), TIMES, drawn(1, 2), generators, drawn(2, 2), before, negatives)
    past = past_of(loss, prior, 0)
    return loss_gradient(loss, prior, "a fox", cond_of, draw, past)[0].gradient


def negative(words, weight=1.0):
    return Negative(PRIOR.embed([words] * 2), torch.full((2,), weight, dtype=torch.float64))


def guided_by(loss, guidance, negative_prompt=""):
    return loss.model_copy(update={"guidance": guidance, "negative_prompt": negative_prompt})


@pytest.mark.parametrize("loss", GUIDED, ids=lambda loss: loss.name)
def test_negatives_parallel_to_the_prompt_are_plain_guidance(loss):
    plain = gradient(guided_by(loss, CFG(guidance_scale=7.5)))
    alike = [negative("a fox", 3.0), negative("", 2.0)]
    found = gradient(guided_by(loss, PERP), alike, before_negatives=[negative("a cat", 3.0)])
    torch.testing.assert_close(found, plain, **CLOSE)


@pytest.mark.parametrize("loss", GUIDED, ids=lambda loss: loss.name)
def test_another_negative_changes_every_guided_loss(loss):
    plain = gradient(guided_by(loss, CFG(guidance_scale=7.5)))
    dull = [negative("dull")]
    found = gradient(guided_by(loss, PERP), dull, before_negatives=dull)
    assert float((found - plain).abs().max()) > 1e-3


def test_perp_neg_is_its_equation_across_the_prompt():
    """``-s w d_perp`` beside plain guidance, of equal spreads: ``d`` is between the means."""
    prior = PRIOR
    schedule = prior.spec.schedule
    noised = schedule.add_noise(drawn(0, 2), drawn(1, 2), TIMES)

    def eps(words):
        from threed.distillation.scores import predicted_noise

        return predicted_noise(prior, noised, TIMES, prior.embed([words] * 2))

    empty, prompt, bad = eps(""), eps("a fox"), eps("dull")
    d, away = (rearrange(one - empty, "b c h w -> b (c h w)") for one in (prompt, bad))
    across = away - (away * d).sum(1, keepdim=True) / (d * d).sum(1, keepdim=True) * d
    loss = SDS(guidance=PERP, weight="uniform")
    plain = gradient(SDS(guidance=CFG(guidance_scale=7.5), weight="uniform"))
    expected = plain - 7.5 * 0.8 * across.reshape(plain.shape)
    torch.testing.assert_close(gradient(loss, [negative("dull", 0.8)]), expected, **CLOSE)


@pytest.mark.parametrize("loss", GUIDED, ids=lambda loss: loss.name)
def test_rescale_zero_is_the_identity_and_more_is_not(loss):
    scale = {"guidance_scale": 7.5}
    plain = gradient(guided_by(loss, CFG(**scale)))
    assert torch.equal(gradient(guided_by(loss, CFG(**scale, rescale=0.0))), plain)
    changed = gradient(guided_by(loss, CFG(**scale, rescale=0.5)))
    assert float((changed - plain).abs().max()) > 1e-3


@pytest.mark.parametrize(
    "loss", [one for one in GUIDED if not isinstance(one, SDI | ISM)], ids=lambda loss: loss.name
)
def test_scale_one_knows_no_negative_prompt_in_any_loss(loss):
    """A hidden ``s + 1`` would know it; inversions ask without a prompt besides."""
    one = CFG(guidance_scale=1.0)
    found = [gradient(guided_by(loss, one, words)) for words in ("", "dull")]
    assert torch.equal(*found)


@pytest.mark.parametrize("loss", [SDS(), SJC(), RFDS(), VSD(), HiFA()], ids=lambda one: one.name)
def test_negative_prompt_takes_the_place_of_no_prompt(loss):
    """At scale 0 nothing but what stands there is left."""
    none = CFG(guidance_scale=0.0)
    swapped = gradient(guided_by(loss, none, "a fox"))
    torch.testing.assert_close(swapped, gradient(guided_by(loss, CFG(guidance_scale=1.0))), **CLOSE)


# -------------------------------------------------------------------------- other sides


@pytest.mark.parametrize(("azimuth", "front", "side"), [
    (0.0, 0.0, 1.574), (90.0, 1.5735, 0.0), (270.0, 1.5735, 0.0), (180.0, 1.967, 0.394),
    (359.0, 0.0, 1.57),
])  # fmt: skip
def test_views_move_away_from_the_sides_that_they_are_not(azimuth, front, side):
    """Constants of threestudio, rounded there to three digits: they meet within 0.02."""
    found = side_weights(View(azimuth, 10.0))
    assert found == pytest.approx((front, side), abs=0.02)


def test_side_weights_are_continuous_round_the_circle_and_never_negative():
    weights = torch.tensor([side_weights(View(float(turn), 0.0)) for turn in range(361)])
    assert float(weights.diff(dim=0).abs().max()) < 0.03
    assert float(weights.min()) >= 0
    assert side_weights(View(90.0, 80.0)) == (0.0, 0.0)
    torch.testing.assert_close(weights, weights.flip(0))


VIEWS = [View(0.0, 10.0), View(95.0, 10.0), View(180.0, 0.0), View(200.0, 70.0)]


def test_each_view_of_a_picture_prior_is_projected_for_itself():
    """Views together are, to the bit of float64, each view alone."""
    views = PictureViews(PRIOR, 4)
    loss = SDS(guidance=PERP, negative_prompt="dull", weight="uniform")
    shape = (1, SHAPE[0], 4, *SHAPE[1:])
    generator = torch.Generator().manual_seed(5)
    x, noise = (torch.randn(shape, generator=generator).double() for _ in range(2))

    def says(words, where=VIEWS):
        return PictureViews(PRIOR, len(where)).embed([words], [where] if words else None)

    def found(prior, x, noise, where):
        away = negatives_of(prior, loss, "a fox", where, 1)
        assert len(away) == 3
        draw = Draw(x, TIMES[:1], noise, [generator], x, None, away)
        told = lambda words: says(words, where)  # noqa: E731
        return loss_gradient(loss, prior, "a fox", told, draw, None)[0].gradient

    together = found(views, x, noise, VIEWS)
    for index, view in enumerate(VIEWS):
        one = slice(index, index + 1)
        alone = found(PictureViews(PRIOR, 1), x[:, :, one], noise[:, :, one], [view])
        torch.testing.assert_close(together[:, :, one], alone, **CLOSE)


def test_negatives_are_for_perp_neg_alone():
    views = PictureViews(PRIOR, 4)
    assert negatives_of(views, SDS(negative_prompt="dull"), "a fox", VIEWS, 1) == ()
    sides = negatives_of(views, SDS(guidance=PERP), "a fox", VIEWS, 2)
    assert [tuple(one.weight.shape) for one in sides] == [(2, 4), (2, 4)]
    assert float(sides[1].weight[0, 1]) < 0.02, "the side view does not leave the side"


@pytest.mark.parametrize("kind", [SDS, DDS, VSD])
def test_perp_neg_without_a_negative_is_refused(kind):
    with pytest.raises(ValueError, match="needs a negative_prompt or other_sides"):
        kind(guidance=PerpNegSides())
