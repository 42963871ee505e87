"""A prior of random weights in the shape of Stable Diffusion 1.5: diffusers' U-Net, small."""

import torch
from diffusers import UNet2DConditionModel

from common.diffusion.noise_schedule import build_noise_schedule
from common.diffusion.prior import PriorSpec
from common.diffusion.schedule_config import ScaledLinearSchedule


class TinyPrior:
    """Predicts noise in 4 x 8 x 8 latents; a prompt is a random state that its letters seed."""

    def __init__(self, dtype=torch.float32):
        state = torch.random.get_rng_state()
        torch.manual_seed(0)
        self.network = UNet2DConditionModel(
            sample_size=8, in_channels=4, out_channels=4, block_out_channels=(8, 16),
            layers_per_block=1, down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
            up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"), cross_attention_dim=12,
            attention_head_dim=4, norm_num_groups=4,
        ).to(dtype).requires_grad_(False).eval()  # fmt: skip
        torch.random.set_rng_state(state)
        self.dtype = dtype
        schedule = build_noise_schedule(ScaledLinearSchedule())
        self.spec = PriorSpec((4, 8, 8), 3, schedule, "eps")

    def embed(self, prompts):
        rows = []
        for prompt in prompts:
            generator = torch.Generator().manual_seed(sum(prompt.encode()))
            rows.append(torch.randn(5, 12, generator=generator))
        return torch.stack(rows).to(self.dtype)

    def predict(self, latents, timesteps, cond):
        return self.network(latents, timesteps, encoder_hidden_states=cond).sample

    def encode(self, pictures):
        return pictures

    def decode(self, latents):
        return 0.5 * latents
