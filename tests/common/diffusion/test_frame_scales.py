"""Guidance scales of their own for the frames of clips."""

import pytest
import torch

from common.diffusion.gaussian_config import GaussianPriorConfig
from common.diffusion.gaussian_prior import build_gaussian_prior
from common.diffusion.guidance_config import APG, CFG, PerpNeg
from common.diffusion.guided_prediction import Negative, guided_prediction
from common.errors import InputError

SCALES = torch.tensor([1.0, 3.0, 7.3, 0.0], dtype=torch.float64)


def guided(guidance, scales=None):
    prior = build_gaussian_prior(GaussianPriorConfig(), (4, 16, 16))
    latents = torch.randn(2, *prior.spec.latent_shape, generator=torch.Generator().manual_seed(1))
    cond, uncond = prior.embed(["a red ball"] * 2), prior.embed([""] * 2)
    negatives = []
    if isinstance(guidance, PerpNeg):
        negatives = [Negative(prior.embed(["a blue ball"] * 2), torch.ones(2))]
    return guided_prediction(
        prior, latents, torch.full((2,), 500.0), cond, uncond, guidance, negatives, None, scales
    ).prediction  # fmt: skip


@pytest.mark.parametrize("kind", [CFG, APG, PerpNeg])
def test_each_frame_is_guided_by_its_own_scale_to_the_bit(kind):
    made = guided(kind(), SCALES)
    for frame, scale in enumerate(SCALES.tolist()):
        alone = guided(kind(guidance_scale=scale), torch.full((4,), scale, dtype=torch.float64))
        assert torch.equal(made[:, :, frame], alone[:, :, frame])
        assert torch.equal(alone, guided(kind(guidance_scale=scale)))


def test_scales_of_other_frames_are_refused():
    with pytest.raises(InputError, match="guidance has 3 scales"):
        guided(CFG(), SCALES[:3])
