"""A cloud under Adam: its leaves, their moments, and how both follow when rows come and go."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Int64
from torch import Tensor

from common.runs.optimizer_state import load_optimizer_state, optimizer_state
from common.runs.state import State
from threed.scenes.gaussian_cloud import GaussianCloud

LEAVES = ("means", "log_scales", "quaternions", "opacity_logits", "sh_constant", "sh_rest")
"""What is optimised: as in the cloud, with the constant harmonics apart, which learn faster."""


@dataclass(frozen=True, eq=False)
class LiveCloud:
    """Leaves that require gradients, and the optimizer with one group for each."""

    leaves: dict[str, Tensor]
    optimizer: torch.optim.Optimizer

    def __len__(self) -> int:
        return len(self.leaves["means"])

    def cloud(self, degree: int | None = None) -> GaussianCloud:
        """The cloud as it stands, attached to the leaves; up to a degree of harmonics."""
        means, log_scales, quaternions, logits, constant, rest = self.leaves.values()
        if degree is not None:
            rest = rest[:, : (degree + 1) ** 2 - 1]
        sh = torch.cat([constant, rest], 1)
        return GaussianCloud(means, log_scales, quaternions, logits, sh)

    def state(self) -> State:
        """What `restored` continues from; its tensors are alive."""
        detached = {name: leaf.detach() for name, leaf in self.leaves.items()}
        return {"leaves": detached, "optimizer": optimizer_state(self.optimizer)}


def live_cloud(cloud: GaussianCloud) -> LiveCloud:
    """A copy of a cloud, ready for its first step."""
    parts = (cloud.means, cloud.log_scales, cloud.quaternions, cloud.opacity_logits,
             cloud.sh[:, :1], cloud.sh[:, 1:])  # fmt: skip
    return _live(dict(zip(LEAVES, parts, strict=True)))


def restored(state: State) -> LiveCloud:
    """The cloud that `LiveCloud.state` described."""
    live = _live({name: state["leaves"][name] for name in LEAVES})
    load_optimizer_state(live.optimizer, state["optimizer"])
    return live


def rearranged(
    live: LiveCloud,
    rows: Int64[Tensor, " m"],
    fresh: Bool[Tensor, " m"],
    changes: dict[str, Tensor],
) -> LiveCloud:
    """A cloud of some of the rows, any number of times each.

    Args:
        live: the cloud before; of no use afterwards.
        rows: of the cloud before, one for each of the new cloud.
        fresh: whose moments begin at zero again.
        changes: leaves of the new cloud that are not copies, by name, whole.
    """
    leaves = {name: changes.get(name, leaf.detach()[rows]) for name, leaf in live.leaves.items()}
    moved = _live(leaves)
    for name in LEAVES:
        state = live.optimizer.state.get(live.leaves[name], {})
        kept = {}
        for key, value in state.items():
            if value.shape == live.leaves[name].shape:
                value = value[rows]
                value[fresh] = 0
            kept[key] = value
        if kept:
            moved.optimizer.state[moved.leaves[name]] = kept
    return moved


def _live(leaves: dict[str, Tensor]) -> LiveCloud:
    own = {name: leaf.detach().clone().contiguous().requires_grad_()
           for name, leaf in leaves.items()}  # fmt: skip
    groups = [{"params": [leaf], "lr": 0.0} for leaf in own.values()]
    # INRIA's epsilon: many Gaussians have tiny gradients
    return LiveCloud(own, torch.optim.Adam(groups, eps=1e-15, fused=True))
