"""Names of the layers that a LoRA changes, whichever program wrote them.

kohya's trainers join a layer's path with underscores and put ``lora_unet_``, ``lora_te_``,
``lora_te1_`` or ``lora_te2_`` before it. For SDXL (and for some of SD 1.x) they count blocks as
the original code does: ``input_blocks_4_1`` is the layer that diffusers has as
``down_blocks.1.attentions.0`` when each level has two. Joined paths are not taken apart, as
underscores are part of names too: they are looked up among the model's own layers.
"""

import re
from collections.abc import Iterable, Mapping

_BLOCK = re.compile(r"(input_blocks|output_blocks)_(\d+)_(\d+)(.*)")
_MIDDLE = re.compile(r"middle_block_([012])(.*)")
_OF_MIDDLE = {"0": "mid_block_resnets_0", "1": "mid_block_attentions_0", "2": "mid_block_resnets_1"}
_OF_RESNET = {
    "in_layers_0": "norm1", "in_layers_2": "conv1", "emb_layers_1": "time_emb_proj",
    "out_layers_0": "norm2", "out_layers_3": "conv2", "skip_connection": "conv_shortcut",
}  # fmt: skip
_OUTSIDE = {
    "time_embed_0": "time_embedding_linear_1", "time_embed_2": "time_embedding_linear_2",
    "label_emb_0_0": "add_embedding_linear_1", "label_emb_0_2": "add_embedding_linear_2",
    "input_blocks_0_0": "conv_in", "out_0": "conv_norm_out", "out_2": "conv_out",
}  # fmt: skip


def joined_names(names: Iterable[str]) -> dict[str, str]:
    """Layers by their paths joined with underscores; paths that would collide are left out."""
    found: dict[str, str] = {}
    twice = set()
    for name in names:
        joined = name.replace(".", "_")
        if joined in found:
            twice.add(joined)
        found[joined] = name
    return {joined: name for joined, name in found.items() if joined not in twice}


def diffusers_joined(name: str, layers_per_block: int = 2) -> str:
    """A joined U-Net path in diffusers' counting; one that is so already comes back as it is.

    Args:
        name: without its prefix, such as ``input_blocks_4_1_transformer_blocks_0_attn1_to_q``.
        layers_per_block: of the U-Net; its up blocks have one more.
    """
    if name in _OUTSIDE:
        return _OUTSIDE[name]
    if middle := _MIDDLE.fullmatch(name):
        return _OF_MIDDLE[middle[1]] + _inner(middle[2], middle[1] != "1")
    block = _BLOCK.fullmatch(name)
    if block is None:
        return name
    side, number, place, rest = block[1], int(block[2]), int(block[3]), block[4]
    level, layer = divmod(number - (side == "input_blocks"), layers_per_block + 1)
    if side == "input_blocks":
        if layer == layers_per_block:  # the block after a level's layers halves the size
            return f"down_blocks_{level}_downsamplers_0_conv"
        return _of_level("down_blocks", level, layer, place, rest)
    if rest == "_conv":  # the last entry of an up block doubles the size
        return f"up_blocks_{level}_upsamplers_0_conv"
    return _of_level("up_blocks", level, layer, place, rest)


def _of_level(side: str, level: int, layer: int, place: int, rest: str) -> str:
    kind = "attentions" if place == 1 else "resnets"
    return f"{side}_{level}_{kind}_{layer}" + _inner(rest, place != 1)


def _inner(rest: str, of_resnet: bool) -> str:
    own = rest.removeprefix("_")
    return f"_{_OF_RESNET.get(own, own)}" if of_resnet and own else rest


def current_layer(name: str, known: Mapping[str, object]) -> str | None:
    """A dotted path as the model at hand has it, or None if it has no such layer.

    Text encoders lost the prefix ``text_model.`` with transformers 5, and attention's output is a
    list of one in diffusers.
    """
    for changed in (name, name.removeprefix("text_model."), f"text_model.{name}", f"{name}.0"):
        if changed in known:
            return changed
    return None
