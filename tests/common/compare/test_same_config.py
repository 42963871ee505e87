"""An A/A comparison on real runs' values: same config, disjoint seeds, and a false alarm is one."""

import numpy as np
import pytest
import torch

from common.compare.statistics import difference, power_of_test
from common.diffusion.gaussian_config import GaussianPriorConfig
from common.diffusion.gaussian_prior import build_gaussian_prior
from common.diffusion.guidance_config import CFG
from common.diffusion.sample import sample
from common.diffusion.sampler_config import DPMSolverPP2M
from common.diffusion.samplers import build_scheduler
from common.generation.sample_metrics import sample_metrics
from common.seeding import generators_for, randn

NUM_RUNS = 480
NUM_REPEATS = 2_000
PROMPT = "a red ball"


@pytest.fixture(scope="module")
def atypicality() -> np.ndarray:
    """The metric of one config under ``NUM_RUNS`` seeds, as its runs would report it."""
    prior = build_gaussian_prior(GaussianPriorConfig(), (16, 16))
    scheduler = build_scheduler(
        DPMSolverPP2M(num_steps=6), prior.spec.schedule, prior.spec.prediction
    )
    values = []
    for first in range(0, NUM_RUNS, 60):
        seeds = range(first, first + 60)
        noise = torch.cat(
            [randn(prior.spec.latent_shape, generators_for(s, [0], "latents")) for s in seeds]
        )
        cond, uncond = prior.embed([PROMPT] * 60), prior.embed([""] * 60)
        *_, last = sample(
            prior, scheduler, cond, uncond, CFG(guidance_scale=3.0), noise,
            generators_for(first, range(60), "sampler"),
        )  # fmt: skip
        values += [sample_metrics(prior, x, PROMPT)["atypicality"] for x in last.latents]
    return np.array(values)


@pytest.mark.slow
@pytest.mark.parametrize("paired", [False, True])
def test_same_config_on_disjoint_seeds_alarms_at_the_nominal_rate(atypicality, paired):
    rng = np.random.default_rng(0)
    alarms = excluded = 0
    for repeat in range(NUM_REPEATS):
        chosen = rng.choice(atypicality, 32, replace=False)
        found = difference(chosen[:16], chosen[16:], paired=paired, seed=repeat, num_resamples=999)
        alarms += found.p_value <= 0.05
        excluded += not found.lo <= 0 <= found.hi
    # 3.5 to 6.5 %: the nominal 5 % and three standard errors of 2,000 repeats (0.49 %).
    assert 0.035 <= alarms / NUM_REPEATS <= 0.065
    assert 0.035 <= excluded / NUM_REPEATS <= 0.065


@pytest.mark.slow
def test_known_small_difference_is_found_at_its_computed_power(atypicality):
    sd, n = float(atypicality.std(ddof=1)), 16
    shift = 0.9 * sd
    expected = power_of_test(shift, sd, n, paired=False)
    rng = np.random.default_rng(1)
    hits = 0
    for repeat in range(NUM_REPEATS):
        chosen = rng.choice(atypicality, 2 * n, replace=False)
        found = difference(
            chosen[:n] + shift, chosen[n:], paired=False, seed=repeat, num_resamples=999
        )
        hits += found.p_value <= 0.05
    assert 0.3 < expected < 0.9, "neither hopeless nor certain, or the test shows little"
    # Three standard errors of the rate, and 3 % because the values are not quite normal.
    assert abs(hits / NUM_REPEATS - expected) < 3 * (0.25 / NUM_REPEATS) ** 0.5 + 0.03
