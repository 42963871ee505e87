import pytest
import torch
from torch import nn

from common.diffusion.shared_text import SharedText
from tests.common.diffusion.test_feature_cache import noised, unet


def states(num_clips, num_frames):
    own = torch.randn(num_clips, 1, 5, 12, generator=torch.Generator().manual_seed(3))
    return own.expand(-1, num_frames, -1, -1).flatten(0, 1)


@pytest.mark.parametrize(("num_clips", "num_frames"), [(1, 2), (2, 1)])
def test_the_unet_gives_what_it_gives_with_every_row_computed(num_clips, num_frames):
    network, told = unet(), states(num_clips, num_frames)
    times = torch.tensor([700.0, 700.0])
    expected = network(noised(0), times, told).sample
    text = SharedText(network)
    assert torch.equal(network(noised(0), times, told).sample, expected), "untouched by itself"
    with text.alike(num_frames):
        found = network(noised(0), times, told).sample
    # Products of fewer rows may be summed in another order.
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-6)
    assert torch.equal(network(noised(0), times, told).sample, expected), "as before"


def test_clips_keep_their_own_text_and_every_clip_is_computed_once():
    network, told = unet(), states(3, 4)
    (attention, *_) = [m for name, m in network.named_modules() if name.endswith("attn2")]
    seen = []
    assert isinstance(attention.to_k, nn.Linear)
    whole = attention.to_k.forward
    attention.to_k.forward = lambda rows: seen.append(len(rows)) or whole(rows)
    with SharedText(network).alike(4):
        found = attention.to_k(told)
    assert seen == [3]
    torch.testing.assert_close(found, whole(told), rtol=0, atol=1e-6)
