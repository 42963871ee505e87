"""Names of a U-Net's weights in the layout that Stable Diffusion was published in.

The original code numbers all layers of the way down (``input_blocks``) and up (``output_blocks``)
in one row; diffusers gives each resolution a block of ``layers_per_block`` layers down and one more
up. A number is thus a block and a place in it.
"""

import re

_PLAIN = {
    "input_blocks.0.0.": "conv_in.",
    "time_embed.0.": "time_embedding.linear_1.",
    "time_embed.2.": "time_embedding.linear_2.",
    "label_emb.0.0.": "add_embedding.linear_1.",
    "label_emb.0.2.": "add_embedding.linear_2.",
    "out.0.": "conv_norm_out.",
    "out.2.": "conv_out.",
    "middle_block.0.": "mid_block.resnets.0.",
    "middle_block.1.": "mid_block.attentions.0.",
    "middle_block.2.": "mid_block.resnets.1.",
}
_RESNET = {
    "in_layers.0.": "norm1.",
    "in_layers.2.": "conv1.",
    "emb_layers.1.": "time_emb_proj.",
    "out_layers.0.": "norm2.",
    "out_layers.3.": "conv2.",
    "skip_connection.": "conv_shortcut.",
    "op.": "",  # of a layer that halves, whose block's name says so already
}
_NUMBERED = re.compile(r"(input|output)_blocks\.(\d+)\.(\d)\.(.+)")


def unet_name(name: str, layers_per_block: int) -> str:
    """A weight's name in diffusers' U-Net; names of another layout stay as they are."""
    found = _NUMBERED.fullmatch(name)
    if found is not None and not name.startswith("input_blocks.0."):
        number, place, rest = int(found[2]), int(found[3]), found[4]
        if found[1] == "input":
            begin = _down(number, place, rest, layers_per_block)
        else:
            begin = _up(number, place, rest, layers_per_block)
        return begin + _started(rest, _RESNET)
    return _started(name, _PLAIN, _RESNET)


def _down(number: int, place: int, rest: str, layers: int) -> str:
    block, layer = divmod(number - 1, layers + 1)
    if rest.startswith("op."):
        return f"down_blocks.{block}.downsamplers.0.conv."
    return f"down_blocks.{block}.{'attentions' if place else 'resnets'}.{layer}."


def _up(number: int, place: int, rest: str, layers: int) -> str:
    block, layer = divmod(number, layers + 1)
    if rest.startswith("conv."):
        return f"up_blocks.{block}.upsamplers.0."
    return f"up_blocks.{block}.{'attentions' if place else 'resnets'}.{layer}."


def _started(name: str, *tables: dict[str, str]) -> str:
    """The name with its begin replaced, by one table and then, after what it made, by the next."""
    made = ""
    for table in tables:
        for old, new in table.items():
            if name.startswith(old):
                made, name = made + new, name.removeprefix(old)
                break
    return made + name
