"""The student of few steps: read from the zoo and merged into the image U-Net that it stands on."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from common.embedded.few_step import FewStep, FewStepArchitecture
from common.embedded.prior import EmbeddedPrior
from common.errors import InputError
from common.zoo.storage import Manifest, check_requires, fill, load_model, read_manifest

KIND = "few_step"


def few_step_sizes(
    num_steps: int, identities: Mapping[str, str], folder: Path
) -> FewStepArchitecture:
    """What the student of a folder can do; its weights are not read.

    Args:
        num_steps: that are asked of it.
        identities: of the image prior's models, by kind.
        folder: of the models.

    Raises:
        InputError: there is none, it stands on other models, or does not know so many steps.
    """
    if not (folder / f"{KIND}.json").is_file():
        raise InputError(
            f"prior.few_steps needs the model {KIND}, and {folder} has none: leave it out, set "
            "prior.models_dir to a folder that has it, or train it: python run.py "
            f"train/{KIND}"
        )
    manifest = read_manifest(folder, KIND)
    check_requires(manifest, identities)
    sizes = _sizes(manifest)
    if num_steps not in sizes.num_steps:
        known = ", ".join(map(str, sizes.num_steps))
        raise InputError(f"prior.few_steps is {num_steps}; this student was taught {known} steps")
    return sizes


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
        InputError: as `few_step_sizes`.
    """
    sizes = few_step_sizes(num_steps, identities, folder)
    stored = load_model(folder, KIND, KIND)
    unet: Any = prior.unet
    student = FewStep(sizes, unet, prior.text_encoder.architecture.channels)
    fill(student, stored)
    student.to(prior.device)
    with torch.no_grad():
        unet.load_state_dict(student(unet.state_dict()))
    return prior.in_few_steps(student.direction(num_steps))


def _sizes(manifest: Manifest) -> FewStepArchitecture:
    """JSON has lists where configs have tuples."""
    return FewStepArchitecture.model_validate_json(json.dumps(dict(manifest.architecture)))
