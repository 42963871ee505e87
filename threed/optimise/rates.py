"""Learning rates over the steps of an optimisation."""


def fallen(rate: float, left: float, step: int, num_steps: int) -> float:
    """A rate that falls geometrically, from step 1 on, to ``left`` of itself."""
    return rate * left ** ((step - 1) / max(num_steps - 1, 1))
