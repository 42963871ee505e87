"""Models on disk: a manifest and shards of weights, each checked by its SHA-256 when it is read.

``<name>.json`` says what the model is (``kind``), how it is built (``architecture``), which models
it stands on (``requires``: kind to identity), what was measured (``figures``), and lists the shards
``<name>-1-of-2.safetensors`` with their digests. A model's *identity* is the SHA-256 over all of
that but the figures: equal identities mean equal weights, built alike, standing on the same models.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from common.atomic import write_bytes, write_json
from common.errors import InputError
from common.zoo.quantization import Precision, pack, unpack

MAX_SHARD_BYTES = 14_500_000
FORMAT = 1


@dataclass(frozen=True)
class Shard:
    """One file of weights."""

    file: str
    sha256: str
    num_bytes: int


@dataclass(frozen=True)
class Manifest:
    """What is known of a stored model without reading its weights."""

    kind: str
    """Such as ``autoencoder``."""
    architecture: Mapping[str, Any]
    """Plain values of its architecture config."""
    requires: Mapping[str, str]
    """Identity of each model it stands on, by kind."""
    shards: tuple[Shard, ...]
    figures: Mapping[str, float]
    """What was measured when it was packed."""

    @property
    def identity(self) -> str:
        """SHA-256 over everything but the figures and the files' names."""
        parts = {
            "kind": self.kind,
            "architecture": dict(self.architecture),
            "requires": dict(self.requires),
            "shards": [shard.sha256 for shard in self.shards],
        }
        text = json.dumps(parts, sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def num_bytes(self) -> int:
        """Size of all shards."""
        return sum(shard.num_bytes for shard in self.shards)


@dataclass(frozen=True)
class StoredModel:
    """A model read from disk."""

    manifest: Manifest
    weights: dict[str, Tensor]


def save_model(
    folder: Path,
    name: str,
    weights: Mapping[str, Tensor],
    precision: Precision,
    *,
    kind: str,
    architecture: Mapping[str, Any],
    requires: Mapping[str, str],
    figures: Mapping[str, float],
    max_shard_bytes: int = MAX_SHARD_BYTES,
) -> Manifest:
    """Write a model's shards, then its manifest, which makes it complete."""
    parts = _in_shards(pack(weights, precision), max_shard_bytes)
    shards = []
    for number, part in enumerate(parts, start=1):
        data = safetensors.torch.save(part)
        file = f"{name}-{number}-of-{len(parts)}.safetensors"
        write_bytes(folder / file, data)
        shards.append(Shard(file, hashlib.sha256(data).hexdigest(), len(data)))
    manifest = Manifest(kind, architecture, requires, tuple(shards), figures)
    write_json(folder / f"{name}.json", {"format": FORMAT, **asdict(manifest)})
    return manifest


def read_manifest(folder: Path, name: str) -> Manifest:
    """What a stored model says of itself.

    Raises:
        InputError: there is none, or it is damaged or of a newer format.
    """
    path = folder / f"{name}.json"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content.pop("format") != FORMAT:
            raise InputError(f"{path} is of another format than {FORMAT}; update Extrude")
        shards = tuple(Shard(**shard) for shard in content.pop("shards"))
        return Manifest(shards=shards, **content)
    except FileNotFoundError:
        raise InputError(f"there is no model {name} in {folder}") from None
    except (OSError, ValueError, KeyError, TypeError) as broken:
        raise InputError(f"{path} describes no model: {broken!r}") from broken


def load_model(folder: Path, name: str, kind: str) -> StoredModel:
    """Read a model and check every byte of it.

    Raises:
        InputError: it is missing, of another kind, damaged, or not what its manifest says.
    """
    manifest = read_manifest(folder, name)
    if manifest.kind != kind:
        raise InputError(f"{folder / name} is a model of kind {manifest.kind}, not {kind}")
    stored: dict[str, Tensor] = {}
    for shard in manifest.shards:
        path = folder / shard.file
        try:
            data = path.read_bytes()
        except OSError as missing:
            raise InputError(f"a part of the model {name} cannot be read: {missing}") from missing
        found = hashlib.sha256(data).hexdigest()
        if found != shard.sha256:
            raise InputError(
                f"{path} is not the file that {name}.json describes (its SHA-256 is "
                f"{found[:12]}..., not {shard.sha256[:12]}...): it is damaged or of another "
                "version; get it again"
            )
        try:
            stored |= safetensors.torch.load(data)
        except SafetensorError as broken:
            raise InputError(f"{path} holds no weights: {broken}") from broken
    return StoredModel(manifest, unpack(stored))


def check_requires(manifest: Manifest, present: Mapping[str, str]) -> None:
    """Refuse a model that stands on other models than those at hand.

    Args:
        manifest: of the model.
        present: identity of each model at hand, by kind.

    Raises:
        InputError: one is missing or another.
    """
    for kind, wanted in manifest.requires.items():
        found = present.get(kind)
        if found != wanted:
            at_hand = f"{found[:12]}..." if found else "none"
            raise InputError(
                f"this {manifest.kind} was trained on the {kind} {wanted[:12]}..., and the one at "
                f"hand is {at_hand}: their latents or tokens mean different things. Use the {kind} "
                f"it was trained on, or train the {manifest.kind} again"
            )


def fill(model: nn.Module, stored: StoredModel) -> None:
    """Put stored weights into a model built from the manifest's architecture.

    Raises:
        InputError: names or shapes differ.
    """
    try:
        with torch.no_grad():
            model.load_state_dict(stored.weights, assign=False)
    except RuntimeError as different:
        raise InputError(
            f"the weights do not fit the {stored.manifest.kind}'s architecture: {different}"
        ) from different


def _in_shards(stored: Mapping[str, Tensor], max_bytes: int) -> list[dict[str, Tensor]]:
    """Weights in the order given, a new shard where the next one would not fit."""
    shards: list[dict[str, Tensor]] = [{}]
    size = 0
    for name, value in stored.items():
        own = value.numel() * value.element_size()
        if shards[-1] and size + own > max_bytes:
            shards.append({})
            size = 0
        shards[-1][name] = value
        size += own
    return shards
