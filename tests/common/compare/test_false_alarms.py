"""The A/A bars: both sides have the same distribution, and every claim is a false alarm.

2,000 repeats leave a Monte-Carlo error of 0.5 points around 5 %, so the bar of 3.5 to 6.5 % is
three standard errors wide on either side.
"""

from collections.abc import Callable

import numpy as np
import pytest

from common.compare.differences import difference
from common.compare.significance import holm
from tests.common.compare.populations import CONTINUOUS, Draw, binary, lognormal, normal

REPEATS = 2_000
BAR = (0.035, 0.065)
# p-values do not depend on the level; at this one the search for the interval is left out.
NO_INTERVAL = 0.99999
# Fewer than usual to save time; that the same ones serve all repeats moves the rate by 0.3 points.
NUM_RESAMPLES = 3_999

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("unchecked")]


def p_of(a: np.ndarray, b: np.ndarray, *, paired: bool, labels: list[str] | None = None) -> float:
    return difference(
        a,
        b,
        paired=paired,
        clusters_a=labels,
        clusters_b=None if paired else labels,
        level=NO_INTERVAL,
        num_resamples=NUM_RESAMPLES,
    ).p_value


def false_alarm_rate(draw_p: Callable[[np.random.Generator], float], seed: int = 1) -> float:
    rng = np.random.default_rng(seed)
    return float(np.mean([draw_p(rng) <= 0.05 for _ in range(REPEATS)]))


@pytest.mark.parametrize("paired", [True, False], ids=["paired", "separate"])
@pytest.mark.parametrize("n", [8, 16, 64])
@pytest.mark.parametrize("draw", CONTINUOUS)
def test_same_distribution_gives_five_percent_false_alarms(
    draw: Draw, n: int, paired: bool
) -> None:
    def p_value(rng: np.random.Generator) -> float:
        return p_of(draw(rng, n), draw(rng, n), paired=paired)

    rate = false_alarm_rate(p_value)
    assert BAR[0] <= rate <= BAR[1], rate


# Ties make exact tests of rates conservative, most so for few runs. The sizes at success rate 1/2
# by the binomial distributions: McNemar's exact test, and Fisher's with twice the smaller tail.
@pytest.mark.parametrize(
    ("n", "paired", "size"),
    [
        (8, True, 0.0039),
        (8, False, 0.0213),
        (16, True, 0.0196),
        (16, False, 0.0202),
        (64, True, 0.0313),
        (64, False, 0.0298),
    ],
)
def test_rates_give_no_more_false_alarms_than_allowed(n: int, paired: bool, size: float) -> None:
    def p_value(rng: np.random.Generator) -> float:
        return p_of(binary(rng, n), binary(rng, n), paired=paired)

    rate = false_alarm_rate(p_value)
    assert rate <= BAR[1]
    # Four Monte-Carlo errors; random arrangements move one outcome across 5 %, worth 0.01 at most.
    slack = 0.01 if n > 8 else 0.0
    assert abs(rate - size) <= 4 * (size / REPEATS) ** 0.5 + slack, rate


def clustered(
    rng: np.random.Generator, prompts: np.ndarray, num_seeds: int, interaction: float
) -> np.ndarray:
    """Runs of each prompt: its own level, what the variant makes of it, and the seed."""
    own = interaction * rng.standard_normal((len(prompts), 1))
    noise = rng.standard_normal((len(prompts), num_seeds))
    return (prompts[:, None] + own + noise).ravel()


# (prompts, seeds, paired, spread of what a variant makes of a prompt). With few prompts the claim
# is about these prompts only, so there the variants must not differ on them.
@pytest.mark.parametrize(
    ("num_prompts", "num_seeds", "paired", "interaction"),
    [(8, 4, True, 1.0), (16, 2, False, 1.0), (4, 4, True, 0.0), (4, 4, False, 0.0)],
)
def test_prompts_as_clusters_give_five_percent_false_alarms(
    num_prompts: int, num_seeds: int, paired: bool, interaction: float
) -> None:
    labels = [f"prompt {i}" for i in range(num_prompts) for _ in range(num_seeds)]

    def p_value(rng: np.random.Generator) -> float:
        prompts = 3 * rng.standard_normal(num_prompts)
        a = clustered(rng, prompts, num_seeds, interaction)
        b = clustered(rng, prompts, num_seeds, interaction)
        return p_of(a, b, paired=paired, labels=labels)

    rate = false_alarm_rate(p_value)
    assert BAR[0] <= rate <= BAR[1], rate


def test_ignored_prompts_would_give_too_many_false_alarms() -> None:
    # The reason for the clusters: eight prompts of four seeds are no 32 independent runs.
    def p_value(rng: np.random.Generator) -> float:
        prompts = np.zeros(8)
        a, b = clustered(rng, prompts, 4, 1.0), clustered(rng, prompts, 4, 1.0)
        return p_of(a, b, paired=True)

    assert false_alarm_rate(p_value) > 0.15


@pytest.mark.parametrize(
    ("n_a", "n_b", "most"),
    # Equal sizes keep the level; small and wide against large and narrow is the known hard case.
    [(8, 8, 0.075), (16, 16, 0.07), (16, 64, 0.1)],
)
def test_unequal_spreads_nearly_keep_the_level(n_a: int, n_b: int, most: float) -> None:
    def p_value(rng: np.random.Generator) -> float:
        a, b = 3 * rng.standard_normal(n_a), rng.standard_normal(n_b)
        return p_of(a, b, paired=False)

    assert 0.035 <= false_alarm_rate(p_value) <= most


@pytest.mark.parametrize("paired", [True, False], ids=["paired", "separate"])
@pytest.mark.parametrize("n", [8, 20])
@pytest.mark.parametrize("draw", [normal, lognormal, binary])
def test_interval_excludes_zero_exactly_if_the_test_rejects(
    draw: Draw, n: int, paired: bool
) -> None:
    rng = np.random.default_rng(3)
    for i in range(100):
        # Shifts around the edge of significance, where the two could disagree.
        a, b = draw(rng, n) + (i % 3) * 0.5, draw(rng, n)
        found = difference(a, b, paired=paired, num_resamples=999)
        assert found.lo is not None
        assert found.hi is not None
        assert (found.lo > 0 or found.hi < 0) == (found.p_value <= 0.05), found


def test_holm_keeps_ten_claims_together_at_five_percent() -> None:
    rng = np.random.default_rng(7)
    repeats, families, single = 1_000, 0, 0
    for _ in range(repeats):
        rows = rng.lognormal(size=(2, 10, 10))
        p = [p_of(a, b, paired=True) for a, b in zip(rows[0], rows[1], strict=True)]
        families += min(holm(p)) <= 0.05
        single += min(p) <= 0.05
    # Three Monte-Carlo errors above 5 %; without Holm it is 1 - 0.95^10 = 40 %.
    assert families / repeats <= 0.05 + 3 * (0.05 * 0.95 / repeats) ** 0.5
    assert families / repeats >= 0.02
    assert single / repeats > 0.3
