"""LoRAs that change a U-Net more in some frames of a clip than in others.

Merged weights are the same for all rows of a batch. Here a layer's output gets its change on top,
``x (s_f dW)^T`` for the rows of frame ``f``, for as long as a context lasts.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from einops import repeat
from jaxtyping import Float
from torch import Tensor, nn

from common.adapters.lora import open_loras
from common.adapters.lora_config import LoraConfig
from common.adapters.lora_merge import change_of, placed
from common.diffusion.frame_curves import FrameNumbers
from common.errors import InputError


@dataclass(frozen=True, eq=False)
class _Change:
    """What one LoRA does to one layer."""

    layer: Any
    """A linear layer or a convolution of the U-Net."""
    weight: Float[Tensor, "..."]
    which: int
    """Of the LoRAs."""

    def __call__(self, given: Tensor, shares: Float[Tensor, "k b"]) -> Tensor:
        share = shares[self.which].to(given)
        if len(share) != len(given):
            raise ValueError(f"{len(given)} rows of a layer, and {len(share)} of frames")
        if isinstance(self.layer, nn.Conv2d):
            own = self.layer
            made = F.conv2d(
                given, self.weight, None, own.stride, own.padding, own.dilation, own.groups
            )
        else:
            made = F.linear(given, self.weight)
        return share.reshape(-1, *[1] * (made.ndim - 1)) * made


@dataclass(frozen=True, eq=False)
class FrameLoras:
    """LoRAs of a U-Net that are not merged, and how much of each there is in every frame."""

    changes: tuple[_Change, ...]
    scales: Float[Tensor, "k f"]

    def of_frames(self, frames: FrameNumbers) -> "FrameLoras":
        """The same for some frames."""
        return replace(self, scales=self.scales[:, frames])

    @contextmanager
    def acting(self, num_clips: int) -> Iterator[None]:
        """The U-Net is changed for as long as the context lasts; its rows are frames of clips."""
        shares = repeat(self.scales, "k f -> k (b f)", b=num_clips)
        hooks = []
        for change in self.changes:

            def after(module: Any, given: Any, made: Tensor, change: _Change = change) -> Tensor:
                return made + change(given[0], shares)

            hooks.append(change.layer.register_forward_hook(after))
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()


def frame_loras(
    unet: nn.Module, configs: Sequence[LoraConfig], scales: Float[Tensor, "k f"]
) -> FrameLoras:
    """LoRAs of a U-Net that has its weights, as the files say.

    Args:
        unet: that they change; it stays as it is.
        configs: the files.
        scales: of each in every frame.

    Raises:
        InputError: a file is wrong or for another model.
    """
    owners = {
        id(module.weight): module
        for module in unet.modules()
        if isinstance(module, nn.Linear | nn.Conv2d)
    }
    changes = []
    for which, lora in enumerate(open_loras(configs)):
        for weight, layer in placed(lora.path, "unet", unet, lora.layers.get("unet", ())):
            own = change_of(layer, weight.shape).to(weight)
            changes.append(_Change(owners[id(weight)], own, which))
    return FrameLoras(tuple(changes), torch.as_tensor(scales).float())


def check_frame_lora(config: LoraConfig) -> None:
    """Refuse a curve for a LoRA that changes text encoders as well, which read a prompt once.

    Raises:
        InputError: as said.
    """
    (lora,) = open_loras([config])
    texts = [name for name in lora.layers if name != "unet"]
    if texts and config.text_scale is None:
        raise InputError(
            f"{config.path} changes {', '.join(texts)} too, which read a prompt once for all "
            "frames: set its text_scale beside the curve of its scale"
        )
