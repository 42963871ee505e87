"""Optimizers and learning rates as nerfstudio's configs.

nerfstudio's own exponential decay keeps NumPy's numbers in checkpoints, which PyTorch from 2.6 on
refuses to load again, so that nothing could be resumed or evaluated. This one keeps plain ones.
"""

from dataclasses import dataclass, field

from nerfstudio.engine.optimizers import AdamOptimizerConfig
from nerfstudio.engine.schedulers import Scheduler, SchedulerConfig
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR


@dataclass
class GridAdamConfig(AdamOptimizerConfig):
    """Adam as grids want it: DVGO's betas; the tiny epsilon lets rarely seen nodes move."""

    eps: float = 1e-10
    """Added to the root of the second moment."""
    betas: tuple[float, float] = (0.9, 0.99)
    """Decay of the first and second moment."""


@dataclass
class FallingRateConfig(SchedulerConfig):
    """A rate that falls geometrically."""

    _target: type = field(default_factory=lambda: FallingRate)
    left: float = 0.1
    """What is left of the rate at the last step."""
    num_steps: int = 400
    """Steps over which it falls; afterwards it stays."""


class FallingRate(Scheduler):
    """``lr left^(step / (num_steps - 1))``, as `threed.optimise.rates.fallen`."""

    config: FallingRateConfig

    def get_scheduler(self, optimizer: Optimizer, lr_init: float) -> LambdaLR:
        """The schedule of one optimizer, as a factor of its own rate."""
        from threed.optimise.rates import fallen

        left, last = self.config.left, self.config.num_steps
        return LambdaLR(optimizer, lambda done: fallen(1.0, left, min(done + 1, last), last))
