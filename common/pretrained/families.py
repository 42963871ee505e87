"""Which models a checkpoint of each family is made of.

==========  ===========================================  =====================================
family      is                                           is told the prompt by
==========  ===========================================  =====================================
``sd``      Stable Diffusion 1.x and 2.x: a U-Net        CLIP
``sdxl``    Stable Diffusion XL: a U-Net                 two CLIPs
``pixart``  PixArt-alpha and -sigma: a transformer       T5
``sd3``     Stable Diffusion 3 and 3.5: a transformer    two CLIPs, and T5 if it is there
``flux``    FLUX.1: a transformer                        T5, and CLIP's pooled state
==========  ===========================================  =====================================
"""

from dataclasses import dataclass
from typing import Literal

from common.pretrained.weight_names import ModelClass

Family = Literal["sd", "sdxl", "pixart", "sd3", "flux"]
TokenizerKind = Literal["clip", "t5"]

PIPELINES: dict[str, Family] = {
    "StableDiffusionPipeline": "sd",
    "StableDiffusionXLPipeline": "sdxl",
    "StableDiffusionInpaintPipeline": "sd",
    "StableDiffusionXLInpaintPipeline": "sdxl",
    "PixArtAlphaPipeline": "pixart",
    "PixArtSigmaPipeline": "pixart",
    "StableDiffusion3Pipeline": "sd3",
    "FluxPipeline": "flux",
}
"""Families by the class that ``model_index.json`` names."""

T5_TOKENS = {
    "PixArtAlphaPipeline": 120,
    "PixArtSigmaPipeline": 300,
    "StableDiffusion3Pipeline": 256,
    "FluxPipeline": 512,
}
"""Tokens that a checkpoint's T5 was given in training, the end mark among them."""

TOKENIZERS: dict[TokenizerKind, tuple[str, ...]] = {
    "clip": ("CLIPTokenizer", "CLIPTokenizerFast"),
    "t5": ("T5Tokenizer", "T5TokenizerFast"),
}
"""Classes by their kind."""


@dataclass(frozen=True)
class TextPart:
    """A text encoder and its tokenizer, by their folders."""

    folder: str
    tokenizer: str
    model_class: ModelClass
    optional: bool = False
    """Whether checkpoints may come without it."""

    @property
    def kind(self) -> TokenizerKind:
        """Of its tokenizer."""
        return "t5" if self.model_class == "T5EncoderModel" else "clip"


@dataclass(frozen=True)
class FamilyParts:
    """The models of a family."""

    denoiser: str
    """The folder."""
    denoiser_class: ModelClass
    stated_classes: tuple[str, ...]
    """What configs and indices call the denoiser's class."""
    texts: tuple[TextPart, ...]


def _of(number: int, model_class: ModelClass, optional: bool = False) -> TextPart:
    end = "" if number == 1 else f"_{number}"
    return TextPart(f"text_encoder{end}", f"tokenizer{end}", model_class, optional)


def _denoiser(model_class: ModelClass, *texts: TextPart, also: tuple[str, ...] = ()) -> FamilyParts:
    folder = "unet" if model_class == "UNet2DConditionModel" else "transformer"
    return FamilyParts(folder, model_class, (model_class, *also), texts)


FAMILIES: dict[Family, FamilyParts] = {
    "sd": _denoiser("UNet2DConditionModel", _of(1, "CLIPTextModel")),
    "sdxl": _denoiser(
        "UNet2DConditionModel", _of(1, "CLIPTextModel"), _of(2, "CLIPTextModelWithProjection")
    ),
    "pixart": _denoiser(
        "PixArtTransformer2DModel", _of(1, "T5EncoderModel"), also=("Transformer2DModel",)
    ),
    "sd3": _denoiser(
        "SD3Transformer2DModel",
        _of(1, "CLIPTextModelWithProjection"),
        _of(2, "CLIPTextModelWithProjection"),
        _of(3, "T5EncoderModel", optional=True),
    ),
    "flux": _denoiser("FluxTransformer2DModel", _of(1, "CLIPTextModel"), _of(2, "T5EncoderModel")),
}
"""Their models."""
