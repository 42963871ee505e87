"""Weights of a ControlNet as the beginning of one that follows further kinds."""

import torch

from common.embedded.control_net import UnionControlNet
from common.errors import InputError

_KINDS = "embed_kind.weight"


def begin_with(model: UnionControlNet, known: UnionControlNet) -> None:
    """Copy the weights; kinds that are new begin as the mean of the known ones.

    Raises:
        InputError: they have other sizes.
    """
    if model.sizes.model_copy(update={"kinds": known.sizes.kinds}) != known.sizes:
        raise InputError(
            f"start: the ControlNet has the sizes {known.sizes.model_dump(exclude={'kinds'})}, not "
            f"{model.sizes.model_dump(exclude={'kinds'})}: use them for architecture, or start: "
            "identity"
        )
    weights = dict(known.state_dict())
    rows = weights[_KINDS]
    known_kinds = known.sizes.kinds
    weights[_KINDS] = torch.stack([
        rows[known_kinds.index(kind)] if kind in known_kinds else rows.mean(0)
        for kind in model.sizes.kinds
    ])  # fmt: skip
    model.load_state_dict(weights)
