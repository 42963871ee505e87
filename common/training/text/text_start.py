"""A text encoder that knows words before it is trained: its start in closed form.

Half of what a larger encoder knows of short texts is in the mean of what it says of their words
alone (static embeddings: Tulkens and van Dongen 2024, "Model2Vec"). So the embeddings of English
pieces start as the teacher's, in their principal directions; those of Chinese characters are the
ridge regression that makes their mean over a Chinese text the teacher's embedding of its English
equivalent; the blocks start as the identity, and the last layer as the ridge regression from the
mean token state to the teacher.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float32, Float64
from torch import nn

from common.embedded.text_encoder import TextBlock, TextEncoder, token_batch
from common.embedded.tokenizer import INSIDE, Tokenizer
from common.training.text.text_targets import Targets, TaughtTexts, joined, principal_basis
from common.training.text.text_teacher import teacher_embeddings

CHARACTER_RIDGE = 0.2
POOL_RIDGE = 1.0
POSITION_STD = 0.02
_EMBEDDING_STD = 0.5


@dataclass(frozen=True)
class TaughtPieces:
    """Vocabulary pieces and what the teacher says of each as a text of its own."""

    tokens: tuple[int, ...]
    embeddings: Float32[np.ndarray, "n d"]


def start_from_taught(
    encoder: TextEncoder, tokenizer: Tokenizer, cache: Path, taught: TaughtTexts
) -> None:
    """Overwrite an encoder's weights by the closed-form start from what the teacher has said."""
    pieces = taught_pieces(cache, tokenizer, taught.basis)
    start_from_teacher(encoder, tokenizer, pieces, joined(taught.words, taught.captions))


def taught_pieces(
    cache: Path, tokenizer: Tokenizer, basis: Float32[np.ndarray, "d k"]
) -> TaughtPieces:
    """The English pieces in the directions of a basis."""
    pieces = english_pieces(tokenizer)
    found = teacher_embeddings(cache, [piece.removeprefix(INSIDE) for piece in pieces])
    return TaughtPieces(tuple(pieces.values()), found @ basis)


def english_pieces(tokenizer: Tokenizer) -> dict[str, int]:
    """The pieces of English letters and their tokens."""
    return {
        piece: token
        for piece, token in tokenizer.number.items()
        if (letters := piece.removeprefix(INSIDE)).isascii() and letters.isalpha()
    }


@torch.no_grad()
def start_from_teacher(
    encoder: TextEncoder, tokenizer: Tokenizer, pieces: TaughtPieces, texts: Targets
) -> None:
    """Overwrite the encoder's weights by the closed-form start.

    Args:
        encoder: to change in place.
        tokenizer: of its vocabulary.
        pieces: English pieces, in the directions of ``texts.embeddings``.
        texts: captions of both languages with the teacher's embeddings.
    """
    width = encoder.embedding.embedding_dim
    middle = pieces.embeddings.mean(0)
    basis = principal_basis(pieces.embeddings - middle, width)
    coefficients = (pieces.embeddings - middle) @ basis
    scale = _EMBEDDING_STD / coefficients.std()
    table = np.zeros((tokenizer.num_tokens, width))
    table[list(pieces.tokens)] = coefficients
    table = with_characters(table, tokenizer, texts, (texts.embeddings - middle) @ basis)
    encoder.embedding.weight.copy_(torch.from_numpy(table * scale))
    encoder.widen.weight.copy_(torch.from_numpy(basis / scale * len(basis) ** 0.5))
    encoder.positions.mul_(POSITION_STD / encoder.positions.std())
    for block in encoder.blocks:
        assert isinstance(block, TextBlock)
        for last in (block.to_out, block.perceptron[-1]):
            for weights in last.parameters():
                nn.init.zeros_(weights)
    _fit_pool(encoder, tokenizer, texts)


def with_characters(
    table: Float64[np.ndarray, "n k"],
    tokenizer: Tokenizer,
    texts: Targets,
    wanted: Float32[np.ndarray, "t k"],
) -> Float64[np.ndarray, "n k"]:
    """The table with the rows of pieces that have none yet, by ridge regression on ``texts``.

    ``min_E sum_t |mean_{c in t} E_c - wanted_t|^2 + lambda sum_c |E_c|^2`` over the rows ``E_c``
    that are zero in the table and occur in the texts; the others are given.
    """
    from scipy import sparse
    from scipy.sparse.linalg import spsolve

    rows, columns, values = [], [], []
    for row, text in enumerate(texts.texts):
        tokens = tokenizer.encode(text)[1:]
        rows += [row] * len(tokens)
        columns += tokens
        values += [1.0 / len(tokens)] * len(tokens)
    shape = (len(texts.texts), tokenizer.num_tokens)
    shares = sparse.csr_matrix((values, (rows, columns)), shape=shape)
    unknown = np.flatnonzero((np.abs(table).sum(1) == 0) & (np.asarray(shares.sum(0))[0] > 0))
    part = shares[:, unknown]
    left = part.T @ part + CHARACTER_RIDGE * sparse.identity(len(unknown))
    right = part.T @ (wanted - shares @ table)
    filled = table.copy()
    filled[unknown] = spsolve(left.tocsc(), right)
    return filled


def _fit_pool(encoder: TextEncoder, tokenizer: Tokenizer, texts: Targets) -> None:
    """The last layer by ridge regression from the mean token state to the targets."""
    means = _mean_states(encoder, tokenizer, texts.texts)
    features = np.concatenate([means, np.ones((len(means), 1))], 1)
    penalty = POOL_RIDGE * np.eye(features.shape[1])
    penalty[-1, -1] = 0.0
    solved = np.linalg.solve(
        features.T @ features + penalty, features.T @ texts.embeddings.astype(np.float64)
    )
    encoder.pool.weight.copy_(torch.from_numpy(solved[:-1].T))
    encoder.pool.bias.copy_(torch.from_numpy(solved[-1]))


def _mean_states(
    encoder: TextEncoder, tokenizer: Tokenizer, texts: Sequence[str], batch_size: int = 512
) -> Float64[np.ndarray, "t d"]:
    device = encoder.positions.device
    parts = []
    for start in range(0, len(texts), batch_size):
        made = encoder(*token_batch(tokenizer, texts[start : start + batch_size], device))
        mean = made.states.sum(1) / made.mask.sum(1, keepdim=True)
        parts.append(mean.double().cpu().numpy())
    return np.concatenate(parts)
