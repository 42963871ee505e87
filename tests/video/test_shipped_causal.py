"""What the causal autoencoder in the repository keeps; `evaluate/clip_coding` measures it in full.

Few small clips of the kit that nobody has learnt from: they would tell if the weights, what they
stand on and their card no longer belonged together.
"""

from statistics import fmean

import pytest
import torch

from common.embedded.frame_coding import FrameCoding
from common.training.kit.clip_truth import true_clip
from common.zoo.models import load_autoencoder
from video.causal_autoencoder.coding import CausalCoding
from video.causal_autoencoder.interpolated import InterpolatedCoding
from video.causal_autoencoder.load import load_causal_autoencoder
from video.evaluation.coding_scores import coded_clip

CLIPS = (("car", "red", "slide left"), ("duck", "yellow", "hop"), ("mug", "blue", "grow"))


@pytest.fixture(scope="module")
def codings():
    autoencoder = load_autoencoder()
    causal = load_causal_autoencoder(autoencoder).model
    return (
        FrameCoding(autoencoder.model), InterpolatedCoding(autoencoder.model, 4),
        CausalCoding(autoencoder.model, causal),
    )  # fmt: skip


@pytest.fixture(scope="module")
def clips():
    return [true_clip(*one, 16, 64, 0)[0] for one in CLIPS]


def test_codes_keep_more_than_frames_with_mixtures_between(codings, clips):
    found = [[coded_clip(coding, clip) for clip in clips] for coding in codings]
    psnr = [fmean(min(one.psnr_db) for one in row) for row in found]
    frames, mixed, causal = psnr
    assert causal > mixed + 0.5  # dB, though five frames of the mixture are kept whole
    together = [fmean(min(one.clip_psnr_db) for one in row) for row in found]
    assert together[2] > together[1] + 1.5
    assert frames > causal, "a third of the numbers cannot keep all"
    assert found[2][0].num_values == found[1][0].num_values == 5 * 8 * 8 * 8
    assert found[0][0].num_values == 16 * 8 * 8 * 8
    errors = [fmean(one.alpha_error for one in row) for row in found]
    assert errors[2] < 0.7 * errors[1]


def test_pictures_are_coded_as_without_it(codings, clips):
    frames, _, causal = codings
    picture = clips[0][None, :, :1]
    assert torch.equal(frames.encode(picture), causal.encode(picture))
    assert torch.equal(frames.decode(frames.encode(picture)), causal.decode(causal.encode(picture)))
