"""Numbers that change over the steps, as threestudio writes them."""

from dataclasses import dataclass
from typing import Any

from common.errors import InputError
from threed.peers.settings import as_number


@dataclass(frozen=True)
class Ramp:
    """From ``first`` to ``last``, linearly between two steps; both are equal where it is fixed."""

    first: float
    last: float
    begins: float
    ends: float

    @property
    def middle(self) -> float:
        """The step at which it is half way."""
        return (self.begins + self.ends) / 2

    def __str__(self) -> str:
        """In words."""
        if self.first == self.last:
            return f"{self.first:g}"
        return f"{self.first:g} to {self.last:g} between steps {self.begins:g} and {self.ends:g}"


def ramp_of(key: str, value: Any) -> Ramp:
    """``x``, or ``[start step, start value, end value, end step]``, or the last three of these.

    Raises:
        InputError: neither.
    """
    parts = value if isinstance(value, list) else [value]
    numbers = [as_number(part) for part in parts]
    if any(number is None for number in numbers) or len(numbers) not in (1, 3, 4):
        raise InputError(
            f"{key} is {value!r}; threestudio takes a number, or [start step, start value, end "
            "value, end step]"
        )
    known = [number for number in numbers if number is not None]
    if len(known) == 1:
        return Ramp(known[0], known[0], 0.0, 0.0)
    begins, first, last, ends = known if len(known) == 4 else [0.0, *known]
    return Ramp(first, last, begins, ends)
