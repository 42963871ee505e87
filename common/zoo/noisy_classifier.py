"""The classifier of noised latents: read from the zoo, with the names of its classes."""

import json
from collections.abc import Sequence
from pathlib import Path

from common.embedded.class_names import load_class_names
from common.embedded.classifying import Classifying
from common.embedded.noisy_classifier import NoisyClassifier, NoisyClassifierArchitecture
from common.errors import InputError
from common.zoo.storage import check_requires, fill, load_model, read_manifest

KIND = "noisy_classifier"


def check_classifier(folder: Path) -> NoisyClassifierArchitecture:
    """The sizes of a folder's classifier; its weights are not read.

    Raises:
        InputError: there is none, or it is for another autoencoder or for other classes.
    """
    if not (folder / f"{KIND}.json").is_file():
        raise InputError(
            f"guidance classifier needs the model {KIND}, and {folder} has none: use "
            "guidance.name=cfg, set prior.models_dir to a folder that has it, or train it: python "
            f"run.py train/{KIND}"
        )
    manifest = read_manifest(folder, KIND)
    check_requires(manifest, {"autoencoder": read_manifest(folder, "autoencoder").identity})
    # JSON has lists where configs have tuples.
    values = json.dumps(dict(manifest.architecture))
    sizes = NoisyClassifierArchitecture.model_validate_json(values)
    if sizes.names_sha256 != load_class_names().digest:
        raise InputError(
            f"{folder / KIND}.json was trained on another list of classes; train it again: python "
            f"run.py train/{KIND}"
        )
    return sizes


def load_classifying(classes: Sequence[str], folder: Path, device: str = "cpu") -> Classifying:
    """The classifier, ready to tell what prompts name.

    Args:
        classes: names in place of what prompts name; may be empty.
        folder: of the models.
        device: where to put it.

    Raises:
        InputError: as `check_classifier`, its weights are damaged, or a name is no class.
    """
    network = NoisyClassifier(check_classifier(folder))
    fill(network, load_model(folder, KIND, KIND))
    names = load_class_names()
    wanted = names.named(classes) if classes else None
    return Classifying(network.to(device).eval().requires_grad_(False), names, wanted)
