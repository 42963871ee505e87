"""Students of few steps: read from the zoo and merged into what they stand on."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from common.embedded.few_step import FewStep, FewStepArchitecture
from common.embedded.few_step_frames import FewStepFrames, FewStepFramesArchitecture
from common.embedded.frame_prior import FramePrior
from common.embedded.lifted_call import ToldSteps
from common.embedded.prior import EmbeddedPrior
from common.errors import InputError
from common.zoo.storage import Manifest, check_requires, fill, load_model, read_manifest

if TYPE_CHECKING:
    from common.zoo.models import FrameKind

KIND = "few_step"
"""The student of pictures, which those of frames stand on."""
OF_FRAMES: "dict[FrameKind, str]" = {
    "motion_layers": "few_step_motion", "view_layers": "few_step_views",
}  # fmt: skip
"""What each kind of frame layers becomes over it, where a folder has that; else they stay: the
student of pictures was taught views too, and draws with the layers of its teacher."""


def check_few_step_models(
    num_steps: int,
    identities: Mapping[str, str],
    folder: Path,
    layers: "FrameKind | None" = None,
) -> None:
    """Refuse a folder without the student that pictures, clips and views need.

    Args:
        num_steps: that are asked of it, and of what frame layers become.
        identities: of the prior's models, by kind.
        folder: of the models.
        layers: of clips or views.

    Raises:
        InputError: it is missing, stands on other models, or does not know so many steps.
    """
    _check(num_steps, identities, folder, KIND)
    if layers is not None and _changes_layers(folder, layers):
        _check(num_steps, _with_pictures(identities, folder), folder, OF_FRAMES[layers])


def in_few_steps(
    prior: EmbeddedPrior, num_steps: int, identities: Mapping[str, str], folder: Path
) -> EmbeddedPrior:
    """The prior as a student of so many steps; its U-Net's weights change.

    Args:
        prior: the image prior, its U-Net as it is in the zoo.
        num_steps: that will be taken.
        identities: of its models, by kind.
        folder: of the models.

    Raises:
        InputError: as `check_few_step_models`.
    """
    _check(num_steps, identities, folder, KIND)
    return prior.in_few_steps(merged_student(prior, folder).direction(num_steps))


def frames_in_few_steps(
    prior: FramePrior,
    num_steps: int,
    identities: Mapping[str, str],
    folder: Path,
    layers: "FrameKind",
) -> FramePrior:
    """The prior of clips or views as a student of so many steps; its weights change.

    Args:
        prior: of frames, its models as they are in the zoo.
        num_steps: that will be taken.
        identities: of its models, by kind.
        folder: of the models.
        layers: which it has.

    Raises:
        InputError: as `check_few_step_models`.
    """
    check_few_step_models(num_steps, identities, folder, layers)
    of_pictures = merged_student(prior.pictures, folder)
    direction = of_pictures.direction(num_steps)
    pictures = prior.pictures.in_few_steps(direction)
    if not _changes_layers(folder, layers):
        return prior.in_few_steps(pictures, ToldSteps(direction, torch.zeros_like(direction)))
    stored = load_model(folder, OF_FRAMES[layers], OF_FRAMES[layers])
    sizes = _sizes(FewStepFramesArchitecture, stored.manifest)
    own: Any = prior.lifted.layers
    student = FewStepFrames(sizes, own, of_pictures.told)
    fill(student, stored)
    student.to(prior.device)
    with torch.no_grad():
        own.load_state_dict(student(own.state_dict()))
    return prior.in_few_steps(pictures, student.steps(num_steps))


def merged_student(prior: EmbeddedPrior, folder: Path) -> FewStep:
    """The student of pictures, its change merged into the prior's U-Net."""
    stored = load_model(folder, KIND, KIND)
    unet: Any = prior.unet
    sizes = _sizes(FewStepArchitecture, stored.manifest)
    student = FewStep(sizes, unet, prior.text_encoder.architecture.channels)
    fill(student, stored)
    student.to(prior.device).requires_grad_(False)
    with torch.no_grad():
        unet.load_state_dict(student(unet.state_dict()))
    return student


def _changes_layers(folder: Path, layers: "FrameKind") -> bool:
    return (folder / f"{OF_FRAMES[layers]}.json").is_file()


def _with_pictures(identities: Mapping[str, str], folder: Path) -> dict[str, str]:
    return {**identities, KIND: read_manifest(folder, KIND).identity}


def _check(num_steps: int, identities: Mapping[str, str], folder: Path, kind: str) -> None:
    if not (folder / f"{kind}.json").is_file():
        raise InputError(
            f"prior.few_steps needs the model {kind}, and {folder} has none: leave it out, set "
            "prior.models_dir to a folder that has it, or train it: python run.py "
            f"train/{kind}"
        )
    manifest = read_manifest(folder, kind)
    check_requires(manifest, identities)
    sizes = _sizes(FewStepArchitecture if kind == KIND else FewStepFramesArchitecture, manifest)
    if num_steps not in sizes.num_steps:
        known = ", ".join(map(str, sizes.num_steps))
        raise InputError(f"prior.few_steps is {num_steps}; this student was taught {known} steps")


def _sizes(cls: Any, manifest: Manifest) -> Any:
    """JSON has lists where configs have tuples."""
    return cls.model_validate_json(json.dumps(dict(manifest.architecture)))
