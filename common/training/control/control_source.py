"""Pictures with something to follow: kit objects with their truths, emoji with their edges.

Kit objects that have a pose make a set of their own.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import assert_never

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Float, Float16, Float32, UInt8
from torch import Tensor

from common.control.kinds import CONTROL_KINDS, EDGE_KINDS, ControlKind
from common.control.label_colours import label_colours, palette
from common.control.preprocess import preprocessed
from common.control.thing_pose import ThingJoints, thing_skeleton
from common.embedded.image_unet import FRONT
from common.training.emoji.emoji_concepts import load_concepts
from common.training.emoji.emoji_packages import STILLS
from common.training.emoji.emoji_phrases import phrases
from common.training.emoji.emoji_stills import load_stills
from common.training.kit.kit_parts import KitPart
from common.training.kit.kit_truths import DEPTH, LABEL, NORMALS, load_truths, truth_digest
from common.training.pictures.latent_files import encoded_once, latent_path
from common.training.pictures.latent_sets import LOOKALIKE_WEIGHT
from common.training.pictures.subjects import EmojiSubject, KitSubject, Subject
from common.training.pose.kit_poses import joints_of_set, posed_truths
from common.zoo.models import Loaded

SILHOUETTE_SHARE = 0.4
"""Segmentations of kit objects that show one region; those of emoji always do."""


@dataclass(frozen=True)
class ControlSet:
    """Latents, and the pixels and truths behind them, row by row."""

    name: str
    latents: Float16[np.ndarray, "n z y x"]
    pixels: tuple[UInt8[np.ndarray, "_ h w 4"], ...]
    """Premultiplied, one array after the other."""
    truths: tuple[UInt8[np.ndarray, "_ h w 5"], ...] | None
    """As `kit_truths` has them; None where nothing is known but the picture."""
    subjects: tuple[Subject, ...]
    views: Float32[np.ndarray, "n 2"]
    """Azimuth and elevation, degrees."""
    chances: Float[np.ndarray, " n"]
    """How often each row is drawn."""
    joints: Float[np.ndarray, "n 14 2"] | None = None
    """Those that the pictures show, pixels; None where poses are not known."""

    @property
    def kinds(self) -> tuple[ControlKind, ...]:
        """What its pictures can show."""
        if self.joints is not None:
            return ("pose",)
        if self.truths is None:
            return (*EDGE_KINDS, "segmentation")
        return tuple(kind for kind in CONTROL_KINDS if kind != "pose")

    def control(
        self, row: int, kind: ControlKind, rng: np.random.Generator
    ) -> Float[Tensor, "3 h w"]:
        """What to follow of a row, in [0, 1]; labels in colours at random."""
        at, place = self._place(row)
        pixels = np.asarray(self.pixels[at][place])
        truth = None if self.truths is None else np.asarray(self.truths[at][place])
        joints = None if self.joints is None else self.joints[row]
        return control_of(pixels, truth, kind, rng, joints)

    def _place(self, row: int) -> tuple[int, int]:
        ends = np.cumsum([len(one) for one in self.pixels])
        at = int(np.searchsorted(ends, row, side="right"))
        return at, row - (int(ends[at - 1]) if at else 0)


def control_of(
    pixels: UInt8[np.ndarray, "h w 4"],
    truth: UInt8[np.ndarray, "h w 5"] | None,
    kind: ControlKind,
    rng: np.random.Generator,
    joints: ThingJoints | None = None,
) -> Float[Tensor, "3 h w"]:
    """What to follow of one picture, in [0, 1].

    Args:
        pixels: premultiplied.
        truth: as `kit_truths` has it; depth and normals need it.
        kind: what is shown.
        rng: shuffles the colours of labels, and makes some segmentations one region.
        joints: those that it shows, pixels; poses need them.
    """
    image = rearrange(torch.from_numpy(np.array(pixels)).float() / 255, "h w c -> c h w")
    match kind:
        case "canny" | "soft_edge":
            return preprocessed(image, kind)
        case "segmentation":
            labels = (pixels[..., 3] > 127).astype(np.uint8)
            if truth is not None and rng.random() >= SILHOUETTE_SHARE:
                labels = truth[..., LABEL]
            made = label_colours(labels, rng.permutation(palette()))
        case "depth" | "normals":
            if truth is None:
                raise ValueError(f"the {kind} of this picture is not known")
            shown = truth[..., NORMALS] if kind == "normals" else truth[..., [DEPTH] * 3]
            made = shown.astype(np.float32) / 255
        case "pose":
            if joints is None:
                raise ValueError("the pose of this picture is not known")
            return thing_skeleton(joints, (pixels.shape[0], pixels.shape[1]))
        case _:
            assert_never(kind)
    return rearrange(torch.from_numpy(np.ascontiguousarray(made)).float(), "h w c -> c h w")


def kit_controls(autoencoder: Loaded, cache: Path, device: str, part: KitPart) -> ControlSet:
    """Kit objects of a part in all their views, encoded unless the cache has them.

    Raises:
        InputError: they are not prepared.
    """
    sets = load_truths(cache, part)
    path = latent_path(cache, autoencoder, f"kit_truths-{part.name}", truth_digest(part))
    latents = encoded_once(path, autoencoder, [one.pixels for one in sets], device)
    shots = [shot for one in sets for shot in one.shots]
    views = [(view.azimuth_deg, view.elevation_deg) for shot in shots for view in shot.views]
    return ControlSet(
        "kit", latents, tuple(one.pixels for one in sets), tuple(one.truths for one in sets),
        tuple(KitSubject(shot.facts) for shot in shots for _ in shot.views),
        np.array(views, np.float32), np.full(len(latents), 1 / len(latents)),
    )  # fmt: skip


def kit_poses(autoencoder: Loaded, cache: Path, device: str, part: KitPart) -> ControlSet:
    """Those kit objects of a part that have a pose, in all their views.

    Raises:
        InputError: they are not prepared.
    """
    whole = kit_controls(autoencoder, cache, device, part)
    posed, rows = posed_truths(load_truths(cache, part))
    return replace(
        whole, name="kit poses", latents=np.asarray(whole.latents[rows]),
        pixels=tuple(one.pixels for one in posed), truths=None,
        subjects=tuple(whole.subjects[row] for row in rows), views=whole.views[rows],
        chances=np.full(len(rows), 1 / len(rows)),
        joints=np.concatenate([joints_of_set(one) for one in posed]),
    )  # fmt: skip


def emoji_controls(autoencoder: Loaded, cache: Path, size_px: int, device: str) -> ControlSet:
    """The emoji stills, encoded unless the cache has them.

    Raises:
        InputError: they are not prepared.
    """
    stills = load_stills(cache, size_px)
    path = latent_path(cache, autoencoder, f"emoji_stills-{size_px}", STILLS.sha256)
    latents = encoded_once(path, autoencoder, [stills.pixels], device)
    concepts = load_concepts()
    described = [concepts[key] for key in stills.keys]
    weights = np.array([LOOKALIKE_WEIGHT if c.lookalike else 1.0 for c in described])
    front = np.array([FRONT.azimuth_deg, FRONT.elevation_deg], np.float32)
    return ControlSet(
        "emoji", latents, (stills.pixels,), None,
        tuple(EmojiSubject(c.key, phrases(c, "en"), phrases(c, "zh")) for c in described),
        np.tile(front, (len(latents), 1)), weights / weights.sum(),
    )  # fmt: skip
