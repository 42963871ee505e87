"""How much each noise level counts in score distillation."""

from typing import Literal

Weight = Literal["sigma_squared", "uniform", "reconstruction", "alpha_sigma_squared"]
"""``w(t)``: DreamFusion's ``sigma^2``, SJC's 1, MVDream's ``sigma / alpha``, Fantasia3D's
``alpha sigma^2``."""
