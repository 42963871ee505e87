"""The 3-D U-Net: convolutions over frames and full attention over space and time."""

import pytest
import torch
import torch.nn.functional as F
from einops import rearrange
from torch import nn

from common.diffusion.frame_attention import FrameTransformerSizes
from common.diffusion.inflation import inflate
from common.diffusion.lifted_unet import FrameLayers, FrameLayersArchitecture
from common.diffusion.temporal_convolution import TemporalConvolution
from tests.common.diffusion.test_lifted_unet import FRAMES, call, lifted, noise, small_unet

THREE_D = FrameLayersArchitecture(
    transformer=FrameTransformerSizes(num_heads=2, norm_groups=8, num_attentions=1),
    spans=("nothing", "everywhere"), convolution_frames=3,
)  # fmt: skip
TIMES = torch.arange(5.0).expand(2, -1)


def random_layer(width: int = 3) -> TemporalConvolution:
    layer = TemporalConvolution(16, width, norm_groups=8)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in layer.parameters():
            weight.copy_(0.2 * torch.randn(weight.shape, generator=generator))
    return layer.requires_grad_(False)


@pytest.mark.parametrize("width", [3, 5])
def test_it_is_a_convolution_over_frames_of_every_place(width):
    """A slow twin: sums over neighbours one frame at a time, the ends repeated."""
    layer, features = random_layer(width), noise(10, 16, 4, 3)
    found = layer(features, TIMES)

    made = features
    for norm, convolution in zip(layer.norms, layer.convolutions, strict=True):
        clips = rearrange(F.silu(norm(made)), "(b f) c h w -> b f c h w", b=2)
        frames = []
        for at in range(5):
            total = convolution.bias[:, None, None].expand(-1, 4, 3)[None].repeat(2, 1, 1, 1)
            for tap in range(width):
                seen = clips[:, min(max(at + tap - width // 2, 0), 4)]
                total += torch.einsum("oc,bchw->bohw", convolution.weight[:, :, tap, 0], seen)
            frames.append(total)
        made = rearrange(torch.stack(frames, 1), "b f c h w -> (b f) c h w")
    torch.testing.assert_close(found, features + made, rtol=1e-5, atol=1e-5)


def test_a_still_stays_a_still_and_reach_is_two_frames_to_each_side():
    layer, still = random_layer(), noise(1, 16, 4, 3).expand(10, -1, -1, -1)
    made = layer(still, TIMES)
    torch.testing.assert_close(made, made[:1].expand_as(made), rtol=0, atol=1e-6)
    other = still.clone()
    other[0] = noise(16, 4, 3, seed=9)  # of the first clip
    changed = (layer(other, TIMES) - made).abs().amax((1, 2, 3)) > 1e-4
    assert changed.tolist() == [True] * 3 + [False] * 7


def test_strength_is_told_as_one_number_or_for_every_frame():
    layer, features = random_layer(), noise(10, 16, 4, 3)
    whole = layer(features, TIMES)
    assert torch.equal(layer(features, TIMES, scale=0.0), features)
    scales = torch.arange(10) / 9
    found = layer(features, TIMES, scale=scales)
    expected = features + scales[:, None, None, None] * (whole - features)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)


def test_a_new_layer_is_the_identity_to_the_bit():
    features = noise(10, 16, 4, 3)
    assert torch.equal(TemporalConvolution(16, 3, 8)(features, TIMES), features)


@pytest.mark.parametrize("cross", [True, False])
def test_an_untrained_3d_unet_is_the_unet_frame_by_frame(cross):
    unet = small_unet(cross)
    with torch.random.fork_rng():
        torch.random.manual_seed(5)
        made = inflate(unet, FrameLayers(THREE_D, unet).eval())
    latents, times = noise(1, 4, FRAMES, 8, 8), torch.full((1, FRAMES), 500.0)
    found, alone = call(made.lifted, latents, times), call(made.lifted, latents, times, scale=0.0)
    assert torch.equal(found, alone)
    kinds = [layer.kind for layer in made.layers]
    # Two residual blocks a level down and three up, on two levels, and two in the middle.
    assert kinds.count("convolution") == 2 * 2 + 2 + 2 * (2 + 1)
    assert kinds.count("everywhere") == 2 + 3
    (first, *_) = made.layers
    assert (first.after, first.kind) == ("down_blocks.0.resnets.0", "convolution")
    assert first.num_weights == 2 * (2 * 16 + 3 * 16 * 16 + 16)


def test_frames_reach_each_other_and_one_frame_is_drawn():
    net = lifted(small_unet(), THREE_D)
    latents, times = noise(1, 4, FRAMES, 8, 8), torch.full((1, FRAMES), 500.0)
    other = latents.clone()
    other[:, :, -1] += 1
    change = (call(net, latents, times) - call(net, other, times)).abs().amax((0, 1, 3, 4))
    assert bool((change > 1e-4).all())
    assert call(net, latents[:, :, :1], times[:, :1]).shape == (1, 4, 1, 8, 8)


def test_without_convolutions_the_names_are_those_of_motion_layers():
    plain = THREE_D.model_copy(update={"convolution_frames": 0, "spans": ()})
    names = FrameLayers(plain, small_unet()).state_dict().keys()
    assert not any("temporal_convolutions" in name for name in names)
    assert all(isinstance(part, nn.Module) for part in FrameLayers(plain, small_unet()).down_blocks)
