"""Where a single file of each family keeps each model, by the beginnings of its tensors' names."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from common.errors import InputError
from common.pretrained.families import Family

MARKS: dict[Family, tuple[str, ...]] = {
    "flux": ("double_blocks.0.img_attn.qkv.weight",),
    "sd3": ("joint_blocks.0.x_block.attn.qkv.weight",),
    "sdxl": ("input_blocks.0.0.weight", "label_emb.0.0.weight"),
    "sd": ("input_blocks.0.0.weight",),
}
"""Tensors of the denoiser by which a family is known, the first that fits."""
_DENOISER = "model.diffusion_model."
_AUTOENCODER = ("first_stage_model.", "vae.")
_CLIP_L, _CLIP_G, _T5 = (
    f"text_encoders.{one}.transformer." for one in ("clip_l", "clip_g", "t5xxl")
)
OPEN_CLIP = ("cond_stage_model.model.", "conditioner.embedders.1.model.")
"""Beginnings under which names are OpenCLIP's."""
_TEXTS: dict[Family, dict[str, tuple[str, ...]]] = {
    "sd": {"text_encoder": ("cond_stage_model.transformer.", OPEN_CLIP[0])},
    "sdxl": {
        "text_encoder": ("conditioner.embedders.0.transformer.",),
        "text_encoder_2": (OPEN_CLIP[1],),
    },
    "sd3": {"text_encoder": (_CLIP_L,), "text_encoder_2": (_CLIP_G,), "text_encoder_3": (_T5,)},
    "flux": {"text_encoder": (_CLIP_L,), "text_encoder_2": (_T5,)},
}  # fmt: skip
_LEFT_OVER = ("model_ema.", "loss.")
"""What training leaves beside an autoencoder."""


@dataclass(frozen=True)
class Held:
    """The tensors of one model in a file."""

    prefix: str
    """Before their names."""
    names: tuple[str, ...]
    """In full; none where the file leaves the model out."""


def family_of(names: Iterable[str]) -> Family | None:
    """The family whose denoiser a file holds; None where it holds none that is known."""
    found = {name.removeprefix(_DENOISER) for name in names}
    return next((family for family, marks in MARKS.items() if found.issuperset(marks)), None)


def described_single_file(shapes: Mapping[str, tuple[int, ...]]) -> list[str]:
    """What a file holds, a line each; nothing where it is no checkpoint of a known family."""
    family = family_of(shapes)
    if family is None:
        return []
    prefix = _DENOISER if _has(tuple(shapes), _DENOISER) else ""
    first = shapes.get(f"{prefix}input_blocks.0.0.weight", ())
    seen = f", its U-Net for inpainting ({first[1]} channels)" if first[1:2] == (9,) else ""
    parts = [
        f"{folder}: {len(held.names)} tensors" if held.names else f"{folder}: not in the file"
        for folder in ("vae", *_TEXTS[family])
        for held in [held_by(folder, family, shapes)]
    ]
    return [
        f"checkpoint in a single file, family {family}{seen}; for prior.path, with "
        "prior.components",
        ", ".join(parts),
    ]


def held_by(folder: str, family: Family, names: Iterable[str]) -> Held:
    """The tensors of the model that diffusers keeps in ``folder`` (``unet``, ``vae``, ...).

    Raises:
        InputError: single files of the family are not known.
    """
    if family not in MARKS:
        raise InputError(
            f"single files of the family {family} are not known, only of {', '.join(MARKS)}"
        )
    names = tuple(names)
    prefixes: tuple[str, ...]
    match folder:
        case "unet" | "transformer":
            # Files of a transformer alone have its names bare.
            prefixes = (_DENOISER, "") if not _has(names, _DENOISER) else (_DENOISER,)
        case "vae":
            prefixes = _AUTOENCODER
        case _:
            prefixes = _TEXTS[family][folder]
    prefix = next((one for one in prefixes if _has(names, one)), prefixes[0])
    own = (name for name in names if name.startswith(prefix))
    return Held(prefix, tuple(n for n in own if not n.removeprefix(prefix).startswith(_LEFT_OVER)))


def _has(names: tuple[str, ...], prefix: str) -> bool:
    return any(name.startswith(prefix) for name in names)
