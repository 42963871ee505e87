"""Any 2-D U-Net of diffusers, lifted: every key of its config is carried, or refused by name."""

import inspect

import pytest
import torch
from diffusers import UNet2DConditionModel
from einops import rearrange

from common.diffusion.frame_attention import FrameTransformerSizes
from common.diffusion.inflation import example_inputs, inflate
from common.diffusion.lifted_unet import FrameLayers, FrameLayersArchitecture
from common.diffusion.unet_coverage import check_coverage, coverage_lines, unet_coverage
from common.errors import InputError

KEYS = tuple(inspect.signature(UNet2DConditionModel.__init__).parameters)[1:]
SMALL = {
    "sample_size": 8, "block_out_channels": (32, 64), "layers_per_block": 1, "norm_num_groups": 8,
    "cross_attention_dim": 16, "attention_head_dim": 8,
    "down_block_types": ("CrossAttnDownBlock2D", "DownBlock2D"),
    "up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D"),
}  # fmt: skip
SIMPLE = {"down_block_types": ("SimpleCrossAttnDownBlock2D", "ResnetDownsampleBlock2D"),
          "up_block_types": ("ResnetUpsampleBlock2D", "SimpleCrossAttnUpBlock2D"),
          "mid_block_type": "UNetMidBlock2DSimpleCrossAttn"}  # fmt: skip
VARIANTS = {
    "sample_size": {"sample_size": 64},
    "in_channels": {"in_channels": 9},
    "out_channels": {"out_channels": 8},
    "center_input_sample": {"center_input_sample": True},
    "flip_sin_to_cos": {"flip_sin_to_cos": False},
    "freq_shift": {"freq_shift": 1},
    "down_block_types": {"down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D")},
    "mid_block_type": {"mid_block_type": None},
    "up_block_types": {"up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D")},
    "only_cross_attention": {"only_cross_attention": True},
    "block_out_channels": {"block_out_channels": (32, 96)},
    "layers_per_block": {"layers_per_block": (1, 2)},
    "downsample_padding": {"downsample_padding": 1},
    "mid_block_scale_factor": {"mid_block_scale_factor": 2.0},
    "dropout": {"dropout": 0.1},
    "act_fn": {"act_fn": "gelu"},
    "norm_num_groups": {"norm_num_groups": 16},
    "norm_eps": {"norm_eps": 1e-3},
    "cross_attention_dim": {"cross_attention_dim": (24, 24)},
    "transformer_layers_per_block": {"transformer_layers_per_block": (2, 1)},
    "reverse_transformer_layers_per_block": {
        "transformer_layers_per_block": ((1,), (2,)), "layers_per_block": 1,
        "reverse_transformer_layers_per_block": ((2, 2), (1, 1)),
    },
    "encoder_hid_dim": {"encoder_hid_dim": 20, "encoder_hid_dim_type": "text_proj"},
    "encoder_hid_dim_type": {"encoder_hid_dim": 20, "encoder_hid_dim_type": "text_image_proj"},
    "attention_head_dim": {"attention_head_dim": (4, 8)},
    "num_attention_heads": None,  # diffusers refuses any value
    "dual_cross_attention": None,  # refused but for its default
    "use_linear_projection": {"use_linear_projection": True},
    "class_embed_type": {"class_embed_type": "timestep"},
    "addition_embed_type": {
        "addition_embed_type": "text_image",
    },
    "addition_time_embed_dim": {
        "addition_embed_type": "text_time", "addition_time_embed_dim": 8,
        "projection_class_embeddings_input_dim": 48 + 20,
    },
    "num_class_embeds": {"num_class_embeds": 5},
    "upcast_attention": {"upcast_attention": True},
    "resnet_time_scale_shift": {"resnet_time_scale_shift": "scale_shift"},
    "resnet_skip_time_act": SIMPLE | {"resnet_skip_time_act": True},
    "resnet_out_scale_factor": SIMPLE | {"resnet_out_scale_factor": 1.4},
    "time_embedding_type": {"time_embedding_type": "fourier"},
    "time_embedding_dim": {"time_embedding_dim": 40},
    "time_embedding_act_fn": {"time_embedding_act_fn": "silu"},
    "timestep_post_act": {"timestep_post_act": "silu"},
    "time_cond_proj_dim": {"time_cond_proj_dim": 12},
    "conv_in_kernel": {"conv_in_kernel": 1},
    "conv_out_kernel": {"conv_out_kernel": 5},
    "projection_class_embeddings_input_dim": {
        "class_embed_type": "projection", "projection_class_embeddings_input_dim": 10,
    },
    "attention_type": None,  # refused but for its default
    "class_embeddings_concat": {
        "class_embed_type": "simple_projection", "projection_class_embeddings_input_dim": 10,
        "class_embeddings_concat": True,
    },
    "mid_block_only_cross_attention": SIMPLE | {"mid_block_only_cross_attention": True},
    "cross_attention_norm": SIMPLE
    | {"cross_attention_norm": "group_norm", "cross_attention_dim": 32},
    "addition_embed_type_num_heads": {
        "addition_embed_type": "text", "addition_embed_type_num_heads": 4,
    },
}  # fmt: skip
"""For every key a U-Net in which it has another value than its default."""


def unet_of(**changes):
    with torch.random.fork_rng():
        torch.random.manual_seed(0)
        return UNet2DConditionModel(**(SMALL | changes)).eval()


def layers_of(unet):
    """Random layers but for the last projection, so that they would do something."""
    sizes = FrameLayersArchitecture(
        transformer=FrameTransformerSizes(num_heads=4, norm_groups=8, feedforward_factor=1),
        in_middle=True, max_frames=8,
    )  # fmt: skip
    with torch.random.fork_rng():
        torch.random.manual_seed(1)
        layers = FrameLayers(sizes, unet)
        for weight in layers.parameters():
            torch.nn.init.normal_(weight, std=0.2)
    return layers.eval()


def test_every_key_of_diffusers_is_known_and_carried_by_default():
    found = unet_coverage(UNet2DConditionModel(**SMALL).config)
    assert {one.key for one in found} == set(KEYS)
    assert {one.verdict for one in found} == {"carried", "irrelevant"}
    assert [one.key for one in found if one.verdict == "irrelevant"] == ["sample_size"]
    assert set(VARIANTS) == set(KEYS)


@pytest.mark.parametrize("key", [key for key, value in VARIANTS.items() if value])
def test_a_unet_with_another_value_is_lifted(key):
    """As an identity at strength 0, which is proved, and with frames that reach each other."""
    unet = unet_of(**VARIANTS[key])
    default = inspect.signature(UNet2DConditionModel.__init__).parameters[key].default
    assert key == "downsample_padding" or unet.config[key] != default, "it is another value"

    made = inflate(unet, layers_of(unet))

    assert {one.key: one.verdict for one in made.coverage}[key] in ("carried", "irrelevant")
    flat, inputs = example_inputs(unet)
    clip, times = rearrange(flat, "f c h w -> 1 c f h w"), torch.tensor([[300.0, 300.0]])
    changed = clip.clone()
    changed[:, :, 1] += 1
    with torch.no_grad():
        apart = made.lifted(changed, times, inputs) - made.lifted(clip, times, inputs)
        alone = made.lifted(changed, times, inputs, scale=0.0)
        same = made.lifted(clip, times, inputs, scale=0.0)
    assert float(apart[:, :, 0].abs().max()) > 1e-5
    assert float((alone - same)[:, :, 0].abs().max()) <= 1e-5, "float32 of one frame, twice"


@pytest.mark.parametrize(("config", "named"), [
    ({"attention_type": "gated"}, "attention_type='gated'"),
    ({"dual_cross_attention": True}, "dual_cross_attention=True"),
    ({"down_block_types": ("KDownBlock2D",)}, "no place in KDownBlock2D"),
    ({"cross_attention_dim": (16, 32)}, "cross_attention_dim=.16, 32."),
    ({"class_embeddings_concat": True}, "class_embeddings_concat=True"),
    ({"temporal_magic": 3}, "temporal_magic=3"),
])  # fmt: skip
def test_what_cannot_be_carried_is_refused_by_name(config, named):
    whole = dict(UNet2DConditionModel(**SMALL).config) | config
    with pytest.raises(InputError, match=named):
        check_coverage(whole)
    assert coverage_lines(unet_coverage(whole))[0].startswith("refused")


def test_all_refused_keys_are_named_at_once():
    with pytest.raises(InputError, match=r"attention_type='gated'.*; other=1"):
        check_coverage({"attention_type": "gated", "other": 1, "_class_name": "any"})
