"""The statistics of a comparison: means and differences, with intervals and tests for few runs.

Which method is used depends on the design only, never on the values, and each result names it:

- mean: studentised bootstrap; Wilson's interval for rates.
- difference of paired runs (same prompt and seed): sign-flip test, for rates McNemar's exact test.
- difference of separate runs: studentised permutation test, within prompts where both ran the same.
- from `FEWEST_PROMPTS` prompts on, prompts are the independent units and the result speaks for
  prompts like these; with fewer it speaks for new seeds of these prompts only.

The parts are in `means`, `differences`, `significance` and `power`; this module is their door.
"""

from common.compare.differences import difference
from common.compare.estimates import NUM_RESAMPLES, Difference, Estimate, Population
from common.compare.means import mean_interval
from common.compare.power import detectable_difference, power_of_test, units_needed
from common.compare.prompts import FEWEST_PROMPTS
from common.compare.significance import Claim, Summary, compare_all, holm, summarise

__all__ = [
    "FEWEST_PROMPTS",
    "NUM_RESAMPLES",
    "Claim",
    "Difference",
    "Estimate",
    "Population",
    "Summary",
    "compare_all",
    "detectable_difference",
    "difference",
    "holm",
    "mean_interval",
    "power_of_test",
    "summarise",
    "units_needed",
]
