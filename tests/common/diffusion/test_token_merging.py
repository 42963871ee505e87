import pytest
import torch
from diffusers import UNet2DConditionModel
from hypothesis import given
from hypothesis import strategies as st

from common.diffusion.token_merging import merge_of, merge_tokens, merged_layers


def tokens(height, width, channels=6, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(2, height * width, channels, generator=generator)


@given(st.integers(1, 7), st.integers(2, 7), st.floats(0.01, 0.75), st.integers(0, 5))
def test_every_token_comes_back_as_what_it_went_into(height, width, ratio, seed):
    """Against a loop over tokens: averages of those that went together, in their places."""
    given_tokens = tokens(height, width, seed=seed)
    merge = merge_of(given_tokens, (height, width), ratio)
    stays = [row * width + column
             for row in range(0, height, 2) for column in range(0, width, 2)]  # fmt: skip
    some = [place for place in range(height * width) if place not in stays]
    number = min(int(ratio * height * width), len(some))
    assert merge.merged(given_tokens).shape == (2, height * width - number, 6)

    expected = given_tokens.clone()
    for sample, own in enumerate(given_tokens):
        unit = own / own.norm(dim=1, keepdim=True)
        likeness = unit[some] @ unit[stays].T
        best = likeness.max(1)
        groups = {place: [place] for place in stays}
        for index in best.values.argsort(descending=True)[:number].tolist():
            groups[stays[int(best.indices[index])]].append(some[index])
        for members in groups.values():
            expected[sample, members] = own[members].mean(0)
    found = merge.unmerged(merge.merged(given_tokens))
    torch.testing.assert_close(found, expected)


def test_tokens_that_are_alike_merge_without_a_change():
    one = tokens(4, 4).reshape(2, 2, 2, 2, 2, 6)[:, :, :1, :, :1]
    alike = one.expand(2, 2, 2, 2, 2, 6).reshape(2, 16, 6)
    merge = merge_of(alike, (4, 4), 0.75)
    assert merge.merged(alike).shape == (2, 4, 6)
    torch.testing.assert_close(merge.unmerged(merge.merged(alike)), alike)


def unet(first="CrossAttnDownBlock2D", last="CrossAttnUpBlock2D"):
    with torch.random.fork_rng():
        torch.random.manual_seed(0)
        made = UNet2DConditionModel(
            sample_size=8, in_channels=4, out_channels=4, block_out_channels=(8, 16),
            layers_per_block=1, norm_num_groups=4, cross_attention_dim=12, attention_head_dim=4,
            down_block_types=(first, "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", last),
        )  # fmt: skip
    return made.eval().requires_grad_(False)


def made_by(model):
    latents = torch.randn(2, 4, 8, 6, generator=torch.Generator().manual_seed(1))
    return model(latents, torch.tensor([900.0, 10.0]), torch.ones(2, 5, 12)).sample


def test_a_ratio_that_merges_nothing_changes_nothing():
    merged = unet()
    merge_tokens(merged, 1 / 100, (8, 6))
    # Tokens in another order: sums of attention differ in the last bits.
    torch.testing.assert_close(made_by(merged), made_by(unet()), atol=1e-6, rtol=1e-5)


def test_only_the_level_of_full_size_merges_and_sees_fewer_tokens():
    merged, seen = unet(), []
    merge_tokens(merged, 0.5, (8, 6))
    for name, layer in merged.named_modules():
        if name.endswith("attn1.to_q"):
            layer.register_forward_hook(
                lambda _, given, made, n=name: seen.append((n, made.shape[1]))
            )
    made = made_by(merged)
    counts = dict(seen)
    full = {name for name in counts if name.startswith(("down_blocks.0", "up_blocks.1"))}
    assert len(full) == 3
    assert {counts[name] for name in full} == {24}
    assert {counts[name] for name in counts.keys() - full} == {12}
    assert float((made - made_by(unet())).abs().max()) > 0


def test_a_unet_without_attention_at_full_size_is_refused():
    with pytest.raises(ValueError, match="nothing to do"):
        merged_layers(unet("DownBlock2D", "UpBlock2D"))
