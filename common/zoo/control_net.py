"""The embedded ControlNet, checked against the image U-Net that it steers, with what it follows."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from common.control.kinds import ControlKind
from common.control.read import read_followed
from common.embedded.control_config import EmbeddedControlConfig
from common.embedded.control_net import ControlNetArchitecture, UnionControlNet
from common.embedded.controls import EmbeddedControl
from common.errors import InputError
from common.zoo.storage import Manifest, check_requires, fill, load_model, read_manifest

KIND = "controlnet"


def check_controls(
    configs: Sequence[EmbeddedControlConfig],
    identities: Mapping[str, str],
    size: tuple[int, ...],
    folder: Path,
) -> None:
    """Refuse what cannot be followed; of the ControlNet only the manifest is read.

    Args:
        configs: may be empty.
        identities: of the image prior's models, by kind.
        size: ``(h, w)`` of a picture, ``(f, h, w)`` of a clip or of several views.
        folder: of the models.

    Raises:
        InputError: there is no ControlNet, it was trained on another U-Net or does not know the
            kind, or a file cannot be followed.
    """
    if not configs:
        return
    manifest = control_manifest(folder)
    check_requires(manifest, identities)
    check_kinds([one.kind for one in configs], folder)
    for config in configs:
        read_followed(config, size, "estimated")


def followed_kinds(folder: Path) -> tuple[ControlKind, ...]:
    """What the ControlNet of a folder follows.

    Raises:
        InputError: there is none.
    """
    return _sizes(control_manifest(folder)).kinds


def check_kinds(kinds: Sequence[ControlKind], folder: Path) -> None:
    """Refuse what the ControlNet of a folder does not follow.

    Raises:
        InputError: as said, or there is none.
    """
    known = followed_kinds(folder)
    for kind in kinds:
        if kind not in known:
            raise InputError(f"the ControlNet in {folder} follows {', '.join(known)}, not {kind}")


def control_manifest(folder: Path) -> Manifest:
    """What the ControlNet of a folder says of itself.

    Raises:
        InputError: there is none.
    """
    if not (folder / f"{KIND}.json").is_file():
        raise InputError(
            f"prior.controls need a ControlNet, and {folder} has no {KIND}: leave controls out, "
            "set prior.models_dir to a folder that has it, or train it (python run.py train/"
            f"{KIND})"
        )
    return read_manifest(folder, KIND)


def load_control_net(
    unet: Any, identities: Mapping[str, str], folder: Path, device: str = "cpu"
) -> UnionControlNet:
    """The ControlNet of an image U-Net, in evaluation mode.

    Raises:
        InputError: there is none, or it was trained on other models.
    """
    manifest = control_manifest(folder)
    check_requires(manifest, identities)
    net = UnionControlNet(_sizes(manifest), unet)
    fill(net, load_model(folder, KIND, KIND))
    return net.to(device).eval().requires_grad_(False)


def load_controls(
    configs: Sequence[EmbeddedControlConfig],
    unet: Any,
    identities: Mapping[str, str],
    size: tuple[int, ...],
    folder: Path,
    device: str = "cpu",
) -> list[EmbeddedControl]:
    """What is followed, with the one ControlNet that follows it.

    Args:
        configs: may be empty; then no file is read.
        unet: the image U-Net.
        identities: of the image prior's models, by kind.
        size: ``(h, w)`` of a picture, ``(f, h, w)`` of a clip or of several views.
        folder: of the models.
        device: where to put them.

    Raises:
        InputError: as `check_controls`.
    """
    if not configs:
        return []
    check_controls(configs, identities, size, folder)
    net = load_control_net(unet, identities, folder, device)
    return [
        EmbeddedControl(net, one.kind, read_followed(one, size, "estimated").on(device))
        for one in configs
    ]


def _sizes(manifest: Manifest) -> ControlNetArchitecture:
    """JSON has lists where configs have tuples."""
    return ControlNetArchitecture.model_validate_json(json.dumps(dict(manifest.architecture)))
