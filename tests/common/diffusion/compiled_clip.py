"""A lifted U-Net with and without ``torch.compile``: the largest differences, as JSON.

It runs by itself, as types that are checked at run time stay out of what is compiled.
"""

import json
import sys

import torch
from diffusers import UNet2DConditionModel

from common.diffusion.frame_attention import FrameTransformerSizes
from common.diffusion.lean_unet import make_lean
from common.diffusion.lifted_unet import (
    FrameLayers,
    FrameLayersArchitecture,
    LiftedUNet,
    UNetInputs,
    compile_lifted,
)
from common.diffusion.shared_text import SharedText

FRAMES = 3


def made() -> tuple[LiftedUNet, SharedText]:
    """A U-Net of one level, lifted, with random weights; the same at every call."""
    torch.manual_seed(0)
    unet = UNet2DConditionModel(
        sample_size=4, block_out_channels=(16,), layers_per_block=1, norm_num_groups=8,
        cross_attention_dim=12, attention_head_dim=2, down_block_types=("CrossAttnDownBlock2D",),
        mid_block_type=None, up_block_types=("CrossAttnUpBlock2D",),
    )  # fmt: skip
    sizes = FrameLayersArchitecture(transformer=FrameTransformerSizes(num_heads=2, norm_groups=8))
    layers = FrameLayers(sizes, unet)
    for weight in layers.parameters():
        torch.nn.init.normal_(weight, std=0.2)
    make_lean(unet)
    return LiftedUNet(unet, layers).eval().requires_grad_(False), SharedText(unet)


@torch.inference_mode()
def main() -> None:
    """Say how far compiled predictions are from plain ones, and from those of another text."""
    (plain, _), (compiled, text) = made(), made()
    compile_lifted(compiled, "cpu")
    latents, times = torch.randn(1, 4, FRAMES, 4, 4), torch.full((1, FRAMES), 700.0)
    one, other = torch.randn(2, 1, 5, 12).expand(-1, FRAMES, -1, -1)
    found, offs = [], []
    for states, alike in ((one, FRAMES), (other, FRAMES), (torch.cat([one[:1], other[:2]]), 1)):
        with text.alike(alike):
            found.append(compiled(latents, times, UNetInputs(states)))
        off = (plain(latents, times, UNetInputs(states)) - found[-1]).abs().max()
        offs.append(float(off))
    between = float((found[0] - found[1]).abs().max())
    sys.stdout.write(json.dumps({"off": offs, "between texts": between}))


if __name__ == "__main__":
    main()
