"""What drawing takes, said before."""

import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from tests.video.spacetime_dit.small_dit import PATCHES, SIZES, randn, random_dit, some_text
from video.spacetime_dit.architecture import SpacetimeDiTArchitecture
from video.spacetime_dit.flops import evaluation_flops
from video.spacetime_dit.memory import drawing_bytes, training_bytes


@pytest.mark.parametrize("patch", PATCHES)
@pytest.mark.parametrize("attention", ["joint", "factorised"])
def test_arithmetic_is_what_torch_counts(patch, attention):
    sizes = SIZES.model_copy(update={"patch": patch, "attention": attention})
    model, text = random_dit(sizes), some_text(1, length=6)
    # torch does not count within its fused kernel for CPUs
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counted:
        model(randn(1, 4, 3, 8, 6), torch.tensor([300.0]), text)
    assert evaluation_flops(sizes, (3, 8, 6), 6) == counted.get_total_flops()


def test_memory_grows_with_frames_and_less_when_factorised():
    joint, factorised = (
        SpacetimeDiTArchitecture(attention=kind) for kind in ("joint", "factorised")
    )
    size = (16, 16, 16)
    assert drawing_bytes(joint, (4, 16, 16), 1) < drawing_bytes(joint, size, 1)
    assert drawing_bytes(factorised, size, 1) < drawing_bytes(joint, size, 1)
    assert drawing_bytes(joint, size, 1) < drawing_bytes(joint, size, 2)
    assert training_bytes(factorised, size, 8)[1] < training_bytes(joint, size, 8)[1]
