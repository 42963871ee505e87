"""Means and differences of measured metrics, with intervals and tests that hold for few runs.

Which method is used depends on the design only, never on the values, and the result names it:

- mean: studentised bootstrap; Wilson's interval for rates.
- difference of paired runs (same prompt and seed): exact sign-flip test. For rates this is McNemar's
  exact test.
- difference of separate runs: studentised permutation test, for rates too, within prompts where
  both arms ran the same ones.
- with at least `FEWEST_PROMPTS` prompts, prompts are the independent units and the result speaks for
  prompts like these; with fewer it speaks for new seeds of these prompts only.

Test and interval of a difference come from the same arrangements: 0 is outside the interval exactly
if the p-value is at most ``1 - level``. Only where a design is too small to reject at all (fewer than
six pairs, or four runs against four, at 95 %) the interval is Student's and assumes normal values.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

from common.compare.arrangements import PermutationResult
from common.compare.bootstrap import studentised_interval
from common.compare.estimates import Difference, Estimate, Population
from common.compare.prompts import (
    FEWEST_PROMPTS,
    Labels,
    cluster_index,
    cluster_means,
    stratified_error,
)
from common.compare.rates import effective_size, wilson_interval
from common.compare.regrouping import group_error, regroup_test
from common.compare.sign_flip import sign_flip_test
from common.errors import InputError

NUM_RESAMPLES = 9_999
"""Random resamples and arrangements: with the observed one 10,000, so that 5 % is a whole number."""

Values = Sequence[float] | np.ndarray
"""Values of one metric, one for each run; finite."""
