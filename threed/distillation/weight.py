"""How much each noise level counts in score distillation."""

from typing import Literal

Weight = Literal["sigma_squared", "uniform", "reconstruction"]
"""``w(t)``: DreamFusion's ``sigma^2``, SJC's 1, or ``sigma / alpha``."""
