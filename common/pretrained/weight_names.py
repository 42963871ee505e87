"""Names of weights, whichever version of diffusers or transformers wrote them."""

import re
from collections.abc import Mapping
from typing import Literal

from common.errors import InputError
from common.pretrained.weight_files import StoredTensor

ModelClass = Literal[
    "UNet2DConditionModel",
    "PixArtTransformer2DModel",
    "SD3Transformer2DModel",
    "FluxTransformer2DModel",
    "AutoencoderKL",
    "CLIPTextModel",
    "CLIPTextModelWithProjection",
    "CLIPVisionModelWithProjection",
    "T5EncoderModel",
    "ControlNetModel",
]

_OLD_ATTENTION = re.compile(r"(mid_block\.attentions\.\d+)\.(query|key|value|proj_attn)\.(\w+)")
_NEW_ATTENTION = {"query": "to_q", "key": "to_k", "value": "to_v", "proj_attn": "to_out.0"}
_POSITIONS = "embeddings.position_ids"
"""The numbers 0 to 76, which old versions of transformers stored."""
_T5_WORDS = "encoder.embed_tokens.weight"
"""Another name of T5's ``shared.weight``, under which some files hold it too."""


def current_name(model_class: ModelClass, name: str) -> str:
    """A weight's name without what differs between versions.

    Text encoders had the prefix ``text_model.`` before transformers 5; the attention of Stable
    Diffusion 1's autoencoder was named otherwise before diffusers 0.18; T5's one table of words has
    two names.
    """
    match model_class:
        case "CLIPTextModel" | "CLIPTextModelWithProjection":
            return name.removeprefix("text_model.")
        case "CLIPVisionModelWithProjection":
            return name.removeprefix("vision_model.")
        case "AutoencoderKL":
            return _OLD_ATTENTION.sub(lambda m: f"{m[1]}.{_NEW_ATTENTION[m[2]]}.{m[3]}", name)
        case "T5EncoderModel":
            return "shared.weight" if name == _T5_WORDS else name
        case _:
            return name


def by_current_name(
    model_class: ModelClass, tensors: Mapping[str, StoredTensor]
) -> dict[str, StoredTensor]:
    """Stored tensors by their current names, without those that are no weights.

    Args:
        model_class: of the model.
        tensors: by the names that some version gives them.

    Raises:
        InputError: one weight is there under two names.
    """
    found: dict[str, StoredTensor] = {}
    for given, tensor in tensors.items():
        name = current_name(model_class, given)
        if model_class == "T5EncoderModel" and name in found:
            continue  # only its one table of words has two names
        if name in found:
            raise InputError(
                f"{tensor.file}: '{tensor.name}' and '{found[name].name}' are the same weight"
            )
        found[name] = tensor
    if model_class.startswith("CLIP"):
        found.pop(_POSITIONS, None)
    return found
