import pytest
import torch
from diffusers.models.unets.unet_motion_model import AnimateDiffTransformer3D
from einops import rearrange
from torch import Tensor, nn

from common.diffusion.frame_attention import (
    FrameTransformer,
    FrameTransformerSizes,
    SelfAttention,
    Span,
    attend,
    place_features,
    sinusoid,
)

CHANNELS, FRAMES, SIDE = 32, 5, 4
SMALL = FrameTransformerSizes(num_heads=4, norm_groups=8)
ROUNDING = 2e-6
"""float32 rounding of a few products of values about 1, summed over 32 channels."""


def layer(sizes: FrameTransformerSizes = SMALL, span: Span = "place") -> FrameTransformer:
    """A layer with random weights everywhere, projection back included."""
    with torch.random.fork_rng():
        torch.random.manual_seed(3)
        made = FrameTransformer(CHANNELS, sizes, span)
        for weight in made.parameters():
            nn.init.normal_(weight, std=0.1)
    return made.eval()


def features(batch: int = 2, frames: int = FRAMES, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(batch * frames, CHANNELS, SIDE, SIDE, generator=generator)


def times(batch: int = 2, frames: int = FRAMES) -> Tensor:
    return torch.arange(frames).float().expand(batch, -1)


def test_an_untrained_layer_changes_nothing() -> None:
    made = FrameTransformer(CHANNELS, SMALL)

    assert torch.equal(made(features(), times()), features())


@pytest.mark.parametrize("norm_over", ["joint", "per_frame"])
def test_equals_the_transformer_of_diffusers(norm_over: str) -> None:
    sizes = FrameTransformerSizes(num_heads=4, norm_groups=8, norm_over=norm_over)
    ours = layer(sizes)
    theirs = AnimateDiffTransformer3D(
        4, CHANNELS // 4, CHANNELS, norm_num_groups=8, activation_fn="geglu",
        positional_embeddings="sinusoidal", num_positional_embeddings=24,
    ).eval()  # fmt: skip
    missing, unexpected = theirs.load_state_dict(ours.state_dict(), strict=False)
    assert not unexpected
    assert missing == ["transformer_blocks.0.pos_embed.pe"]
    if norm_over == "per_frame":
        # Theirs pools over all frames; the original, and ours, does not.
        theirs.norm = _PerFrame(theirs.norm)

    with torch.no_grad():
        found, expected = ours(features(), times()), theirs(features(), num_frames=FRAMES)

    torch.testing.assert_close(found, expected, rtol=0, atol=ROUNDING)


class _PerFrame(nn.Module):
    def __init__(self, norm: nn.Module):
        super().__init__()
        self.norm = norm

    def forward(self, clips: Tensor) -> Tensor:
        return torch.stack([self.norm(clips[:, :, f]) for f in range(clips.shape[2])], 2)


def test_the_two_norms_differ_where_frames_differ_in_scale() -> None:
    drifting = features() * torch.linspace(0.2, 3, 2 * FRAMES)[:, None, None, None]
    joint = layer(FrameTransformerSizes(num_heads=4, norm_groups=8, norm_over="joint"))

    difference = (layer()(drifting, times()) - joint(drifting, times())).abs().max()

    assert float(difference.detach()) > 0.05


@pytest.mark.parametrize("span", ["place", "everywhere"])
def test_views_have_no_order(span: Span) -> None:
    unordered = layer(
        FrameTransformerSizes(num_heads=4, norm_groups=8, ordered=False, told_places=True), span
    )
    order = torch.tensor([3, 0, 4, 1, 2])
    clips = rearrange(features(), "(b f) c h w -> b f c h w", f=FRAMES)
    shuffled = rearrange(clips[:, order], "b f c h w -> (b f) c h w")

    made = rearrange(unordered(features(), times()), "(b f) c h w -> b f c h w", f=FRAMES)
    made_shuffled = unordered(shuffled, times())

    expected = rearrange(made[:, order], "b f c h w -> (b f) c h w")
    torch.testing.assert_close(made_shuffled, expected, rtol=0, atol=ROUNDING)


def test_frames_have_an_order() -> None:
    made, reversed_ = layer()(features(), times()), layer()(features(), times().flip(1))

    assert float((made - reversed_).abs().max().detach()) > 1e-3


@pytest.mark.parametrize(("span", "reaches"), [("place", False), ("everywhere", True)])
def test_the_span_says_which_places_reach_each_other(span: Span, reaches: bool) -> None:
    # Without the entry's norm, whose statistics reach everywhere.
    made = layer(span=span)
    made.norm = nn.Identity()  # type: ignore[assignment]
    changed = features(1)
    changed[0, :, 0, 0] += 1.0

    difference = (made(changed, times(1)) - made(features(1), times(1))).abs()

    # One place of 80 changes what all of them see by a few 1e-4; rounding is below 1e-6.
    assert float(difference[3, :, 0, 0].max().detach()) > 1e-5
    assert (float(difference[3, :, 2, 1].max().detach()) > 1e-5) == reaches


def test_clips_of_a_batch_do_not_see_each_other() -> None:
    both = layer(span="everywhere")(features(), times())
    alone = layer(span="everywhere")(features()[:FRAMES], times(1))

    torch.testing.assert_close(both[:FRAMES], alone, rtol=0, atol=ROUNDING)


def test_scale_is_linear_in_what_is_added() -> None:
    made = layer()
    whole = made(features(), times()) - features()
    half = made(features(), times(), scale=0.5) - features()

    torch.testing.assert_close(half, whole / 2, rtol=0, atol=ROUNDING)


def test_a_condition_reaches_its_own_frame_before_attention() -> None:
    sizes = FrameTransformerSizes(num_heads=4, norm_groups=8, condition_channels=6)
    made = layer(sizes)
    condition = torch.randn(2 * FRAMES, 6, generator=torch.Generator().manual_seed(1))

    told = made(features(), times(), condition)

    assert float((told - made(features(), times(), condition.flip(0))).abs().max().detach()) > 1e-3
    with pytest.raises(ValueError, match="condition_channels is 6, and the condition is missing"):
        made(features(), times())
    with pytest.raises(ValueError, match="condition_channels is 0"):
        layer()(features(), times(), condition)


def test_plain_and_fused_attention_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    attention = SelfAttention(CHANNELS, 4)
    tokens = torch.randn(3, 20, CHANNELS, generator=torch.Generator().manual_seed(2))
    by_hand = attention(tokens)
    monkeypatch.setattr("common.diffusion.frame_attention._BY_HAND_UP_TO", 0)

    torch.testing.assert_close(attention(tokens), by_hand, rtol=0, atol=ROUNDING)


def test_equal_keys_give_the_mean_of_the_values() -> None:
    values = torch.randn(1, 1, 7, 4, generator=torch.Generator().manual_seed(4))
    keys = torch.ones(1, 1, 7, 4)

    made = attend(torch.randn(1, 1, 2, 4), keys, values)

    expected = values.mean(2, keepdim=True).expand(-1, -1, 2, -1)
    torch.testing.assert_close(made, expected, rtol=0, atol=ROUNDING)


def test_the_sinusoid_turns_by_a_shift() -> None:
    here, later = sinusoid(torch.tensor([2.0]), 8), sinusoid(torch.tensor([5.0]), 8)

    for pair, wavelength in enumerate([1.0, 10.0, 100.0, 1000.0]):
        angle = torch.tensor(3.0 / wavelength)
        turn = torch.stack([
            torch.stack([angle.cos(), angle.sin()]), torch.stack([-angle.sin(), angle.cos()])
        ])  # fmt: skip
        torch.testing.assert_close(
            later[0, 2 * pair : 2 * pair + 2], turn @ here[0, 2 * pair : 2 * pair + 2],
            rtol=0, atol=1e-6,
        )  # fmt: skip


def test_places_are_all_told_apart() -> None:
    found = place_features((torch.arange(32) + 0.5) / 32, 12)

    assert found.shape == (32, 12)
    assert float(torch.cdist(found, found).fill_diagonal_(9.0).min()) > 0.1


def test_gradients_reach_a_layer_on_frozen_features_of_any_memory_format() -> None:
    found = []
    for memory_format in (torch.contiguous_format, torch.channels_last):
        made = layer()
        frozen = features().contiguous(memory_format=memory_format)
        made(frozen, times()).square().sum().backward()
        found.append(made.norm.weight.grad)

    assert found[0] is not None
    torch.testing.assert_close(found[1], found[0], rtol=1e-4, atol=1e-4)


def changed_places(span: Span, frame: int) -> Tensor:
    """Where the output moves when one corner of one frame does: frames by rows by columns."""
    made, moved = layer(span=span), features(batch=1)
    moved[frame, :, 0, 0] += 1.0
    with torch.no_grad():
        off = made(moved, times(1)) - made(features(batch=1), times(1))
    # The norm is of each frame: the moved frame changes everywhere by itself.
    return off.abs().amax(1) > 1e-6


def test_every_place_of_every_frame_sees_all_of_the_first_and_its_own_place_of_others() -> None:
    by_first = changed_places("place_and_first", 0)
    assert bool(by_first.all())
    by_place = changed_places("place", 2)
    by_other = changed_places("place_and_first", 2)
    others = [frame for frame in range(FRAMES) if frame != 2]
    assert torch.equal(by_other[others], by_place[others])


def test_first_frame_attention_equals_a_loop_over_tokens() -> None:
    generator = torch.Generator().manual_seed(4)
    attention = SelfAttention(CHANNELS, 4)
    tokens, context = (torch.randn(2, n, CHANNELS, generator=generator) for n in (6, 3))
    with torch.no_grad():
        found = attention(tokens, context)
        for row in range(2):
            for place in range(6):
                heads = []
                for head in range(4):
                    part = slice(8 * head, 8 * head + 8)
                    query = attention.to_q(tokens[row, place])[part]
                    keys, values = attention.to_k(context[row]), attention.to_v(context[row])
                    shares = torch.softmax(keys[:, part] @ query / 8**0.5, 0)
                    heads.append(shares @ values[:, part])
                expected = attention.to_out[0](torch.cat(heads))
                torch.testing.assert_close(found[row, place], expected, rtol=0, atol=ROUNDING)
