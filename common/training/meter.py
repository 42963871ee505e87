"""Means of the losses between two rows of metrics, kept in the checkpoint like the weights."""

from collections.abc import Mapping


class Meter:
    """Sums of numbers since the last reading.

    State: the sums and how many steps they hold.
    """

    def __init__(self, state: dict[str, float] | None = None):
        self.sums: dict[str, float] = dict(state or {})

    def add(self, losses: Mapping[str, float]) -> None:
        """Take in one step."""
        self.sums["steps"] = self.sums.get("steps", 0.0) + 1
        for name, value in losses.items():
            key = f"train/{name}"
            self.sums[key] = self.sums.get(key, 0.0) + value

    def read(self) -> dict[str, float]:
        """The mean of each number since the last reading, which starts anew."""
        steps = self.sums.pop("steps", 0.0)
        means = {name: total / steps for name, total in self.sums.items()} if steps else {}
        self.sums = {}
        return means
