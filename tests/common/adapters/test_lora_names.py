"""kohya's names of U-Net layers, against the U-Net that diffusers makes of the original layout."""

import pytest
from diffusers import UNet2DConditionModel

from common.adapters.lora_names import diffusers_joined, joined_names

# Written out by hand from the original code's blocks: SD 1.x has 12 input and 12 output blocks of
# two layers a level, SDXL 9 and 9.
SD15 = {
    "input_blocks_0_0": "conv_in",
    "input_blocks_1_0_in_layers_2": "down_blocks_0_resnets_0_conv1",
    "input_blocks_1_1_proj_in": "down_blocks_0_attentions_0_proj_in",
    "input_blocks_2_1_transformer_blocks_0_attn2_to_k":
        "down_blocks_0_attentions_1_transformer_blocks_0_attn2_to_k",
    "input_blocks_3_0_op": "down_blocks_0_downsamplers_0_conv",
    "input_blocks_8_0_skip_connection": "down_blocks_2_resnets_1_conv_shortcut",
    "input_blocks_11_0_emb_layers_1": "down_blocks_3_resnets_1_time_emb_proj",
    "middle_block_0_out_layers_3": "mid_block_resnets_0_conv2",
    "middle_block_1_transformer_blocks_0_ff_net_0_proj":
        "mid_block_attentions_0_transformer_blocks_0_ff_net_0_proj",
    "middle_block_2_in_layers_2": "mid_block_resnets_1_conv1",
    "output_blocks_2_1_conv": "up_blocks_0_upsamplers_0_conv",
    "output_blocks_5_1_proj_out": "up_blocks_1_attentions_2_proj_out",
    "output_blocks_5_2_conv": "up_blocks_1_upsamplers_0_conv",
    "output_blocks_11_1_transformer_blocks_0_attn1_to_out_0":
        "up_blocks_3_attentions_2_transformer_blocks_0_attn1_to_out_0",
    "time_embed_2": "time_embedding_linear_2",
    "out_2": "conv_out",
}  # fmt: skip
SDXL = {
    "input_blocks_4_1_transformer_blocks_1_attn1_to_q":
        "down_blocks_1_attentions_0_transformer_blocks_1_attn1_to_q",
    "input_blocks_8_1_transformer_blocks_9_ff_net_2":
        "down_blocks_2_attentions_1_transformer_blocks_9_ff_net_2",
    "output_blocks_0_1_proj_in": "up_blocks_0_attentions_0_proj_in",
    "output_blocks_8_0_in_layers_2": "up_blocks_2_resnets_2_conv1",
    "label_emb_0_2": "add_embedding_linear_2",
}  # fmt: skip


def blocks_of(levels, attention_from, up_attention_to, **settings):
    return UNet2DConditionModel(
        sample_size=8, block_out_channels=(8,) * levels, norm_num_groups=4, attention_head_dim=4,
        cross_attention_dim=8, layers_per_block=2,
        down_block_types=tuple(
            "CrossAttnDownBlock2D" if level in attention_from else "DownBlock2D"
            for level in range(levels)
        ),
        up_block_types=tuple(
            "CrossAttnUpBlock2D" if level in up_attention_to else "UpBlock2D"
            for level in range(levels)
        ),
        **settings,
    )  # fmt: skip


@pytest.fixture(scope="module")
def layers():
    """Joined paths of SD 1.x and of SDXL in few channels."""
    sd = blocks_of(4, (0, 1, 2), (1, 2, 3))
    xl = blocks_of(
        3, (1, 2), (0, 1), use_linear_projection=True, transformer_layers_per_block=[1, 2, 10],
        addition_embed_type="text_time", addition_time_embed_dim=8,
        projection_class_embeddings_input_dim=64,
    )  # fmt: skip
    return {
        name: joined_names(path for path, _ in unet.named_modules())
        for name, unet in (("sd", sd), ("xl", xl))
    }


@pytest.mark.parametrize(("original", "wanted"), [*SD15.items(), *SDXL.items()])
def test_original_names_are_those_of_the_same_layer(layers, original, wanted):
    assert diffusers_joined(original) == wanted
    # A level without change of channels has no conv_shortcut.
    known = layers["xl" if original in SDXL else "sd"]
    assert wanted.removesuffix("_conv_shortcut") in known or wanted in known


def test_names_of_diffusers_stay(layers):
    for known in layers.values():
        assert all(diffusers_joined(name) == name for name in known)


def test_paths_that_collide_are_left_out():
    assert joined_names(["a.b_c", "a_b.c", "d.e"]) == {"d_e": "d.e"}
