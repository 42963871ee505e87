"""Names of the transformers of Stable Diffusion 3 and FLUX.1 as they were published.

Both keep queries, keys and values in one matrix (FLUX's single blocks the first layer of their
network too), and both shift before they scale after the last norm, where diffusers scales first.
"""

import re
from collections.abc import Iterator
from dataclasses import replace

from common.pretrained.single_file.text_names import thirds
from common.pretrained.weight_files import StoredTensor

Renamed = Iterator[tuple[str, StoredTensor]]

_SD3 = {
    "x_embedder.": "pos_embed.",
    "t_embedder.mlp.0.": "time_text_embed.timestep_embedder.linear_1.",
    "t_embedder.mlp.2.": "time_text_embed.timestep_embedder.linear_2.",
    "y_embedder.mlp.0.": "time_text_embed.text_embedder.linear_1.",
    "y_embedder.mlp.2.": "time_text_embed.text_embedder.linear_2.",
    "final_layer.linear.": "proj_out.",
}
_SD3_BLOCK = re.compile(r"joint_blocks\.(\d+)\.(x|context)_block\.(.+)\.(weight|bias)")
_SD3_LAYERS = {
    "x": {
        "attn.ln_q": "attn.norm_q", "attn.ln_k": "attn.norm_k", "attn.proj": "attn.to_out.0",
        "attn2.ln_q": "attn2.norm_q", "attn2.ln_k": "attn2.norm_k", "attn2.proj": "attn2.to_out.0",
        "adaLN_modulation.1": "norm1.linear", "mlp.fc1": "ff.net.0.proj", "mlp.fc2": "ff.net.2",
    },
    "context": {
        "attn.ln_q": "attn.norm_added_q", "attn.ln_k": "attn.norm_added_k",
        "attn.proj": "attn.to_add_out", "adaLN_modulation.1": "norm1_context.linear",
        "mlp.fc1": "ff_context.net.0.proj", "mlp.fc2": "ff_context.net.2",
    },
}  # fmt: skip
_JOINED = {
    "x": ("to_q", "to_k", "to_v"),
    "context": ("add_q_proj", "add_k_proj", "add_v_proj"),
}
_FLUX = {
    "time_in.in_layer.": "time_text_embed.timestep_embedder.linear_1.",
    "time_in.out_layer.": "time_text_embed.timestep_embedder.linear_2.",
    "vector_in.in_layer.": "time_text_embed.text_embedder.linear_1.",
    "vector_in.out_layer.": "time_text_embed.text_embedder.linear_2.",
    "guidance_in.in_layer.": "time_text_embed.guidance_embedder.linear_1.",
    "guidance_in.out_layer.": "time_text_embed.guidance_embedder.linear_2.",
    "txt_in.": "context_embedder.",
    "img_in.": "x_embedder.",
    "final_layer.linear.": "proj_out.",
}
_FLUX_DOUBLE = re.compile(r"double_blocks\.(\d+)\.(img|txt)_(.+)\.(weight|bias|scale)")
_FLUX_SINGLE = re.compile(r"single_blocks\.(\d+)\.(.+)\.(weight|bias|scale)")
_FLUX_LAYERS = {
    "img": {
        "mod.lin": "norm1.linear", "attn.norm.query_norm": "attn.norm_q",
        "attn.norm.key_norm": "attn.norm_k", "attn.proj": "attn.to_out.0",
        "mlp.0": "ff.net.0.proj", "mlp.2": "ff.net.2",
    },
    "txt": {
        "mod.lin": "norm1_context.linear", "attn.norm.query_norm": "attn.norm_added_q",
        "attn.norm.key_norm": "attn.norm_added_k", "attn.proj": "attn.to_add_out",
        "mlp.0": "ff_context.net.0.proj", "mlp.2": "ff_context.net.2",
    },
}  # fmt: skip
_FLUX_SINGLES = {
    "modulation.lin": "norm.linear", "norm.query_norm": "attn.norm_q",
    "norm.key_norm": "attn.norm_k", "linear2": "proj_out",
}  # fmt: skip
_LAST_NORM = re.compile(r"final_layer\.adaLN_modulation\.1\.(weight|bias)")


def sd3_weights(name: str, tensor: StoredTensor, num_layers: int) -> Renamed:
    """A stored tensor as the weights that it is in diffusers' SD3Transformer2DModel.

    Raises:
        InputError: a joined matrix cannot be divided.
    """
    if name == "pos_embed":
        yield "pos_embed.pos_embed", tensor
    elif last := _LAST_NORM.fullmatch(name):
        yield f"norm_out.linear.{last[1]}", _halves_swapped(tensor)
    elif found := _SD3_BLOCK.fullmatch(name):
        number, stream, layer, kind = found.groups()
        place = f"transformer_blocks.{number}"
        if layer.endswith(".qkv"):
            attention = layer.removesuffix(".qkv")
            for own, rows in zip(_JOINED[stream], thirds(tensor), strict=True):
                yield f"{place}.{attention}.{own}.{kind}", rows
            return
        # The last block makes nothing of the prompt's tokens but their norm.
        ends = stream == "context" and int(number) == num_layers - 1
        if ends and layer == "adaLN_modulation.1":
            tensor = _halves_swapped(tensor)
        yield f"{place}.{_SD3_LAYERS[stream].get(layer, layer)}.{kind}", tensor
    else:
        yield _started(name, _SD3), tensor


def flux_weights(name: str, tensor: StoredTensor, inner: int) -> Renamed:
    """A stored tensor as the weights that it is in diffusers' FluxTransformer2DModel.

    Args:
        name: as published.
        tensor: under that name.
        inner: features of a token.

    Raises:
        InputError: a joined matrix cannot be divided.
    """
    if last := _LAST_NORM.fullmatch(name):
        yield f"norm_out.linear.{last[1]}", _halves_swapped(tensor)
    elif found := _FLUX_DOUBLE.fullmatch(name):
        number, stream, layer, kind = found.groups()
        place, kind = f"transformer_blocks.{number}", kind.replace("scale", "weight")
        if layer == "attn.qkv":
            parts = _JOINED["x" if stream == "img" else "context"]
            for own, rows in zip(parts, thirds(tensor), strict=True):
                yield f"{place}.attn.{own}.{kind}", rows
        else:
            yield f"{place}.{_FLUX_LAYERS[stream].get(layer, layer)}.{kind}", tensor
    elif found := _FLUX_SINGLE.fullmatch(name):
        number, layer, kind = found.groups()
        place, kind = f"single_transformer_blocks.{number}", kind.replace("scale", "weight")
        if layer == "linear1":
            for turn, own in enumerate(_JOINED["x"]):
                yield f"{place}.attn.{own}.{kind}", tensor.rows(turn * inner, (turn + 1) * inner)
            yield f"{place}.proj_mlp.{kind}", tensor.rows(3 * inner, tensor.shape[0])
        else:
            yield f"{place}.{_FLUX_SINGLES.get(layer, layer)}.{kind}", tensor
    else:
        yield _started(name, _FLUX), tensor


def _halves_swapped(tensor: StoredTensor) -> StoredTensor:
    return replace(tensor, layout="halves_swapped")


def _started(name: str, table: dict[str, str]) -> str:
    for old, new in table.items():
        if name.startswith(old):
            return new + name.removeprefix(old)
    return name
