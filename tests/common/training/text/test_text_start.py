import numpy as np
import torch

from common.embedded.text_encoder import TextEncoder, TextEncoderArchitecture, token_batch
from common.embedded.tokenizer import load_tokenizer
from common.training.text.text_start import (
    CHARACTER_RIDGE,
    TaughtPieces,
    english_pieces,
    start_from_teacher,
    with_characters,
)
from common.training.text.text_targets import Targets

WORDS = ("dog", "mug", "tree", "car", "red", "blue", "house", "bird")
TEXTS = ("狗", "杯", "红狗", "红杯")


def unit_rows(count: int, channels: int, seed: int) -> np.ndarray:
    rows = np.random.default_rng(seed).normal(size=(count, channels)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def started(channels: int = 16, width: int = 8):
    tokenizer = load_tokenizer()
    with torch.random.fork_rng():
        torch.random.manual_seed(0)
        encoder = TextEncoder(
            TextEncoderArchitecture(
                num_tokens=tokenizer.num_tokens, embedding_channels=width, channels=channels,
                num_layers=2, num_heads=2,
            )
        )  # fmt: skip
    words = unit_rows(len(WORDS), channels, 0)
    pieces = TaughtPieces(tuple(tokenizer.number[word] for word in WORDS), words)
    texts = Targets((*WORDS, *TEXTS), np.concatenate([words, unit_rows(len(TEXTS), channels, 1)]))
    start_from_teacher(encoder, tokenizer, pieces, texts)
    return encoder.eval(), tokenizer, pieces, texts


def test_blocks_start_as_the_identity():
    encoder, *_ = started()
    features = torch.randn(2, 5, 16)
    mask = torch.ones(2, 5, dtype=torch.bool)
    for block in encoder.blocks:
        torch.testing.assert_close(block(features, mask), features, rtol=0, atol=0)


def test_widened_embeddings_are_the_centred_words_where_the_width_allows():
    encoder, _, pieces, _ = started(channels=16, width=8)
    made = encoder.widen(encoder.embedding(torch.tensor(pieces.tokens))).detach().double().numpy()
    centred = pieces.embeddings - pieces.embeddings.mean(0)
    # Eight centred words have rank seven, so eight directions keep them; 4 = sqrt(16) is the scale.
    np.testing.assert_allclose(made, 4 * centred, atol=1e-4)


def test_pooled_state_is_near_the_teacher_from_the_start():
    encoder, tokenizer, _, texts = started()
    with torch.no_grad():
        pooled = encoder(*token_batch(tokenizer, texts.texts)).pooled
    cosines = torch.nn.functional.cosine_similarity(pooled, torch.from_numpy(texts.embeddings))
    assert float(cosines[: len(WORDS)].mean()) > 0.6
    shuffled = torch.from_numpy(np.roll(texts.embeddings, 1, 0))
    chance = torch.nn.functional.cosine_similarity(pooled, shuffled)
    assert float(cosines.mean()) > float(chance.mean()) + 0.4


def test_characters_solve_the_ridge_regression():
    tokenizer = load_tokenizer()
    texts = Targets(TEXTS, unit_rows(4, 6, 2))
    wanted = unit_rows(4, 3, 3)
    table = np.zeros((tokenizer.num_tokens, 3))
    given = tokenizer.number["红"]
    table[given] = [0.5, -0.5, 0.25]
    found = with_characters(table, tokenizer, texts, wanted)
    dog, mug = tokenizer.number["狗"], tokenizer.number["杯"]
    # By hand, with the given character's half moved to the other side.
    design = np.array([[1.0, 0], [0, 1.0], [0.5, 0], [0, 0.5]])
    right = wanted - np.array([0, 0, 0.5, 0.5])[:, None] * table[given]
    solved = np.linalg.solve(design.T @ design + CHARACTER_RIDGE * np.eye(2), design.T @ right)
    np.testing.assert_allclose(found[[dog, mug]], solved, atol=1e-6)
    np.testing.assert_array_equal(found[given], table[given])
    untouched = np.delete(found, [dog, mug, given], axis=0)
    assert not untouched.any()


def test_english_pieces_have_letters_alone():
    pieces = english_pieces(load_tokenizer())
    assert {"dog", "##ing"} <= set(pieces)
    assert not {"狗", "<0x41>", "<pad>", ","} & set(pieces)
