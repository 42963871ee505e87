"""The kinds of prediction a prior can make; ``prediction`` has their meaning and conversions."""

from typing import Literal

PredictionType = Literal["eps", "x0", "v", "velocity"]
