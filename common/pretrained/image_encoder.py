"""The CLIP picture encoder of an IP-Adapter, and pictures as it reads them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from common.media.images import read_picture
from common.media.pixels import composite
from common.pretrained.component import Component, read_component
from common.pretrained.skeleton import build_skeleton
from common.pretrained.weight_names import ModelClass

MODEL_CLASS: ModelClass = "CLIPVisionModelWithProjection"
_BACKGROUND = "#ffffff"


def read_image_encoder(folder: Path) -> tuple[Component, Any]:
    """Its files, and its model without weights.

    Raises:
        InputError: files are missing, wrong, or of another model.
    """
    component = read_component(folder, MODEL_CLASS, None)
    return component, build_skeleton(component)


def pixels_of(pictures: Sequence[Path], size_px: int) -> Float[Tensor, "p 3 y x"]:
    """Pictures as CLIP was trained on them: the middle square, reduced and standardised.

    What is transparent is laid on white.

    Raises:
        InputError: one cannot be read.
    """
    from transformers import CLIPImageProcessor

    read = CLIPImageProcessor(size={"shortest_edge": size_px}, crop_size=size_px)
    opaque = [_opaque(path) for path in pictures]
    return torch.cat([read(one, return_tensors="pt").pixel_values for one in opaque]).float()


def _opaque(path: Path) -> np.ndarray:
    picture = read_picture(path)
    return composite(picture, _BACKGROUND) if picture.shape[2] == 4 else picture


@torch.no_grad()
def encoded(
    model: Any, pixels: Float[Tensor, "p 3 y x"], whole: bool
) -> tuple[Float[Tensor, "p ..."], Float[Tensor, "p ..."]]:
    """What an adapter is told of pictures, and of none.

    Args:
        model: the encoder.
        pixels: of ``pixels_of``.
        whole: all tokens of the last layer but one, as the plus adapters take them, none being a
            grey picture; else one embedding each, none being zeros.
    """
    if not whole:
        embeddings = model(pixels).image_embeds
        return embeddings, torch.zeros_like(embeddings)
    states, none = (
        model(one, output_hidden_states=True).hidden_states[-2]
        for one in (pixels, torch.zeros_like(pixels))
    )
    return states, none
