import pytest
import torch

from common.seeding import generator_for
from threed.bench.config import SceneTrial
from threed.bench.gradient_noise import gradient_noise
from threed.bench.known_figure import known_figure
from threed.bench.normal_views import PROMPT
from threed.bench.render_prior import SIDES, RenderPrior, pictures_of
from threed.distillation.control_variate import learnt, no_past
from threed.distillation.loss_config import ISM, SDS
from threed.distillation.scores import guided
from threed.score_distillation import DistilledViews

VIEWS = SIDES[:2]
TRIAL = SceneTrial(views=DistilledViews(num_views=2, size_px=16), view_conditioning=1.0)
PRIOR = RenderPrior(known_figure(), TRIAL)
RENDERS = [pictures_of(known_figure(), VIEWS, 16) * 0.5 for _ in range(2)]


def noise_of(loss, past=None):
    return gradient_noise(loss, PRIOR, RENDERS, VIEWS, past, seed=0)


def test_less_is_taken_off_by_no_baseline_where_noise_is_strong():
    found, none = noise_of(SDS()), noise_of(SDS(baseline="none"))
    assert none.over_mean > 2 * found.over_mean
    assert found.over_noise_baseline is None
    assert noise_of(ISM()).over_mean == 0, "an inversion draws nothing"


def test_learnt_baseline_is_compared_with_both_on_the_same_draws():
    loss = SDS(baseline="learnt")
    without = noise_of(loss, no_past())
    assert without.over_noise_baseline == pytest.approx(1.0), "nothing learnt: sds"
    past, generator = no_past(), generator_for(1, 0, "past")
    cond, empty = PRIOR.embed([PROMPT], [VIEWS]), PRIOR.embed([""], [None])
    for time in (0.15, 0.3, 0.45, 0.6, 0.75, 0.9):
        for _ in range(20):
            times = PRIOR.spec.schedule.timesteps(torch.tensor([time])).round()
            noise = torch.randn(1, *PRIOR.spec.latent_shape, generator=generator)
            noised = PRIOR.spec.schedule.add_noise(RENDERS[0][None], noise, times)
            seen = guided(PRIOR, noised, times, cond, empty, loss.guidance)
            past = learnt(past, seen.noise, noise, times, PRIOR.spec.schedule)
    found = noise_of(loss, past)
    assert found.over_noise_baseline < 0.3
    assert found.over_no_baseline < 0.3
