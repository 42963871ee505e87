"""How often a student of few steps is trained for each number of steps."""

from collections.abc import Sequence


def check_jump_shares(shares: Sequence[float], num_steps: Sequence[int]) -> None:
    """Refuse shares that are not one for each number of steps, or none at all.

    Raises:
        ValueError: with both.
    """
    if len(shares) != len(num_steps) or min(shares) < 0:
        raise ValueError(
            f"shares {tuple(shares)} must be one for each of architecture.num_steps "
            f"{tuple(num_steps)}, none below 0"
        )
    if not sum(shares) > 0:
        raise ValueError("shares must not all be 0")
