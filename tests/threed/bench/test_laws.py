"""The laws of normal priors: against published numbers, and the losses' own code against them."""

import math

import numpy as np
import pytest
import torch

from common.compare.config import CompareConfig, MetricConfig, Prediction, Variant
from common.compare.measurements import Measurement, Unit
from common.compare.predictions import check_predictions, undetected
from common.diffusion.guidance_config import CFG
from common.diffusion.noise_schedule import build_noise_schedule
from common.diffusion.schedule_config import ScaledLinearSchedule
from threed.bench.affine import NormalWorld, affine_of
from threed.bench.chains import descended, spread_times
from threed.bench.config import ViewLaws
from threed.bench.laws import law_of
from threed.distillation.loss_config import CSD, ISM, NFSD, SDI, SDS, VSD, HiFA

SCHEDULE = build_noise_schedule(ScaledLinearSchedule())
TWICE = NormalWorld(0.5, 1.0, 0.75, 20, 980)
"""No prompt is spread twice as wide."""
SMALL = ViewLaws(num_chains=128, num_steps=100)


def ends(loss, world=TWICE) -> float:
    law = law_of(loss, world, SCHEDULE, 0.05)
    assert law is not None
    return law.saturation


@pytest.mark.parametrize(("weight", "expected"), [
    ("sigma_squared", (2.78, 3.43, 3.72)), ("uniform", (2.08, 2.36, 2.46)),
    ("reconstruction", (3.23, 4.25, 4.73)),
])  # fmt: skip
def test_over_saturation_ranks_the_weights(weight, expected):
    """Guidance 7.5, 25 and 100 with spreads 0.5 and 1, worked out apart from this code."""
    found = [ends(SDS(weight=weight, guidance=CFG(guidance_scale=s))) for s in (7.5, 25.0, 100.0)]
    assert found == pytest.approx(expected, abs=0.006)


def test_equal_spreads_land_the_scale_in_displacements_away():
    world = NormalWorld(0.7, 0.7, 1.05, 20, 980)
    assert ends(SDS(guidance=CFG(guidance_scale=100.0)), world) == pytest.approx(100.0)
    assert law_of(CSD(), world, SCHEDULE, 0.05) is None, "no pull back: it drifts"


def test_csd_is_where_sds_goes_with_its_scale():
    assert ends(SDS(guidance=CFG(guidance_scale=1e3))) < ends(CSD())
    near = [ends(SDS(guidance=CFG(guidance_scale=s))) for s in (500.0, 1000.0)]
    # The distance falls as 1 / s.
    assert 2 * near[1] - near[0] == pytest.approx(ends(CSD()), rel=1e-4)


def test_ism_in_tiny_steps_is_exact_inversion():
    """``1 / k [sigma_t / sqrt(alpha_t^2 k^2 + sigma_t^2) - the same at s]``, of one normal."""
    k = 0.7
    world = NormalWorld(k, k, k, 300, 700)
    last = SCHEDULE.max_timestep
    loss = ISM(guidance=CFG(guidance_scale=1.0), interval=1 / last, stride=1 / last,
               weight="uniform")  # fmt: skip
    form = affine_of(loss, world, SCHEDULE)
    share = form.sigma / np.sqrt(form.alpha**2 * k**2 + form.sigma**2)
    # From table to table: the difference of neighbours, and pulls of steps of 1 at their later end.
    assert form.pull[1:] == pytest.approx(np.diff(share) / k, rel=0.02)


@pytest.mark.parametrize("loss", [
    SDS(), SDS(baseline="none"), NFSD(), HiFA(picture_scale=0.5), VSD(), SDI(eta=0.3), ISM(),
], ids=lambda loss: f"{loss.name}-{getattr(loss, 'baseline', '')}")  # fmt: skip
def test_losses_end_where_their_law_says(loss):
    laws = SMALL if not isinstance(loss, SDI) else SMALL.model_copy(update={"num_chains": 48})
    found = descended(loss, laws, seed=0)
    # 12,800 latents (4,800 of SDI), about 20 steps of which are worth one: two to four percent.
    assert found.saturation == pytest.approx(found.law.saturation, rel=0.03)
    assert found.spread == pytest.approx(found.law.spread, rel=0.1)
    assert found.noise == pytest.approx(found.law.noise, rel=0.1, abs=1e-12)


def test_spread_times_are_even_and_each_is_anywhere():
    """One in each part; by itself uniform, by a chi-square test."""
    generator = torch.Generator().manual_seed(0)
    rows = torch.stack([spread_times(8, 10, 41, generator) for _ in range(2000)])
    parts = ((rows - 10) / 4).floor().sort(1).values
    assert torch.equal(parts, torch.arange(8.0).double().expand(2000, 8))
    counts = torch.bincount(rows[:, 3].long(), minlength=42)[10:]
    assert len(counts) == 32
    chi = float(((counts - 2000 / 32) ** 2 / (2000 / 32)).sum())
    assert chi < 61.1  # the 99.9 % point with 31 degrees of freedom


def test_particles_keep_the_priors_spread():
    found = descended(VSD(guidance=CFG(guidance_scale=1.0)), SMALL, seed=0)
    assert found.law.spread == pytest.approx(0.7, rel=1e-6)
    assert found.spread == pytest.approx(0.7, abs=0.03)


def test_learnt_baseline_takes_nearly_all_noise_away():
    learnt, plain = (descended(SDS(baseline=b), SMALL, 0) for b in ("learnt", "noise"))
    assert learnt.noise < 0.02 * plain.noise
    assert learnt.law.noise is None, "its past is not predicted"


def checked(faults, num_seeds=4):
    """Predictions of SDS, sound and broken, as a comparison checks them."""
    rows = []
    for fault in faults:
        for seed in range(num_seeds):
            found = descended(SDS(), SMALL.model_copy(update={"fault": fault}), seed)
            values = {"saturation": found.saturation, "saturation_law": found.law.saturation}
            rows += [
                Measurement(fault, Unit("", seed), name, value if math.isfinite(value) else None)
                for name, value in values.items()
            ]
    config = CompareConfig(
        name="c", run="evaluate/distillation",
        variants=tuple(Variant(label=f, broken=f != "none") for f in faults),
        predictions=(Prediction(metric="saturation", predicted="saturation_law"),),
        metrics=(MetricConfig(metric="saturation", better="lower"),),
    )  # fmt: skip
    return check_predictions(config, rows)


def test_sound_losses_hold_and_broken_ones_fail():
    found = checked(("none", "sign", "swapped"))
    assert [one.verdict == "fails" for one in found] == [False, True, True]
    assert undetected(found) == ()
