from typing import Any

import pytest
import torch
from diffusers import MotionAdapter, UNet2DConditionModel, UNetMotionModel
from einops import rearrange, repeat
from torch import Tensor, nn

from common.diffusion.frame_attention import FrameTransformerSizes
from common.diffusion.inflation import check_identity
from common.diffusion.lifted_unet import (
    FrameLayers,
    FrameLayersArchitecture,
    LiftedUNet,
    UNetInputs,
)
from common.errors import InputError

FRAMES = 4
JOINT = FrameTransformerSizes(num_heads=2, norm_groups=8, norm_over="joint")


def small_unet(cross: bool = True, **changes: Any) -> Any:
    """A U-Net of two levels, of which the second, or none, has cross-attention."""
    down = ("DownBlock2D", "CrossAttnDownBlock2D" if cross else "DownBlock2D")
    up = ("CrossAttnUpBlock2D" if cross else "UpBlock2D", "UpBlock2D")
    with torch.random.fork_rng():
        torch.random.manual_seed(0)
        return UNet2DConditionModel(
            sample_size=8, in_channels=4, out_channels=4, block_out_channels=(16, 32),
            layers_per_block=2, down_block_types=down, up_block_types=up,
            cross_attention_dim=12, attention_head_dim=2, norm_num_groups=8, **changes,
        ).eval()  # fmt: skip


def lifted(unet: Any, sizes: FrameLayersArchitecture, std: float = 0.1) -> LiftedUNet:
    """The U-Net with layers of random weights everywhere."""
    with torch.random.fork_rng():
        torch.random.manual_seed(1)
        layers = FrameLayers(sizes, unet)
        for weight in layers.parameters():
            nn.init.normal_(weight, std=std)
    return LiftedUNet(unet, layers).eval()


def noise(*shape: int, seed: int = 2) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def call(net: LiftedUNet, latents: Tensor, times: Tensor, **more: Any) -> Tensor:
    states = repeat(noise(len(latents), 3, 12, seed=3), "b l d -> (b f) l d", f=latents.shape[2])
    with torch.no_grad():
        return net(latents, times, UNetInputs(states), **more)


@pytest.mark.parametrize("in_middle", [False, True])
def test_equals_the_motion_model_of_diffusers(in_middle: bool) -> None:
    unet = small_unet()
    net = lifted(unet, FrameLayersArchitecture(transformer=JOINT, in_middle=in_middle))
    adapter = MotionAdapter(
        (16, 32), motion_layers_per_block=2, motion_num_attention_heads=2,
        motion_norm_num_groups=8, motion_max_seq_length=16, use_motion_mid_block=in_middle,
    )  # fmt: skip
    missing, unexpected = adapter.load_state_dict(net.layers.state_dict(), strict=False)
    assert not unexpected
    assert all(name.endswith("pos_embed.pe") for name in missing)
    theirs = UNetMotionModel.from_unet2d(unet, adapter).eval()
    latents, states = noise(2, 4, FRAMES, 8, 8), noise(2, 3, 12, seed=3)

    found = call(net, latents, torch.full((2, FRAMES), 300.0))
    with torch.no_grad():
        told = repeat(states, "b l d -> (b f) l d", f=FRAMES)
        expected = theirs(latents, 300, told).sample

    # A whole network in float32; reference/video.md measured 1.4e-6 between two of its own runs.
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("cross", [True, False])
def test_scale_zero_is_the_unet_frame_by_frame(cross: bool) -> None:
    unet = small_unet(cross)
    net = lifted(unet, FrameLayersArchitecture(transformer=JOINT))
    latents, times = noise(2, 4, FRAMES, 8, 8), torch.rand(2, FRAMES) * 900

    found = call(net, latents, times, scale=0.0)

    states = noise(2, 3, 12, seed=3)
    for clip in range(2):
        for frame in range(FRAMES):
            one = latents[clip : clip + 1, :, frame]
            with torch.no_grad():
                alone = unet(one, times[clip, frame], states[clip : clip + 1]).sample
            torch.testing.assert_close(found[clip : clip + 1, :, frame], alone, rtol=0, atol=1e-5)
    check_identity(net)


def test_layers_do_something_and_leave_the_unet_as_it_was() -> None:
    unet = small_unet()
    net = lifted(unet, FrameLayersArchitecture(transformer=JOINT))
    latents, times = noise(2, 4, FRAMES, 8, 8), torch.full((2, FRAMES), 300.0)
    with torch.no_grad():
        before = unet(latents[:, :, 0], 300, noise(2, 3, 12, seed=3)).sample

    difference = (call(net, latents, times) - call(net, latents, times, scale=0.0)).abs().max()

    assert float(difference) > 1e-2
    with torch.no_grad():
        assert torch.equal(unet(latents[:, :, 0], 300, noise(2, 3, 12, seed=3)).sample, before)


def test_hooks_are_gone_after_an_error() -> None:
    unet = small_unet()
    net = lifted(unet, FrameLayersArchitecture(transformer=JOINT))

    with pytest.raises(Exception, match=r"shape|size|mat"):
        net(noise(1, 4, 2, 8, 8), torch.zeros(1, 2), UNetInputs(noise(2, 3, 99)))

    assert not any(module._forward_hooks for module in unet.modules())


def test_a_condition_and_the_noise_level_reach_the_layers() -> None:
    sizes = FrameLayersArchitecture(
        transformer=FrameTransformerSizes(num_heads=2, norm_groups=8, condition_channels=5),
        spans=("place", "everywhere"), condition_channels=7,
    )  # fmt: skip
    net = lifted(small_unet(), sizes)
    latents, times = noise(2, 4, FRAMES, 8, 8), torch.full((2, FRAMES), 300.0)
    condition = noise(2 * FRAMES, 7)

    told = call(net, latents, times, condition=condition)

    assert float((told - call(net, latents, times, condition=-condition)).abs().max()) > 1e-3
    with pytest.raises(InputError, match="need a condition of 7"):
        call(net, latents, times)
    check_identity(net)


def test_later_frames_of_a_clip_can_be_drawn_alone() -> None:
    net = lifted(small_unet(), FrameLayersArchitecture(transformer=JOINT))
    latents, times = noise(1, 4, 2, 8, 8), torch.full((1, 2), 300.0)

    first = call(net, latents, times, frames=torch.tensor([[0.0, 1.0]]))
    later = call(net, latents, times, frames=torch.tensor([[8.0, 9.0]]))

    assert torch.equal(first, call(net, latents, times))
    assert float((first - later).abs().max()) > 1e-4


def test_layers_that_change_the_unet_at_scale_zero_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    net = lifted(small_unet(), FrameLayersArchitecture(transformer=JOINT))
    monkeypatch.setattr(
        "common.diffusion.frame_attention.FrameTransformer.forward",
        lambda self, features, *_: features * 1.01,
    )

    with pytest.raises(InputError, match="change the U-Net by"):
        check_identity(net)


def test_wrong_sizes_are_refused() -> None:
    with pytest.raises(InputError, match="spans has 1 levels, the U-Net has 2"):
        lifted(small_unet(), FrameLayersArchitecture(transformer=JOINT, spans=("place",)))
    with pytest.raises(InputError, match="set both, or neither"):
        lifted(small_unet(), FrameLayersArchitecture(transformer=JOINT, condition_channels=3))


def test_frames_are_folded_with_the_frame_fastest() -> None:
    net = lifted(small_unet(), FrameLayersArchitecture(transformer=JOINT))
    latents, times = noise(2, 4, FRAMES, 8, 8), torch.full((2, FRAMES), 300.0)

    both = call(net, latents, times)
    states = repeat(noise(2, 3, 12, seed=3)[1:], "b l d -> (b f) l d", f=FRAMES)
    with torch.no_grad():
        second = net(latents[1:], times[1:], UNetInputs(states))

    torch.testing.assert_close(both[1:], second, rtol=0, atol=1e-5)
    assert rearrange(both, "b c f h w -> (b f) c h w").shape == (2 * FRAMES, 4, 8, 8)
