"""Where a checkpoint is: a folder here, or a model of the Hugging Face hub in its cache.

Nothing is fetched unless ``allow_download`` says so, and then only the files that are read: JSON,
the tokenizers' merges, and safetensors of the asked variant.
"""

import re
from pathlib import Path

from common.errors import InputError
from common.pretrained.config import PretrainedPriorConfig

_HUB_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*")
_MODELS = {
    "unet": "diffusion_pytorch_model",
    "transformer": "diffusion_pytorch_model",
    "vae": "diffusion_pytorch_model",
    "text_encoder": "model",
    "text_encoder_2": "model",
    "text_encoder_3": "model",
}
_SHARD = "?????-of-?????"
_PLAIN_FILES = (
    "model_index.json",
    "scheduler/*.json",
    "tokenizer*/*.json",
    "tokenizer*/merges.txt",
    "tokenizer*/spiece.model",
)


def checkpoint_folder(config: PretrainedPriorConfig) -> Path:
    """The folder on this machine that holds the checkpoint.

    Raises:
        InputError: there is none, or it cannot be had.
    """
    path = Path(config.path)
    if path.is_dir():
        return path
    if not _HUB_ID.fullmatch(config.path):
        raise InputError(
            f"{path}: there is no such folder; prior.path takes the folder of a checkpoint, a "
            "single .safetensors file, or a hub id such as owner/name"
        )
    return _from_hub(config)


def is_hub_id(config: PretrainedPriorConfig) -> bool:
    """Whether the checkpoint comes from the hub: nothing here has that name."""
    return not Path(config.path).exists()


def is_single_file(config: PretrainedPriorConfig) -> bool:
    """Whether the checkpoint is one file rather than a folder."""
    return Path(config.path).is_file()


def wanted_files(variant: str | None) -> list[str]:
    """Patterns of the files that are read, and thus of those that are downloaded."""
    patterns = list(_PLAIN_FILES)
    for folder, stem in _MODELS.items():
        patterns.append(f"{folder}/*.json")
        if variant is None:
            patterns += [f"{folder}/{stem}.safetensors", f"{folder}/{stem}-{_SHARD}.safetensors"]
        else:
            patterns += [
                f"{folder}/{stem}.{variant}.safetensors",
                f"{folder}/{stem}-{_SHARD}.{variant}.safetensors",
                f"{folder}/{stem}.{variant}-{_SHARD}.safetensors",
            ]
    return patterns


def _from_hub(config: PretrainedPriorConfig) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import IncompleteSnapshotError

    try:
        return Path(
            snapshot_download(
                config.path,
                revision=config.revision,
                allow_patterns=wanted_files(config.variant),
                local_files_only=not config.allow_download,
            )
        )
    # The client raises errors of its own, of its HTTP library and of the system.
    except Exception as failed:
        reason = (str(failed).splitlines() or [type(failed).__name__])[0]
        if not config.allow_download:
            there = "only in part" if isinstance(failed, IncompleteSnapshotError) else "not"
            raise InputError(
                f"{config.path} is no folder here, and as a hub id it is {there} in the hub's cache"
                ": set prior.path to a checkpoint's folder, or prior.allow_download=true to fetch "
                "it"
            ) from failed
        raise InputError(f"{config.path} cannot be fetched from the hub: {reason}") from failed
