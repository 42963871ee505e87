"""The embedded image prompts: read from the zoo, and shown the pictures of a run."""

import json
from collections.abc import Mapping
from pathlib import Path

import torch

from common.adapters.image_prompt_config import ImagePromptConfig
from common.embedded.image_prompt import (
    ImagePrompt,
    ImagePromptArchitecture,
    ShownPictures,
)
from common.embedded.picture_encoder import SIDE_CELLS
from common.embedded.prior import EmbeddedPrior
from common.embedded.prompt_fit import PromptFit
from common.errors import InputError
from common.generation.given_pixels import laid_out
from common.media.fitting import placement
from common.media.images import read_picture
from common.shapes import Images
from common.zoo.storage import check_requires, fill, load_model, read_manifest

KIND = "ip_adapter"
_CELL_PX = 8
_SIDE_PX = SIDE_CELLS * _CELL_PX
_BACKGROUND = "#ffffff"


def check_image_prompt(
    config: ImagePromptConfig | None, folder: Path, at_hand: Mapping[str, str]
) -> None:
    """Refuse, before anything runs, pictures that cannot be read and a missing or foreign adapter.

    Args:
        config: may be None.
        folder: of the models.
        at_hand: identities of the prior's models, by kind.

    Raises:
        InputError: see above.
    """
    if config is None:
        return
    if not (folder / f"{KIND}.json").is_file():
        raise InputError(
            f"prior.image_prompt needs the model {KIND}, and {folder} has no {KIND}: leave it out, "
            "set prior.models_dir to a folder that has it, or train it: python run.py "
            f"train/{KIND}"
        )
    check_requires(read_manifest(folder, KIND), at_hand)
    prompt_pictures(config)


def shown_pictures(
    config: ImagePromptConfig, prior: EmbeddedPrior, at_hand: Mapping[str, str], folder: Path
) -> ShownPictures:
    """The adapter, and what it says of the pictures.

    Args:
        config: of the image prompt.
        prior: the image prior alone, before LoRAs are put into its U-Net.
        at_hand: identities of its models, by kind.
        folder: of the models.

    Raises:
        InputError: the adapter is missing, damaged or for other models; a picture is unreadable.
    """
    adapter = load_ip_adapter(prior, at_hand, folder)
    with torch.no_grad():
        latents = prior.encode(prompt_pictures(config).to(prior.device))
        states = adapter(latents)
    return ShownPictures(adapter, states, config.scale)


def load_ip_adapter(prior: EmbeddedPrior, at_hand: Mapping[str, str], folder: Path) -> ImagePrompt:
    """The adapter for a prior.

    Raises:
        InputError: it is missing, damaged, or was trained on other models.
    """
    stored = load_model(folder, KIND, KIND)
    check_requires(stored.manifest, at_hand)
    values = json.dumps(dict(stored.manifest.architecture))
    adapter = ImagePrompt(ImagePromptArchitecture.model_validate_json(values), prior.unet)
    fill(adapter, stored)
    return adapter.to(prior.device).eval().requires_grad_(False)


def check_prompt_fit(folder: Path, at_hand: Mapping[str, str]) -> None:
    """Refuse, before anything runs, to choose among pictures without what reads them.

    Raises:
        InputError: the model is missing or for others.
    """
    if not (folder / f"{KIND}.json").is_file():
        raise InputError(
            f"choosing among drawn fronts needs the model {KIND}, and {folder} has no {KIND}: set "
            "method.num_fronts=1 and method.num_view_sets=1, set prior.models_dir to a folder "
            f"that has it, or train it: python run.py train/{KIND}"
        )
    check_requires(read_manifest(folder, KIND), at_hand)


def load_prompt_fit(prior: EmbeddedPrior, at_hand: Mapping[str, str], folder: Path) -> PromptFit:
    """What tells how well pictures of a prior fit a prompt.

    Raises:
        InputError: as `load_ip_adapter`.
    """
    return PromptFit(load_ip_adapter(prior, at_hand, folder), prior)


def prompt_pictures(config: ImagePromptConfig) -> Images:
    """The pictures as they are looked at: whole, 128 pixels a side, transparency kept.

    Raises:
        InputError: one cannot be read.
    """
    rows = []
    for path in config.pictures:
        picture, size = read_picture(path), (_SIDE_PX, _SIDE_PX)
        place = placement(picture.shape[:2], size, "contain")
        rows.append(laid_out(picture, place, size, 4, _BACKGROUND))
    return torch.stack(rows)
