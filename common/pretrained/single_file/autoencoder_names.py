"""Names of an autoencoder's weights in the layout that Stable Diffusion was published in.

Its decoder counts levels from the finest on, diffusers' from the coarsest.
"""

import re
from dataclasses import replace

from common.pretrained.weight_files import StoredTensor

_LEVEL = re.compile(
    r"(encoder|decoder)\.(down|up)\.(\d+)\.(block\.(\d+)|downsample|upsample)\.(.+)"
)
_MIDDLE = re.compile(r"(encoder|decoder)\.mid\.(block_(\d+)|attn_1)\.(.+)")
_ATTENTION = {"norm": "group_norm", "q": "to_q", "k": "to_k", "v": "to_v", "proj_out": "to_out.0"}


def autoencoder_name(name: str, num_levels: int) -> str:
    """A weight's name in diffusers' AutoencoderKL; names of another layout stay as they are."""
    if found := _LEVEL.fullmatch(name):
        half, way, level, part, number, rest = found.groups()
        block = int(level) if way == "down" else num_levels - 1 - int(level)
        place = f"{half}.{way}_blocks.{block}"
        if part in ("downsample", "upsample"):
            return f"{place}.{part}rs.0.{rest}"
        return f"{place}.resnets.{number}.{_resnet(rest)}"
    if found := _MIDDLE.fullmatch(name):
        half, _, number, rest = found.groups()
        if number is not None:
            return f"{half}.mid_block.resnets.{int(number) - 1}.{_resnet(rest)}"
        layer, _, own = rest.partition(".")
        return f"{half}.mid_block.attentions.0.{_ATTENTION.get(layer, layer)}.{own}"
    return re.sub(r"^(encoder|decoder)\.norm_out\.", r"\1.conv_norm_out.", name)


def as_matrix(name: str, tensor: StoredTensor) -> StoredTensor:
    """The attention's 1 x 1 convolutions are matrices in diffusers; all else stays as it is."""
    if ".attentions." in name and len(tensor.shape) > 2 and set(tensor.shape[2:]) == {1}:
        return replace(tensor, shape=tensor.shape[:2])
    return tensor


def _resnet(rest: str) -> str:
    return rest.replace("nin_shortcut.", "conv_shortcut.")
