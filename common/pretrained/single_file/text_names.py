"""Names of OpenCLIP's weights, the text encoder of Stable Diffusion 2 and the second of XL.

OpenCLIP keeps queries, keys and values in one matrix, and the projection with rows for columns.
"""

import re
from collections.abc import Iterator
from dataclasses import replace

from common.errors import InputError
from common.pretrained.weight_files import StoredTensor

_PLAIN = {
    "positional_embedding": "embeddings.position_embedding.weight",
    "token_embedding.weight": "embeddings.token_embedding.weight",
    "ln_final.weight": "final_layer_norm.weight",
    "ln_final.bias": "final_layer_norm.bias",
}
_LAYERS = {
    "ln_1": "layer_norm1",
    "ln_2": "layer_norm2",
    "mlp.c_fc": "mlp.fc1",
    "mlp.c_proj": "mlp.fc2",
    "attn.out_proj": "self_attn.out_proj",
}
_LAYER = re.compile(r"transformer\.resblocks\.(\d+)\.(.+)\.(weight|bias)")
_JOINED = re.compile(r"transformer\.resblocks\.(\d+)\.attn\.in_proj_(weight|bias)")
_OF_TRAINING = ("logit_scale", "attn_mask")


def open_clip_weights(
    name: str, tensor: StoredTensor, num_layers: int, projects: bool
) -> Iterator[tuple[str, StoredTensor]]:
    """A stored tensor as the weights that it is in transformers' CLIP.

    Args:
        name: in OpenCLIP.
        tensor: under that name.
        num_layers: that are used; Stable Diffusion 2 leaves out the last.
        projects: whether the encoder has a projection.

    Raises:
        InputError: the joined matrix cannot be divided by three.
    """
    if name in _OF_TRAINING:
        return
    if name == "text_projection":
        if projects:
            shape = tensor.shape[::-1]
            yield "text_projection.weight", replace(tensor, shape=shape, layout="transposed")
        return
    if joined := _JOINED.fullmatch(name):
        if int(joined[1]) < num_layers:
            for part, rows in zip("qkv", thirds(tensor), strict=True):
                yield f"encoder.layers.{joined[1]}.self_attn.{part}_proj.{joined[2]}", rows
        return
    if layer := _LAYER.fullmatch(name):
        if int(layer[1]) < num_layers:
            own = _LAYERS.get(layer[2], layer[2])
            yield f"encoder.layers.{layer[1]}.{own}.{layer[3]}", tensor
        return
    yield _PLAIN.get(name, name), tensor


def thirds(tensor: StoredTensor) -> tuple[StoredTensor, ...]:
    """Queries, keys and values of a joined matrix.

    Raises:
        InputError: its rows cannot be divided by three.
    """
    if not tensor.shape or tensor.shape[0] % 3:
        raise InputError(
            f"{tensor.file}: '{tensor.name}' holds queries, keys and values, and its "
            f"{tensor.shape[0] if tensor.shape else 0} rows do not divide by three"
        )
    size = tensor.shape[0] // 3
    return tuple(tensor.rows(part * size, (part + 1) * size) for part in range(3))
