"""Building what paints: the embedded prior of views, or a checkpoint's with a ControlNet."""

from pathlib import Path
from typing import TYPE_CHECKING, assert_never

from common.embedded.prior_config import EmbeddedPriorConfig
from common.errors import InputError
from common.generation.embedded_prompts import embedded_notes
from common.generation.picture_switches import refuse_few_steps, refuse_offload
from common.generation.priors import models_folder
from common.pretrained.config import PretrainedPriorConfig
from threed.painting.painting import Painting
from threed.view_prior_config import ViewPriorConfig

if TYPE_CHECKING:
    from threed.painting.view_painter import ViewPainter

_WIDENED = 4
"""Bytes in memory for a stored byte: int8 becomes float32."""
_BYTES_PER_PIXEL = 6_000
"""Of views that the embedded autoencoder decodes and encodes together."""
_PRETRAINED_BYTES_PER_PIXEL = 12_000
MAX_EMBEDDED_VIEWS = 8


def check_painter(prior: ViewPriorConfig, method: Painting, prompt: str) -> list[str]:
    """Refuse, before anything runs, what the prior cannot paint; notes on the prompt.

    Raises:
        InputError: models are missing or do not fit, or sizes that the prior does not know.
    """
    if prior.controls:
        raise InputError(
            "prior.controls are pictures from fixed cameras; method.controls says what is followed "
            "of the mesh: leave prior.controls out"
        )
    size = (method.size_px, method.size_px)
    match prior:
        case EmbeddedPriorConfig():
            return _check_embedded(prior, method, prompt, size)
        case PretrainedPriorConfig():
            _check_pretrained(prior, method, size)
            return []
        case _:
            assert_never(prior)


def build_painter(prior: ViewPriorConfig, method: Painting, device: str) -> "ViewPainter":
    """What paints for a method."""
    size = (method.size_px, method.size_px)
    controls = tuple(one for one in method.controls if one.weight > 0)
    match prior:
        case EmbeddedPriorConfig():
            from common.zoo.control_net import load_control_net
            from common.zoo.models import check_embedded_prior, load_frame_prior
            from threed.painting.view_painter import EmbeddedPainter

            folder = models_folder(prior)
            frames = load_frame_prior(
                "view_layers", method.largest_group, size, folder, device, prior.loras,
                image_prompt=prior.image_prompt,
            )  # fmt: skip
            net = None
            if controls:
                identities = {k: one.identity for k, one in check_embedded_prior(folder).items()}
                net = load_control_net(frames.pictures.unet, identities, folder, device)
            return EmbeddedPainter(frames, net, controls)
        case PretrainedPriorConfig():
            from common.pretrained.build import build_unet_prior, load_control, torch_dtype
            from common.pretrained.checkpoint import read_checkpoint
            from threed.painting.view_painter import PicturePainter

            checkpoint = read_checkpoint(prior)
            pictures = build_unet_prior(prior, size, device)
            nets = tuple(
                (one, load_control(_folder(one.path), one.variant, checkpoint, prior.compute,
                                   device)) for one in controls
            )  # fmt: skip
            return PicturePainter(pictures, nets, torch_dtype(prior.compute))
        case _:
            assert_never(prior)


def painter_bytes(prior: ViewPriorConfig, method: Painting) -> int:
    """Memory of the prior and of the views that are drawn together."""
    pixels = method.largest_group * method.size_px**2
    match prior:
        case EmbeddedPriorConfig():
            from common.zoo.control_net import control_manifest
            from common.zoo.models import check_embedded_prior

            folder = models_folder(prior)
            manifests = check_embedded_prior(folder, "view_layers")
            stored = sum(manifest.num_bytes for manifest in manifests.values())
            if method.controls:
                stored += control_manifest(folder).num_bytes
            return _WIDENED * stored + _BYTES_PER_PIXEL * pixels
        case PretrainedPriorConfig():
            from common.pretrained.control_config import ControlConfig
            from common.pretrained.memory import pretrained_need

            nets = tuple(
                ControlConfig(path=path, variant=one.variant, image=path)
                for one in method.controls if (path := _folder(one.path))
            )  # fmt: skip
            following = prior.model_copy(update={"controls": nets})
            size = (method.size_px, method.size_px)
            need = pretrained_need(following, size, method.largest_group)
            return need.peak_bytes + _PRETRAINED_BYTES_PER_PIXEL * pixels
        case _:
            assert_never(prior)


def _check_embedded(
    prior: EmbeddedPriorConfig, method: Painting, prompt: str, size: tuple[int, int]
) -> list[str]:
    from common.embedded.prior import check_size
    from common.zoo.control_net import control_manifest
    from common.zoo.ip_adapter import check_image_prompt
    from common.zoo.models import check_embedded_prior, check_prior_loras
    from common.zoo.storage import check_requires

    refuse_few_steps(prior)
    check_size(size)
    folder = models_folder(prior)
    manifests = check_embedded_prior(folder, "view_layers")
    check_prior_loras(manifests, prior.loras)
    identities = {kind: manifest.identity for kind, manifest in manifests.items()}
    check_image_prompt(prior.image_prompt, folder, identities)
    if method.controls:
        check_requires(control_manifest(folder), identities)
    if any(one.path is not None for one in method.controls):
        raise InputError(
            "method.controls: the embedded prior has its own ControlNet; leave path out, or use "
            "prior.name=pretrained"
        )
    return embedded_notes(prompt, "", folder)


def _check_pretrained(
    prior: PretrainedPriorConfig, method: Painting, size: tuple[int, int]
) -> None:
    from common.pretrained.check import check_pretrained
    from common.pretrained.checkpoint import read_checkpoint
    from common.pretrained.controlnet import read_control

    refuse_offload(prior, "threed/texture")
    check_pretrained(prior, size)
    for one in method.controls:
        read_control(_folder(one.path), one.variant, read_checkpoint(prior))


def _folder(path: Path | None) -> Path:
    if path is None:
        raise InputError(
            "method.controls: a checkpoint follows the mesh by a ControlNet of its own kind; give "
            "its folder: method.controls='[{kind: depth, path: \"control_v11f1p_sd15_depth\"}]', "
            "or none: method.controls=[]"
        )
    return path
