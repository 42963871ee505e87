import pytest
import torch

from common.embedded.text_encoder import (
    TextEncoder,
    TextEncoderArchitecture,
    num_unread,
    token_batch,
)
from common.embedded.tokenizer import MAX_TOKENS, load_tokenizer

SIZES = TextEncoderArchitecture(
    num_tokens=load_tokenizer().num_tokens, embedding_channels=16, channels=32, num_heads=2
)


@pytest.fixture(scope="module")
def encoder():
    return TextEncoder(SIZES).eval()


def encode(encoder, *texts):
    with torch.no_grad():
        return encoder(*token_batch(load_tokenizer(), texts))


def test_padding_changes_nothing(encoder):
    alone = encode(encoder, "red mug")
    beside = encode(encoder, "red mug", "a snowman with a very long blue scarf and a hat")
    length = alone.states.shape[1]
    # Rounding of products of other shapes.
    torch.testing.assert_close(beside.states[:1, :length], alone.states, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(beside.pooled[:1], alone.pooled, rtol=1e-4, atol=1e-5)
    assert not beside.states[0, length:].any()


def test_order_of_words_matters(encoder):
    one, other = encode(encoder, "dog on a cat"), encode(encoder, "cat on a dog")
    assert (one.pooled - other.pooled).abs().max() > 1e-4


def test_empty_prompt_has_a_state(encoder):
    empty = encode(encoder, "")
    assert empty.states.shape[1] == 1
    assert torch.isfinite(empty.pooled).all()


def test_long_prompt_is_cut_and_said_so(encoder):
    text = "mug " * 100
    assert encode(encoder, text).states.shape[1] == MAX_TOKENS
    assert num_unread(load_tokenizer(), text) == 101 - MAX_TOKENS
    assert num_unread(load_tokenizer(), "mug") == 0


def test_heads_that_do_not_divide_are_refused():
    with pytest.raises(ValueError, match="channels 32 do not divide by num_heads 5"):
        TextEncoderArchitecture(num_tokens=300, channels=32, num_heads=5)


def test_default_fits_the_zoo_budget():
    sizes = TextEncoderArchitecture(num_tokens=load_tokenizer().num_tokens)
    weights = TextEncoder(sizes).state_dict().values()
    # int8 with a float32 scale a row; vectors stay in float32.
    stored = sum(w.numel() + 4 * len(w) if w.ndim > 1 else 4 * w.numel() for w in weights)
    assert stored < 6e6
