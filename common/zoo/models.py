"""The embedded models by name: read from the zoo and checked against what they stand on."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common.embedded.autoencoder import Autoencoder, AutoencoderArchitecture
from common.embedded.image_unet import ImageUNetArchitecture, build_image_unet
from common.embedded.judge import Judge, JudgeArchitecture
from common.embedded.prior import EmbeddedPrior
from common.embedded.text_encoder import TextEncoder, TextEncoderArchitecture
from common.embedded.tokenizer import load_tokenizer
from common.errors import InputError
from common.zoo.storage import check_requires, fill, load_model

ZOO = Path(__file__).parent / "weights"
"""Where the repository's own models are."""


@dataclass(frozen=True)
class Loaded:
    """A model in evaluation mode, without gradients, and the identity of its weights."""

    model: Any
    identity: str


def load_autoencoder(folder: Path = ZOO, device: str = "cpu") -> Loaded:
    """The autoencoder."""
    stored = load_model(folder, "autoencoder", "autoencoder")
    model = Autoencoder(_architecture(AutoencoderArchitecture, stored.manifest.architecture))
    return _ready(model, stored, device)


def load_text_encoder(folder: Path = ZOO, device: str = "cpu") -> Loaded:
    """The text encoder.

    Raises:
        InputError: also when it was trained on another vocabulary.
    """
    stored = load_model(folder, "text_encoder", "text_encoder")
    sizes = _architecture(TextEncoderArchitecture, stored.manifest.architecture)
    if sizes.num_tokens != load_tokenizer().num_tokens:
        raise InputError(
            f"the text encoder in {folder} knows {sizes.num_tokens} tokens, the vocabulary has "
            f"{load_tokenizer().num_tokens}: they are of different versions"
        )
    return _ready(TextEncoder(sizes), stored, device)


def load_image_unet(
    autoencoder: Loaded, text_encoder: Loaded, folder: Path = ZOO, device: str = "cpu"
) -> Loaded:
    """The image U-Net that stands on these two.

    Raises:
        InputError: also when it was trained on another autoencoder or text encoder.
    """
    stored = load_model(folder, "image_unet", "image_unet")
    at_hand = {"autoencoder": autoencoder.identity, "text_encoder": text_encoder.identity}
    check_requires(stored.manifest, at_hand)
    sizes = _architecture(ImageUNetArchitecture, stored.manifest.architecture)
    return _ready(build_image_unet(sizes), stored, device)


def load_judge(folder: Path = ZOO, device: str = "cpu") -> Loaded:
    """The judge; only what scores may load it."""
    stored = load_model(folder, "judge", "judge")
    sizes = _architecture(JudgeArchitecture, stored.manifest.architecture)
    return _ready(Judge(sizes), stored, device)


def load_embedded_prior(
    size: tuple[int, int], folder: Path = ZOO, device: str = "cpu"
) -> EmbeddedPrior:
    """The whole prior for pictures of ``(height, width)``."""
    autoencoder = load_autoencoder(folder, device)
    text_encoder = load_text_encoder(folder, device)
    unet = load_image_unet(autoencoder, text_encoder, folder, device)
    return EmbeddedPrior(autoencoder.model, text_encoder.model, unet.model, load_tokenizer(), size)


def _architecture(cls: Any, values: Any) -> Any:
    """Plain values as an architecture config; JSON has lists where configs have tuples."""
    return cls.model_validate_json(json.dumps(dict(values)))


def _ready(model: Any, stored: Any, device: str) -> Loaded:
    fill(model, stored)
    return Loaded(model.to(device).eval().requires_grad_(False), stored.manifest.identity)
