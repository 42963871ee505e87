"""Alphas that a LoRA file keeps beside its tensors, as diffusers writes them."""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

METADATA_KEY = "lora_adapter_metadata"


@dataclass(frozen=True)
class StoredAlphas:
    """PEFT's settings of the models of a file, by the model's name and the setting's."""

    settings: Mapping[str, Any]

    def of(self, component: str, layer: str, rank: int) -> float:
        """The alpha of a layer, so that its change is ``(alpha / rank) B A``.

        PEFT's patterns name the ends of layers' paths; the first that fits counts, else the
        model's own alpha, else the rank. Rank-stabilised LoRAs (Kalajdzievski 2023, arXiv
        2312.03732) divide by the root of the rank.
        """
        alpha = self.settings.get(f"{component}.lora_alpha", rank)
        patterns = self.settings.get(f"{component}.alpha_pattern", {})
        for pattern, value in patterns.items() if isinstance(patterns, dict) else ():
            if re.fullmatch(rf"(.*\.)?{re.escape(str(pattern).lstrip('^'))}", layer):
                alpha = value
                break
        if not isinstance(alpha, int | float):
            return float(rank)
        if self.settings.get(f"{component}.use_rslora") is True:
            return float(alpha) * math.sqrt(rank)
        return float(alpha)


def stored_alphas(metadata: Mapping[str, str]) -> StoredAlphas:
    """Read from a file's metadata; unreadable ones say nothing."""
    try:
        stored = json.loads(metadata.get(METADATA_KEY, "{}"))
    except ValueError:
        stored = {}
    return StoredAlphas(stored if isinstance(stored, dict) else {})
