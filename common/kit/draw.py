"""The random choices that make one instance, each kept under its name as ground truth."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from common.kit.face_pose import FacePose
from common.kit.palette import ColourName, Paint, paint
from common.kit.patterns import Pattern, Plain
from common.kit.real import Real


@dataclass
class Draw:
    """What a category's builder works from: the colours asked for, and named random numbers.

    Numbers are drawn from ``rng`` in the order they are asked for, so a builder must ask for the
    same numbers whatever ``pose`` is: then all frames of a talking face show one instance.
    """

    rng: np.random.Generator
    main: Paint
    accent: Paint
    pattern: Pattern = Plain()
    """What is painted over the main part."""
    pose: FacePose = FacePose()
    values: dict[str, float] = field(default_factory=dict)
    """Everything drawn so far by name; a choice is kept as its index."""

    def between(self, name: str, low: Real, high: Real) -> float:
        """A uniform number."""
        value = float(self.rng.uniform(low, high))
        self.values[name] = value
        return value

    def whole(self, name: str, low: int, high: int) -> int:
        """A uniform whole number from ``low`` to ``high``, both included."""
        value = int(self.rng.integers(low, high + 1))
        self.values[name] = float(value)
        return value

    def chance(self, name: str, probability: Real) -> bool:
        """True with this probability."""
        value = bool(self.rng.uniform() < probability)
        self.values[name] = float(value)
        return value

    def pick(self, name: str, options: Sequence[ColourName]) -> Paint:
        """A paint with one of these colour names."""
        index = int(self.rng.integers(len(options)))
        self.values[name] = float(index)
        return paint(options[index], self.rng)

    def paint(self, name: ColourName) -> Paint:
        """A paint of this colour name, for parts that always have it."""
        return paint(name, self.rng)
