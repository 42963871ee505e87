"""Motion adapters of diffusers and U-Nets, small, with random weights."""

import torch


def adapter(middle: bool = False, levels: int = 4, length: int = 32, seed: int = 0):
    from diffusers import MotionAdapter

    with torch.random.fork_rng():
        torch.random.manual_seed(seed)
        made = MotionAdapter(
            block_out_channels=(32, 64, 64, 96)[:levels], motion_layers_per_block=2,
            motion_num_attention_heads=8, motion_norm_num_groups=32, motion_max_seq_length=length,
            use_motion_mid_block=middle,
        )  # fmt: skip
        for parameter in made.parameters():  # also where training starts from zero
            torch.nn.init.normal_(parameter, std=0.05)
    return made.eval()


def unet(levels: int = 4, seed: int = 1, in_channels: int = 4):
    from diffusers import UNet2DConditionModel

    attended = ("CrossAttnDownBlock2D",) * (levels - 1)
    with torch.random.fork_rng():
        torch.random.manual_seed(seed)
        return UNet2DConditionModel(
            sample_size=8, in_channels=in_channels, layers_per_block=2,
            block_out_channels=(32, 64, 64, 96)[:levels],
            cross_attention_dim=16, attention_head_dim=8, norm_num_groups=32,
            down_block_types=(*attended, "DownBlock2D"),
            up_block_types=("UpBlock2D", *("CrossAttnUpBlock2D",) * (levels - 1)),
        ).eval()  # fmt: skip
