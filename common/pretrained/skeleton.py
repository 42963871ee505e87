"""A model without weights, every key and shape of it compared with the files that will fill it.

The model is built on torch's ``meta`` device, which takes no memory. Loaders that fill what is
missing with random numbers are never used: a wrong file is an error that names file and key, before
a single weight is read.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import nn

from common.errors import InputError
from common.pretrained.component import Component, arguments_of
from common.pretrained.weight_files import StoredTensor
from common.pretrained.weight_names import by_current_name, current_name

_FLOATS = ("F64", "F32", "F16", "BF16")
_LAYERS = (
    "layers_per_block", "transformer_layers_per_block", "reverse_transformer_layers_per_block",
    "num_hidden_layers", "num_layers", "num_single_layers",
)  # fmt: skip
_BLOCKS = ("block_out_channels", "down_block_types", "up_block_types")
_TEXT_CONFIGS = {
    "CLIPTextModel": "CLIPTextConfig",
    "CLIPTextModelWithProjection": "CLIPTextConfig",
    "CLIPVisionModelWithProjection": "CLIPVisionConfig",
    "T5EncoderModel": "T5Config",
}
"""Of transformers, by model class."""
_OF_THE_FILE = ("architectures", "dtype", "torch_dtype", "model_type", "transformers_version")
"""Keys of transformers' configs that say nothing of the model."""
_LOOKS = {
    "decoder.conv_in.weight": "an autoencoder",
    "time_embedding.linear_1.weight": "a U-Net",
    "adaln_single.linear.weight": "PixArt's transformer",
    "single_transformer_blocks.0.norm.linear.weight": "FLUX's transformer",
    "transformer_blocks.0.attn.add_q_proj.weight": "Stable Diffusion 3's transformer",
    "shared.weight": "a T5 text encoder",
    "embeddings.token_embedding.weight": "a CLIP text encoder",
    "text_model.embeddings.token_embedding.weight": "a CLIP text encoder",
    "embeddings.patch_embedding.weight": "a CLIP picture encoder",
    "model.diffusion_model.time_embed.0.weight": "a whole checkpoint in a single file",
}


def build_skeleton(component: Component) -> nn.Module:
    """The model on the meta device, in evaluation mode.

    Raises:
        InputError: the config describes no such model, or the files hold another one.
    """
    _check_counts(component)
    try:
        with torch.device("meta"):
            model = _construct(component)
    # Whatever a foreign config makes these constructors raise.
    except Exception as wrong:
        reason = (str(wrong).splitlines() or [type(wrong).__name__])[0][:300]
        raise InputError(
            f"{component.config_file} describes no {component.model_class}: {reason}"
        ) from wrong
    _check_weights(component, model)
    return model.eval().requires_grad_(False)


def stored_tensors(component: Component, model: nn.Module) -> dict[str, StoredTensor]:
    """For each key of the model, the stored tensor that belongs there."""
    found = by_current_name(component.model_class, component.weights.tensors)
    return {key: found[current_name(component.model_class, key)] for key in model.state_dict()}


def _construct(component: Component) -> nn.Module:
    import diffusers
    import transformers

    config = component.config
    if component.is_text_encoder:
        known = {k: v for k, v in config.items() if k not in _OF_THE_FILE and k[:1] != "_"}
        kind = getattr(transformers, _TEXT_CONFIGS[component.model_class])
        return getattr(transformers, component.model_class)(kind(**known))
    arguments = arguments_of(component.model_class)
    known = {key: value for key, value in config.items() if key in arguments}
    return getattr(diffusers, component.model_class)(**known)


def _check_counts(component: Component) -> None:
    """Refuse configs of more layers than there are tensors: building them could take forever."""
    limit = len(component.weights.tensors)
    for key, count in _counts(component.config):
        if count > limit:
            raise InputError(
                f"{component.config_file}: {key} asks for {count:,} layers, and "
                f"{component.weights.label} holds {limit} tensors"
            )


def _counts(config: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    for key in _LAYERS:
        for count in _numbers(config.get(key)):
            yield key, count
    for key in _BLOCKS:
        value = config.get(key)
        yield key, len(value) if isinstance(value, list) else 0


def _numbers(value: Any) -> Iterator[int]:
    if isinstance(value, int):
        yield value
    if isinstance(value, list):
        for item in value:
            yield from _numbers(item)


def _check_weights(component: Component, model: nn.Module) -> None:
    """Refuse files that hold other keys, shapes or types than the model has."""
    name, label = component.model_class, component.weights.label
    found = by_current_name(name, component.weights.tensors)
    wanted = {current_name(name, key): tuple(t.shape) for key, t in model.state_dict().items()}
    missing, extra = sorted(wanted.keys() - found.keys()), sorted(found.keys() - wanted.keys())
    if missing:
        raise InputError(
            f"{label} has no '{missing[0]}': {len(missing)} of the {len(wanted)} tensors of a "
            f"{name} are missing{_looks_like(found)}"
        )
    if extra:
        more = f" and {len(extra) - 1} more" if len(extra) > 1 else ""
        raise InputError(
            f"{label} holds '{found[extra[0]].name}'{more}, which the {name} of "
            f"{component.config_file} does not have{_looks_like(found)}"
        )
    for key, shape in wanted.items():
        _check_tensor(component, found[key], shape)


def _check_tensor(component: Component, tensor: StoredTensor, shape: tuple[int, ...]) -> None:
    if tensor.shape != shape:
        raise InputError(
            f"{tensor.file}: '{tensor.name}' is {_shown(tensor.shape)}, and by "
            f"{component.config_file} it is {_shown(shape)}"
        )
    if tensor.dtype not in _FLOATS:
        raise InputError(
            f"{tensor.file}: '{tensor.name}' is of type {tensor.dtype}; quantised weights are not "
            f"read, only {', '.join(_FLOATS)}"
        )


def _looks_like(found: Mapping[str, StoredTensor]) -> str:
    for key, what in _LOOKS.items():
        if key in found:
            return f" (it looks like {what})"
    return ""


def _shown(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape)) or "a single number"
