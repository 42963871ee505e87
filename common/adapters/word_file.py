"""Files of learnt words: the vectors that stand for a word, for each text encoder.

Layouts: diffusers has one tensor under the word's own name; AUTOMATIC1111 and ComfyUI have
``emb_params``, of SDXL ``clip_l`` and ``clip_g``, and the word is the file's name.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from jaxtyping import Float
from torch import Tensor

from common.adapters.adapter_file import read_tensors
from common.adapters.word_config import WordConfig
from common.errors import InputError

Encoder = Literal["text_encoder", "text_encoder_2"]
"""Text encoders that a word may have vectors for."""

MAX_FILE_BYTES = 64 * 2**20
MAX_VECTORS = 75
SIGNS = "()[]\\:"
"""What weighs words in prompts, and thus cannot be part of one."""
SDXL_KEYS: Mapping[Encoder, str] = {"text_encoder": "clip_l", "text_encoder_2": "clip_g"}
"""Names of SDXL's vectors in files."""
PLAIN_KEY = "emb_params"
"""Of vectors whose word is the file's name."""
_OF_SDXL: Mapping[str, Encoder] = {key: name for name, key in SDXL_KEYS.items()}


@dataclass(frozen=True, eq=False)
class WordVectors:
    """What stands for a word."""

    path: Path
    word: str
    vectors: Mapping[Encoder, Float[Tensor, "k d"]]


def read_word(config: WordConfig) -> WordVectors:
    """Read a file.

    Raises:
        InputError: missing, pickled, damaged, of another kind, too long, or no numbers.
    """
    path, tensors = config.path, read_tensors(config.path, "a learnt word", MAX_FILE_BYTES)
    found: dict[Encoder, Tensor]
    if set(tensors) <= set(_OF_SDXL) and tensors:
        name, found = path.stem, {_OF_SDXL[key]: tensor for key, tensor in tensors.items()}
    elif len(tensors) == 1:
        (key, tensor), *_ = tensors.items()
        name, found = path.stem if key == PLAIN_KEY else key, {"text_encoder": tensor}
    else:
        raise InputError(
            f"{path} holds {', '.join(list(tensors)[:4]) or 'nothing'}: a learnt word is one "
            f"tensor under its own name, {PLAIN_KEY}, or {' and '.join(_OF_SDXL)}"
        )
    word = (config.word or name).strip()
    if not word or set(word) & set(SIGNS):
        raise InputError(
            f"{path}: the word '{word[:40]}' is empty or has one of the signs {SIGNS}, which weigh "
            "words in prompts; set word beside path"
        )
    return WordVectors(path, word, {one: _rows(path, one, t) for one, t in found.items()})


def _rows(path: Path, encoder: Encoder, tensor: Tensor) -> Float[Tensor, "k d"]:
    rows = tensor[None] if tensor.ndim == 1 else tensor
    if rows.ndim != 2 or not rows.is_floating_point() or not 1 <= len(rows) <= MAX_VECTORS:
        raise InputError(
            f"{path}: its {encoder} has a tensor of {tuple(tensor.shape)}; a learnt word has 1 to "
            f"{MAX_VECTORS} vectors"
        )
    if not bool(rows.isfinite().all()):
        raise InputError(f"{path}: its {encoder} holds values that are no numbers")
    return rows.float()
