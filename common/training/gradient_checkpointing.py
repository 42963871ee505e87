"""Gradient checkpointing (Chen et al. 2016, arXiv 1604.06174): less memory for more computing.

Of a U-Net's residual blocks and transformer blocks only what they begin with is kept; for the
gradient each is computed again, and in the same bits, as nothing in them is random.
"""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

from torch import nn
from torch.utils.checkpoint import checkpoint

from common.adapters.low_rank import LowRank


def keep_beginnings(unet: Any, learnt: nn.Module) -> None:
    """Make a U-Net of diffusers compute its blocks again for the gradient; it changes it.

    Args:
        unet: that gradients go through.
        learnt: a low-rank change of it, which is there in the second computing too, or anything
            else that is learnt.
    """

    def within() -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
        """Around the first and the second computing; what is around the first is there already."""
        again = learnt.applied(unet) if isinstance(learnt, LowRank) else nullcontext()
        return nullcontext(), again

    def computed(module: nn.Module, *given: Any) -> Any:
        return checkpoint(module, *given, use_reentrant=False, context_fn=within)

    unet.enable_gradient_checkpointing(computed)
