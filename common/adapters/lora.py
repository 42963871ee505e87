"""LoRAs from settings: read, checked against models, and put into them."""

from collections.abc import Mapping, Sequence

from torch import nn

from common.adapters.lora_config import LoraConfig
from common.adapters.lora_file import Component, read_lora
from common.adapters.lora_merge import Lora, check_loras, merge_loras


def open_loras(configs: Sequence[LoraConfig]) -> list[Lora]:
    """Read the files.

    Raises:
        InputError: one is missing, damaged or of another kind.
    """
    return [
        Lora(
            config.path, read_lora(config.path), config.scale,
            config.scale if config.text_scale is None else config.text_scale,
        )
        for config in configs
    ]  # fmt: skip


def add_loras(models: Mapping[Component, nn.Module], configs: Sequence[LoraConfig]) -> None:
    """Add LoRAs to models that have their weights.

    Raises:
        InputError: a file is wrong or for other models; then nothing is changed.
    """
    merge_loras(models, open_loras(configs))


def check_lora_files(models: Mapping[Component, nn.Module], configs: Sequence[LoraConfig]) -> None:
    """Refuse files that do not fit models, which need no weights for it."""
    check_loras(models, open_loras(configs))
