"""``model_index.json``: which family a checkpoint is of, and that its parts are the known classes.

Stable Diffusion 1.x and 2.x are one family: they differ in sizes and in what they predict, which
their configs say. The index names classes, and could name code; here only known ones are accepted,
and nothing in it is ever used as a path.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common.errors import InputError
from common.json_files import read_object
from common.pretrained.families import FAMILIES, PIPELINES, T5_TOKENS, TOKENIZERS, Family, TextPart


@dataclass(frozen=True)
class ModelIndex:
    """What the index says."""

    family: Family
    texts: tuple[TextPart, ...]
    """The text encoders that are there."""
    zero_empty_prompt: bool
    """Whether the empty prompt is zeros rather than its encoding (SDXL's base model)."""
    t5_tokens: int
    """That a T5 reads; 0 where the family has none."""


def read_model_index(folder: Path) -> ModelIndex:
    """Read and check a folder's index.

    Raises:
        InputError: the folder is no checkpoint, or one of another kind.
    """
    path = folder / "model_index.json"
    if not path.is_file():
        raise InputError(
            f"{folder} is no checkpoint in diffusers' format: it has no model_index.json"
            f"{_hint(folder)}"
        )
    index = read_object(path)
    name = index.get("_class_name")
    if not isinstance(name, str) or name not in PIPELINES:
        raise InputError(
            f"{path} is of a {_shown(name)}; the pretrained prior reads {', '.join(PIPELINES)}"
        )
    family = PIPELINES[name]
    parts = FAMILIES[family]
    _check_part(path, index, parts.denoiser, "diffusers", parts.stated_classes)
    _check_part(path, index, "vae", "diffusers", ("AutoencoderKL",))
    texts = tuple(one for one in parts.texts if not (one.optional and _is_left_out(index, one)))
    for text in texts:
        _check_part(path, index, text.folder, "transformers", (text.model_class,))
        _check_part(path, index, text.tokenizer, "transformers", TOKENIZERS[text.kind])
    zeros = index.get("force_zeros_for_empty_prompt", True)
    if not isinstance(zeros, bool):
        raise InputError(f"{path}: force_zeros_for_empty_prompt is {_shown(zeros)}, not a bool")
    return ModelIndex(family, texts, family == "sdxl" and zeros, T5_TOKENS.get(name, 0))


def _is_left_out(index: dict[str, Any], text: TextPart) -> bool:
    return all(index.get(part) in (None, [None, None]) for part in (text.folder, text.tokenizer))


def _check_part(
    path: Path, index: dict[str, Any], part: str, library: str, classes: tuple[str, ...]
) -> None:
    found = index.get(part)
    if found in (None, [None, None]):
        raise InputError(
            f"{path} has no {part} (a {classes[0]}): a checkpoint without it, such as a refiner, "
            "cannot draw from a prompt"
        )
    if (
        not isinstance(found, list)
        or found[:1] != [library]
        or found[1:] not in [[name] for name in classes]
    ):
        raise InputError(
            f"{path}: {part} is {_shown(found)}, and the pretrained prior knows "
            f"{' or '.join(f'{library}.{name}' for name in classes)} there"
        )


def _hint(folder: Path) -> str:
    inner = sorted(path.parent.name for path in folder.glob("*/model_index.json"))[:3]
    if inner:
        return f"; its folder {inner[0]} has one"
    single = sorted(path.name for path in folder.glob("*.safetensors"))[:1]
    if single:
        return (
            f", only single files such as {single[0]}: set prior.path to the file itself, and "
            "prior.components to a folder in diffusers' format"
        )
    return ""


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
