"""Attention with rotary positions and normed queries, and attention to the text."""

import pytest
import torch
from diffusers.models.attention_processor import Attention

from tests.video.spacetime_dit.small_dit import randn
from video.spacetime_dit.attention import SpacetimeAttention, TextAttention, within
from video.spacetime_dit.patches import Grid
from video.spacetime_dit.rope import angles, turns_of

CHANNELS, HEADS, TEXT = 32, 2, 24
HEAD = CHANNELS // HEADS


def filled(module):
    with torch.random.fork_rng(), torch.no_grad():
        torch.random.manual_seed(3)
        for weight in module.parameters():
            torch.nn.init.normal_(weight, std=0.3)
    return module.requires_grad_(False)


def turns(coordinates):
    return turns_of(angles(coordinates, HEAD, 100.0))


def of_diffusers(own, to_q, to_kv, cross):
    """diffusers' attention with the same weights."""
    theirs = Attention(
        CHANNELS, cross_attention_dim=TEXT if cross else None, heads=HEADS, dim_head=HEAD,
        bias=True, qk_norm="rms_norm", eps=1e-6,
    )  # fmt: skip
    key, value = to_kv.weight.chunk(2)
    key_bias, value_bias = to_kv.bias.chunk(2)
    theirs.load_state_dict({
        "norm_q.weight": own.query_norm.weight, "norm_k.weight": own.key_norm.weight,
        "to_q.weight": to_q[0], "to_q.bias": to_q[1], "to_k.weight": key, "to_k.bias": key_bias,
        "to_v.weight": value, "to_v.bias": value_bias,
        "to_out.0.weight": own.to_out.weight, "to_out.0.bias": own.to_out.bias,
    })  # fmt: skip
    return theirs.requires_grad_(False)


def test_attention_at_one_place_is_that_of_diffusers():
    own, tokens = filled(SpacetimeAttention(CHANNELS, HEADS)), randn(2, 7, CHANNELS)
    query, rest = own.to_qkv.weight.split([CHANNELS, 2 * CHANNELS])
    query_bias, rest_bias = own.to_qkv.bias.split([CHANNELS, 2 * CHANNELS])
    to_kv = torch.nn.Linear(CHANNELS, 2 * CHANNELS)
    to_kv.load_state_dict({"weight": rest, "bias": rest_bias})
    theirs = of_diffusers(own, (query, query_bias), to_kv, cross=False)

    made = own(tokens, turns(torch.zeros(2, 7, 3)))

    # Nothing turns at the origin.
    torch.testing.assert_close(made, theirs(tokens), rtol=0, atol=2e-6)


def test_attention_is_its_formula_written_out():
    own, tokens = (
        filled(SpacetimeAttention(CHANNELS, HEADS)).double(),
        randn(1, 4, CHANNELS).double(),
    )
    places = randn(1, 4, 3, seed=2).double()
    angle = angles(places, HEAD, 100.0)[0]
    query, key, value = own.to_qkv(tokens)[0].reshape(4, 3, HEADS, HEAD).unbind(1)
    expected = torch.zeros(4, HEADS, HEAD, dtype=torch.float64)
    for head in range(HEADS):
        rows = []
        for gain, vectors in ((own.query_norm.weight, query), (own.key_norm.weight, key)):
            vector = vectors[:, head]
            vector = gain * vector / (vector.square().mean(-1, keepdim=True) + 1e-6).sqrt()
            number = torch.complex(vector[:, : HEAD // 2], vector[:, HEAD // 2 :])
            rows.append(number * torch.exp(1j * angle))
        scores = (rows[0] @ rows[1].conj().T).real / HEAD**0.5
        expected[:, head] = scores.softmax(-1) @ value[:, head]

    made = own(tokens, turns(places))

    torch.testing.assert_close(made[0], own.to_out(expected.reshape(4, CHANNELS)))


def test_text_attention_is_that_of_diffusers_and_does_not_see_padding():
    own, tokens = filled(TextAttention(CHANNELS, TEXT, HEADS)), randn(2, 5, CHANNELS)
    states, mask = randn(2, 6, TEXT, seed=1), torch.ones(2, 6, dtype=torch.bool)
    mask[1, 2:] = False
    theirs = of_diffusers(own, (own.to_q.weight, own.to_q.bias), own.to_kv, cross=True)

    made = own(tokens, states, mask)

    expected = [theirs(tokens[:1], states[:1]), theirs(tokens[1:], states[1:, :2])]
    torch.testing.assert_close(made, torch.cat(expected), rtol=0, atol=2e-6)


def test_order_of_the_tokens_does_not_matter_but_their_places_do():
    own, tokens = filled(SpacetimeAttention(CHANNELS, HEADS)), randn(1, 6, CHANNELS)
    places = 3 * randn(1, 6, 3, seed=4)
    order = torch.tensor([3, 0, 5, 1, 4, 2])

    made = own(tokens, turns(places))

    torch.testing.assert_close(own(tokens[:, order], turns(places[:, order])), made[:, order])
    assert not torch.allclose(own(tokens, turns(places[:, order])), made, atol=1e-3)


@pytest.mark.parametrize(("span", "grid"), [
    ("frame", Grid(1, 3, 4)), ("place", Grid(12, 1, 1)),
])  # fmt: skip
def test_factorised_attention_is_joint_where_the_other_axes_are_one(span, grid):
    own, tokens = filled(SpacetimeAttention(CHANNELS, HEADS)), randn(2, 12, CHANNELS)
    own_turns = turns(randn(2, 12, 3, seed=5))
    joint = within(own, tokens, own_turns, grid, "clip")
    torch.testing.assert_close(within(own, tokens, own_turns, grid, span), joint)


@pytest.mark.parametrize("span", ["frame", "place"])
def test_factorised_attention_stays_within_its_axis(span):
    own, tokens, grid = (
        filled(SpacetimeAttention(CHANNELS, HEADS)),
        randn(1, 12, CHANNELS),
        Grid(3, 2, 2),
    )
    own_turns = turns(randn(1, 12, 3, seed=5))
    changed = tokens.clone()
    changed[0, 5] += 1  # frame 1, place 1

    made = [within(own, rows, own_turns, grid, span) for rows in (tokens, changed)]

    moved = ((made[0] - made[1]).abs().amax((0, 2)) > 1e-6).nonzero()[:, 0].tolist()
    assert moved == {"frame": [4, 5, 6, 7], "place": [1, 5, 9]}[span]
