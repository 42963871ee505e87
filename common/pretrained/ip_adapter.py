"""IP-Adapters of a checkpoint: pictures as prompts (Ye et al. 2023, arXiv 2308.06721).

A file holds ``image_proj.*``, which makes tokens of what a picture encoder says, and
``ip_adapter.<n>.to_k_ip.weight`` and ``to_v_ip``, keys and values of the cross-attentions, with
``n = 1, 3, 5, ...`` in diffusers' order. The plain adapters have a linear projection to four
tokens, the plus adapters a resampler of all the encoder's tokens.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from common.adapters.adapter_file import read_tensors
from common.adapters.image_prompt_config import IPAdapterConfig
from common.diffusion.image_attention import ImageAttention, ImageTokens, cross_attentions
from common.errors import InputError
from common.pretrained.image_encoder import encoded, pixels_of, read_image_encoder
from common.pretrained.weights import fill

MAX_FILE_BYTES = 4 * 2**30
_PROJECTION, _KEYS = "image_proj.", "ip_adapter."
_PLAIN, _PLUS = "proj.weight", "latents"


@dataclass(frozen=True)
class AdapterFile:
    """The tensors of an adapter, keys without their prefixes."""

    path: Path
    projection: dict[str, Tensor]
    keys: dict[str, Tensor]

    @property
    def takes_whole(self) -> bool:
        """Whether it reads all tokens of the picture encoder (plus) or one embedding (plain)."""
        return _PLUS in self.projection


@dataclass(frozen=True)
class ImagePrompts:
    """What every sample is told of the pictures, and what guidance moves away from."""

    positive: ImageTokens
    negative: ImageTokens


class ImagePromptNeed(NamedTuple):
    """Memory of an image prompt."""

    kept_bytes: int
    """Of keys and values."""
    passing_bytes: int
    """Of the picture encoder and the adapter's file, which are gone when drawing begins."""


def image_prompt_need(config: IPAdapterConfig, unet: Any, bytes_each: int) -> ImagePromptNeed:
    """What reading an image prompt takes, from the headers.

    Args:
        config: of the adapter.
        unet: that it is for.
        bytes_each: of a weight, as the U-Net computes.
    """
    _, encoder = read_image_encoder(config.image_encoder)
    features = unet.config["cross_attention_dim"]
    outputs = sum(int(one.to_q.out_features) for one in cross_attentions(unet))
    encoding = sum(4 * weight.numel() for weight in encoder.state_dict().values())
    stored = config.path.stat().st_size if config.path.is_file() else 0
    return ImagePromptNeed(2 * bytes_each * features * outputs, encoding + 2 * stored)


def read_adapter(path: Path) -> AdapterFile:
    """Read the file of an adapter.

    Raises:
        InputError: missing, pickled, damaged, of another kind, or no numbers.
    """
    return _sorted_out(path, read_tensors(path, "an IP-Adapter", MAX_FILE_BYTES))


def check_adapter(config: IPAdapterConfig, unet: Any) -> None:
    """Refuse an adapter, encoder or pictures that do not fit; the encoder's weights are not read.

    Raises:
        InputError: with the name of the file and the key.
    """
    file = read_adapter(config.path)
    _, encoder = read_image_encoder(config.image_encoder)
    _check_encoder(file, config.image_encoder, encoder)
    _check_keys(file, unet)
    _projection(file, unet)
    pixels_of(config.pictures, encoder.config.image_size)


def read_image_prompts(
    config: IPAdapterConfig, unet: Any, dtype: torch.dtype, device: str
) -> ImagePrompts:
    """The adapter with its weights, and the pictures as tokens.

    Args:
        config: of the adapter.
        unet: that it is for; its weights are not needed.
        dtype: of the U-Net.
        device: of the U-Net.
    """
    file = read_adapter(config.path)
    component, encoder = read_image_encoder(config.image_encoder)
    _check_encoder(file, config.image_encoder, encoder)
    pixels = pixels_of(config.pictures, encoder.config.image_size)
    fill(encoder, component, torch.float32, "cpu")
    said, none = encoded(encoder, pixels, file.takes_whole)
    project = _projection(file, unet)
    attention = _attention(file, unet).to(device, dtype)

    @torch.no_grad()
    def tokens(states: Float[Tensor, "p ..."]) -> ImageTokens:
        made = project(states)
        one = made.reshape(1, -1, made.shape[-1]).to(device, dtype)
        return ImageTokens(attention, one, config.scale)

    return ImagePrompts(tokens(said), tokens(none))


def _sorted_out(path: Path, tensors: dict[str, Tensor]) -> AdapterFile:
    parts: dict[str, dict[str, Tensor]] = {_PROJECTION: {}, _KEYS: {}}
    for key, tensor in tensors.items():
        prefix = next((one for one in parts if key.startswith(one)), None)
        if prefix is None:
            raise InputError(
                f"{path}: '{key}' is no part of an IP-Adapter, whose keys begin with "
                f"{_PROJECTION} and {_KEYS}"
            )
        if "lora" in key or "perceiver_resampler" in key:
            raise InputError(
                f"{path}: '{key}' is of a FaceID adapter, which needs a face recognition model and "
                "is not read; plain and plus adapters are"
            )
        if not tensor.is_floating_point() or not bool(tensor.isfinite().all()):
            raise InputError(f"{path}: '{key}' holds values that are no numbers")
        parts[prefix][key.removeprefix(prefix)] = tensor.float()
    projection, keys = parts[_PROJECTION], parts[_KEYS]
    if not keys:
        raise InputError(f"{path} has no '{_KEYS}1.to_k_ip.weight': it is no IP-Adapter")
    if _PLAIN not in projection and _PLUS not in projection:
        raise InputError(
            f"{path} has neither '{_PROJECTION}{_PLAIN}' nor '{_PROJECTION}{_PLUS}': it is neither "
            "a plain nor a plus adapter"
        )
    return AdapterFile(path, projection, keys)


def _check_encoder(file: AdapterFile, folder: Path, encoder: Any) -> None:
    key, given = (
        ("proj_in.weight", encoder.config.hidden_size)
        if file.takes_whole
        else (_PLAIN, encoder.config.projection_dim)
    )
    stored = file.projection.get(key)
    if stored is None or stored.ndim != 2 or stored.shape[1] != given:
        shape = None if stored is None else tuple(stored.shape)
        raise InputError(
            f"{file.path}: '{_PROJECTION}{key}' is {shape}, and the picture encoder in {folder} "
            f"gives {given} features: the adapter was trained with another one"
        )


def _check_keys(file: AdapterFile, unet: Any) -> None:
    """Every cross-attention has keys and values of its sizes, and there is nothing else."""
    features = unet.config["cross_attention_dim"]
    wanted = {
        f"{2 * index + 1}.to_{part}_ip.weight": (int(one.to_q.out_features), features)
        for index, one in enumerate(cross_attentions(unet))
        for part in "kv"
    }
    for key in sorted(wanted.keys() - file.keys.keys())[:1]:
        raise InputError(
            f"{file.path} has no '{_KEYS}{key}', and this U-Net has {len(wanted) // 2} "
            "cross-attentions: the adapter is for another family of checkpoints"
        )
    for key in sorted(file.keys.keys() - wanted.keys())[:1]:
        raise InputError(
            f"{file.path} holds '{_KEYS}{key}', and this U-Net has {len(wanted) // 2} "
            "cross-attentions: the adapter is for another family of checkpoints"
        )
    for key, shape in wanted.items():
        found = tuple(file.keys[key].shape)
        if found != shape:
            raise InputError(
                f"{file.path}: '{_KEYS}{key}' is {found}, and this U-Net takes {shape}: the "
                "adapter is for another family of checkpoints"
            )


def _projection(file: AdapterFile, unet: Any) -> nn.Module:
    """What makes tokens: diffusers' own modules, which it builds by the stored shapes."""
    try:
        made: nn.Module = unet._convert_ip_adapter_image_proj_to_diffusers(
            file.projection, low_cpu_mem_usage=False
        )
    # Whatever foreign shapes make it raise.
    except Exception as wrong:
        reason = " ".join(str(wrong).split())[:300]
        raise InputError(
            f"{file.path}: the keys under '{_PROJECTION}' make no projection: {reason}"
        ) from wrong
    return made.eval().requires_grad_(False)


def _attention(file: AdapterFile, unet: Any) -> ImageAttention:
    _check_keys(file, unet)
    attention = ImageAttention(unet, unet.config["cross_attention_dim"])
    with torch.no_grad():
        for index, one in enumerate(attention.keys):
            for part, linear in (("k", one.to_k), ("v", one.to_v)):
                linear.weight.copy_(file.keys[f"{2 * index + 1}.to_{part}_ip.weight"])
    return attention.eval().requires_grad_(False)
