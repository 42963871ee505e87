"""What becomes of each key of a 2-D U-Net's config when frame layers lift it to clips.

The lifted net is the U-Net itself with layers put in, not a copy: whatever its own code does, it
goes on doing. So a key is *carried*, unless it describes something that is not in the network
(*irrelevant*), or asks for inputs or blocks that a lifted U-Net does not have (*refused*).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from common.errors import InputError

Verdict = Literal["carried", "irrelevant", "refused"]


@dataclass(frozen=True)
class KeyCoverage:
    """One key."""

    key: str
    value: Any
    verdict: Verdict
    reason: str


_OWN = "the U-Net's own code runs with it, frame by frame"
_IRRELEVANT = {
    "sample_size": "the size that pipelines draw at by default; sizes are told with every call",
}
_TOLD = {
    "cross_attention_dim": "states of this width are told of each frame",
    "encoder_hid_dim": "states of this width are told of each frame",
    "encoder_hid_dim_type": "what it projects is told of each frame",
    "class_embed_type": "class features or labels are told of each frame",
    "num_class_embeds": "class labels are told of each frame",
    "projection_class_embeddings_input_dim": "class features are told of each frame",
    "addition_embed_type": "what it embeds (pooled text, sizes) is told of each frame",
    "addition_time_embed_dim": "sizes are told of each frame",
    "time_cond_proj_dim": "a condition of the time (a guidance scale) may be told of each frame",
}
"""Keys of what the caller tells the U-Net, a row for each frame."""
_CARRIED = (
    "in_channels", "out_channels", "center_input_sample", "flip_sin_to_cos", "freq_shift",
    "down_block_types", "mid_block_type", "up_block_types", "only_cross_attention",
    "block_out_channels", "layers_per_block", "downsample_padding", "mid_block_scale_factor",
    "dropout", "act_fn", "norm_num_groups", "norm_eps", "transformer_layers_per_block",
    "reverse_transformer_layers_per_block", "attention_head_dim", "num_attention_heads",
    "dual_cross_attention", "use_linear_projection", "upcast_attention",
    "resnet_time_scale_shift", "resnet_skip_time_act", "resnet_out_scale_factor",
    "time_embedding_type", "time_embedding_dim", "time_embedding_act_fn", "timestep_post_act",
    "conv_in_kernel", "conv_out_kernel", "attention_type", "class_embeddings_concat",
    "mid_block_only_cross_attention", "cross_attention_norm", "addition_embed_type_num_heads",
)  # fmt: skip
_GROUNDED = "boxes and their texts (GLIGEN) are not told to a lifted U-Net"
_BLOCKS = (
    "DownBlock2D", "CrossAttnDownBlock2D", "ResnetDownsampleBlock2D", "SimpleCrossAttnDownBlock2D",
    "UpBlock2D", "CrossAttnUpBlock2D", "ResnetUpsampleBlock2D", "SimpleCrossAttnUpBlock2D",
    "UNetMidBlock2D", "UNetMidBlock2DCrossAttn", "UNetMidBlock2DSimpleCrossAttn",
)  # fmt: skip
"""Blocks whose layers are residual blocks, each with a spatial attention after it or without."""


def unet_coverage(config: Mapping[str, Any]) -> list[KeyCoverage]:
    """What becomes of every key, in the config's order; keys of diffusers' bookkeeping left out.

    Args:
        config: of diffusers' ``UNet2DConditionModel``.
    """
    return [
        _coverage(key, value, config) for key, value in config.items() if not key.startswith("_")
    ]


def check_coverage(config: Mapping[str, Any]) -> list[KeyCoverage]:
    """The same, with refused keys an error.

    Raises:
        InputError: naming every refused key, its value and why.
    """
    found = unet_coverage(config)
    refused = [f"{one.key}={one.value!r} ({one.reason})" for one in found
               if one.verdict == "refused"]  # fmt: skip
    if refused:
        raise InputError(f"this U-Net cannot be lifted to clips: {'; '.join(refused)}")
    return found


def coverage_lines(covered: Sequence[KeyCoverage]) -> list[str]:
    """The report as text, a line for each key; refused ones first."""
    order: list[Verdict] = ["refused", "irrelevant", "carried"]
    rows = sorted(covered, key=lambda one: order.index(one.verdict))
    return [f"{one.verdict:10}  {one.key} = {_shown(one.value)}: {one.reason}" for one in rows]


def _coverage(key: str, value: Any, config: Mapping[str, Any]) -> KeyCoverage:
    if problem := _problem(key, value, config):
        return KeyCoverage(key, value, "refused", problem)
    if key in _IRRELEVANT:
        return KeyCoverage(key, value, "irrelevant", _IRRELEVANT[key])
    if key in _TOLD:
        return KeyCoverage(key, value, "carried", _TOLD[key])
    if key in _CARRIED:
        return KeyCoverage(key, value, "carried", _OWN)
    return KeyCoverage(key, value, "refused", "no key that is known of UNet2DConditionModel")


def _problem(key: str, value: Any, config: Mapping[str, Any]) -> str | None:
    """Why a value cannot be carried."""
    if key == "attention_type" and value != "default":
        return _GROUNDED
    if key == "dual_cross_attention" and value:
        return (
            "diffusers' own U-Net cannot run with it: its two transformers take no mask of states"
        )
    if key in ("down_block_types", "mid_block_type", "up_block_types"):
        kinds = [value] if isinstance(value, str) else list(value or [])
        strange = sorted(set(kinds) - set(_BLOCKS))
        if strange:
            return f"layers have no place in {', '.join(map(str, strange))}"
    if key == "cross_attention_dim" and isinstance(value, list | tuple) and len(set(value)) > 1:
        return "levels want states of different widths, and one is told"
    if key == "class_embeddings_concat" and value and config.get("class_embed_type") is None:
        return "there are no class embeddings to join"
    return None


def _shown(value: Any) -> str:
    return str(list(value) if isinstance(value, tuple) else value)
