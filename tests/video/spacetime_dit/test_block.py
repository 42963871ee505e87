"""adaLN-Zero blocks."""

import torch
from diffusers.models.normalization import AdaLayerNormZero

from tests.video.spacetime_dit.small_dit import SIZES, randn, random_dit, some_text
from video.spacetime_dit.block import SpacetimeBlock
from video.spacetime_dit.patches import Grid
from video.spacetime_dit.rope import angles, turns_of

GRID = Grid(2, 1, 3)


def rows(seed=0):
    tokens, condition = randn(2, 6, 32, seed=seed), randn(2, 32, seed=seed + 1)
    turns = turns_of(angles(randn(2, 6, 3, seed=seed + 2), 16, 100.0))
    return tokens, condition, turns


def test_block_is_an_identity_until_it_is_trained():
    block, (tokens, condition, turns), text = SpacetimeBlock(SIZES, "clip"), rows(), some_text(2)
    assert torch.equal(block(tokens, condition, turns, GRID, text.states, text.mask), tokens)


def test_block_is_diffusers_norm_around_its_parts():
    block, (tokens, condition, turns), text = random_dit().blocks[0], rows(), some_text(2)
    norm = AdaLayerNormZero(32).requires_grad_(False)
    norm.linear.load_state_dict(block.modulation[1].state_dict())

    seen, gate, shift_mlp, scale_mlp, gate_mlp = norm(tokens, emb=condition)
    expected = tokens + gate[:, None] * block.attention(seen, turns)
    expected = expected + block.text_attention(block.text_norm(expected), text.states, text.mask)
    seen = norm.norm(expected) * (1 + scale_mlp[:, None]) + shift_mlp[:, None]
    expected = expected + gate_mlp[:, None] * block.perceptron(seen)

    made = block(tokens, condition, turns, GRID, text.states, text.mask)
    torch.testing.assert_close(made, expected, rtol=1e-5, atol=1e-5)


def test_each_sample_hears_its_own_condition():
    block, (tokens, condition, turns), text = random_dit().blocks[0], rows(), some_text(2)
    made = block(tokens, condition, turns, GRID, text.states, text.mask)
    condition[0] += 1
    changed = block(tokens, condition, turns, GRID, text.states, text.mask)
    assert torch.equal(made[1], changed[1])
    assert not torch.allclose(made[0], changed[0], atol=1e-3)
