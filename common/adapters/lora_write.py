"""LoRAs as files of other programs hold them: kohya's layout, or PEFT's as diffusers writes it.

kohya's joins a layer's path with underscores and keeps ``alpha`` as a tensor beside the matrices
(AUTOMATIC1111, ComfyUI and diffusers read it). PEFT's keeps the path, and ``alpha`` among the
file's metadata.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, assert_never

import torch
from torch import Tensor

from common.adapters.lora_alphas import METADATA_KEY
from common.adapters.low_rank import LowRank

LoraLayout = Literal["kohya", "peft"]


@dataclass(frozen=True)
class LoraContent:
    """What a file holds."""

    tensors: Mapping[str, Tensor]
    """Alive: they share memory with the change they are of."""
    metadata: Mapping[str, str]


def lora_content(change: LowRank, layout: LoraLayout) -> LoraContent:
    """The change of a U-Net in one of the layouts."""
    sizes = change.sizes
    alpha = float(sizes.rank if sizes.alpha is None else sizes.alpha)
    tensors: dict[str, Tensor] = {}
    match layout:
        case "kohya":
            for name, (down, up) in change.matrices.items():
                joined = f"lora_unet_{name.replace('.', '_')}"
                tensors[f"{joined}.lora_down.weight"] = down.detach()
                tensors[f"{joined}.lora_up.weight"] = up.detach()
                tensors[f"{joined}.alpha"] = torch.tensor(alpha)
            told = {
                "ss_network_module": "networks.lora", "ss_network_dim": f"{sizes.rank}",
                "ss_network_alpha": f"{alpha:g}",
            }  # fmt: skip
        case "peft":
            for name, (down, up) in change.matrices.items():
                tensors[f"unet.{name}.lora_A.weight"] = down.detach()
                tensors[f"unet.{name}.lora_B.weight"] = up.detach()
            settings = {
                "unet.r": sizes.rank, "unet.lora_alpha": alpha,
                "unet.target_modules": list(change.layers),
            }  # fmt: skip
            told = {METADATA_KEY: json.dumps(settings, sort_keys=True)}
        case _:
            assert_never(layout)
    return LoraContent(tensors, {"format": "pt", **told})
