"""What the transformer of a checkpoint is told of a prompt, in numbers, and whether they fit."""

from dataclasses import dataclass
from typing import Any

from common.errors import InputError
from common.pretrained.checkpoint import TRANSFORMER_PATCH, Checkpoint


@dataclass(frozen=True)
class ToldShape:
    """Sizes of a prompt's states."""

    tokens: int
    features: int
    pooled: int | None
    """Numbers of the pooled state; None where there is none."""


def told_shape(checkpoint: Checkpoint, denoiser: Any, texts: tuple[Any, ...]) -> ToldShape:
    """Of a prompt that CLIP reads in one chunk.

    Args:
        checkpoint: of a transformer.
        denoiser: its transformer, with or without weights.
        texts: its text encoders.
    """
    match checkpoint.family:
        case "pixart":
            return ToldShape(checkpoint.t5_tokens, texts[0].config.d_model, None)
        case "sd3":
            clips = texts[:2]
            return ToldShape(
                clips[0].config.max_position_embeddings + checkpoint.t5_tokens,
                denoiser.config["joint_attention_dim"],
                sum(clip.config.projection_dim for clip in clips),
            )
        case "flux":
            return ToldShape(
                checkpoint.t5_tokens,
                texts[1].config.d_model,
                texts[0].config.hidden_size,
            )
        case _:
            raise TypeError(f"{checkpoint.family} is no family of transformers")


def check_transformer(checkpoint: Checkpoint, denoiser: Any, texts: tuple[Any, ...]) -> None:
    """Refuse models that do not belong together.

    Raises:
        InputError: naming the config, its key, and what it would have to be.
    """
    path, config = checkpoint.denoiser.config_file, denoiser.config
    shape = told_shape(checkpoint, denoiser, texts)
    wanted: dict[str, Any]
    match checkpoint.family:
        case "pixart":
            wanted = {
                "caption_channels": shape.features,
                "norm_type": "ada_norm_single",
                "patch_size": TRANSFORMER_PATCH,
            }
        case "sd3":
            wanted = {"pooled_projection_dim": shape.pooled, "patch_size": TRANSFORMER_PATCH}
            _check_sd3(checkpoint, config["joint_attention_dim"], texts)
        case _:
            wanted = {
                "joint_attention_dim": shape.features,
                "pooled_projection_dim": shape.pooled,
                "patch_size": 1,
            }
    for key, value in wanted.items():
        if config[key] != value:
            raise InputError(
                f"{path}: {key} is {config[key]!r}; with these text encoders it must be {value!r}"
            )


def _check_sd3(checkpoint: Checkpoint, width: int, texts: tuple[Any, ...]) -> None:
    of_clips = sum(clip.config.hidden_size for clip in texts[:2])
    of_t5 = [text.config.d_model for text in texts[2:]]
    if of_clips > width or any(one != width for one in of_t5):
        raise InputError(
            f"{checkpoint.denoiser.config_file}: joint_attention_dim is {width}, and the text "
            f"encoders make {of_clips} and {of_t5} features: they belong to other checkpoints"
        )
