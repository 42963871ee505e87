"""The prior that a method asks about several views, checked and built from a run's config."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, assert_never

from common.embedded.prior_config import EmbeddedPriorConfig
from common.errors import InputError
from common.generation.classifier_notes import classifier_notes
from common.generation.embedded_prompts import embedded_notes
from common.generation.few_steps import check_few_step_frames
from common.generation.picture_switches import refuse_few_steps, refuse_picture_switches
from common.generation.priors import build_prior, check_prior, classifying_of, models_folder
from common.pretrained.config import PretrainedPriorConfig
from threed.distillation.loss_config import CSD, EditLoss, GuidedLoss, PerpNegSides
from threed.from_prompt import Distillation, FromPrompt
from threed.image_to_3d import ImageTo3D
from threed.lifted_views import LiftedViews
from threed.text_to_3d import TextTo3D
from threed.view_prior_config import ViewPriorConfig

if TYPE_CHECKING:
    from common.embedded.prior import EmbeddedPrior
    from common.zoo.storage import Manifest

_WIDENED = 4
"""Bytes in memory for a stored byte: int8 becomes float32."""
_BYTES_PER_PIXEL = 12_000
"""Of views that the embedded autoencoder encodes with a gradient."""
_PRETRAINED_BYTES_PER_PIXEL = 40_000
"""The same of Stable Diffusion's: features of 128 to 512 channels, kept for the way back."""
EMBEDDED_ELEVATIONS_DEG = (-10.0, 35.0)
"""The heights that the embedded view layers were trained on."""


def check_view_prior(prior: ViewPriorConfig, method: FromPrompt, prompt: str) -> list[str]:
    """Refuse, before anything runs, what the prior cannot judge; notes on the prompt.

    Raises:
        InputError: models that are missing or do not fit, sizes or views that the prior does not
            know.
    """
    _, size_px = method.view_shape
    match prior:
        case EmbeddedPriorConfig():
            from common.embedded.prior import check_size
            from common.zoo.ip_adapter import check_image_prompt
            from common.zoo.models import check_embedded_prior, check_prior_loras
            from common.zoo.words import check_prior_words

            refuse_picture_switches(prior)
            folder = models_folder(prior)
            check_size((size_px, size_px))
            manifests = check_embedded_prior(folder, "view_layers")
            check_few_views(prior, method, manifests)
            check_prior_loras(manifests, prior.loras)
            check_prior_words(manifests, prior.embeddings)
            _check_controls(prior, method, manifests)
            at_hand = {kind: manifest.identity for kind, manifest in manifests.items()}
            check_image_prompt(prior.image_prompt, folder, at_hand)
            check_choosing(method, folder, at_hand)
            _check_heights(method)
            _check_sides(method)
            _check_stages(method)
            negative = _negative_prompt(method)
            notes = _front_notes(method, prompt) + embedded_notes(prompt, negative, folder)
            return notes + classifier_notes(prior, _guidance(method), prompt)
        case PretrainedPriorConfig():
            if isinstance(method, LiftedViews):
                image = isinstance(method, ImageTo3D)
                preset = "sds_image_to_3d" if image else "sds_gaussians"
                raise InputError(
                    f"{method.name} draws views together, which the pretrained prior cannot: use "
                    "prior.name=embedded, or a preset of score distillation such as "
                    f"threed/{preset}"
                )
            if prior.image_prompt is not None:
                raise InputError(
                    "prior.image_prompt of a checkpoint is for pictures and clips: leave it out, "
                    "or use prior.name=embedded"
                )
            refuse_picture_switches(prior)
            check_prior(prior, (size_px, size_px))
            return []
        case _:
            assert_never(prior)


def build_view_prior(prior: ViewPriorConfig, method: FromPrompt, device: str) -> Any:
    """The prior of ``method.view_shape`` views: together, or each by itself."""
    num_views, size_px = method.view_shape
    match prior:
        case EmbeddedPriorConfig():
            from common.zoo.models import load_frame_prior

            views = load_frame_prior(
                "view_layers", num_views, (size_px, size_px), models_folder(prior), device,
                prior.loras, controls=prior.controls, image_prompt=prior.image_prompt,
                embeddings=prior.embeddings, compute=prior.compute, few_steps=prior.few_steps,
            )  # fmt: skip
            if isinstance(method, TextTo3D) and method.chooses:
                views.pictures = _choosing(views.pictures, models_folder(prior))
            views.pictures.classifying = classifying_of(
                _guidance(method), models_folder(prior), device
            )
            return views
        case PretrainedPriorConfig():
            from threed.distillation.picture_views import PictureViews

            return PictureViews(build_prior(prior, (size_px, size_px), device), num_views)
        case _:
            assert_never(prior)


def _guidance(method: FromPrompt) -> Any:
    """Of methods that draw views together."""
    return method.guidance if isinstance(method, LiftedViews) else None


def check_choosing(method: FromPrompt, folder: Path, at_hand: Mapping[str, str]) -> None:
    """Refuse to choose among drawn fronts without the model that reads pictures.

    Args:
        method: how assets are made.
        folder: of the models.
        at_hand: their identities, by kind.

    Raises:
        InputError: it is missing, or for other models.
    """
    if isinstance(method, TextTo3D) and method.chooses:
        from common.zoo.ip_adapter import check_prompt_fit

        check_prompt_fit(folder, at_hand)


def _choosing(pictures: "EmbeddedPrior", folder: Path) -> "EmbeddedPrior":
    """The prior with what chooses among its pictures."""
    from common.zoo.ip_adapter import load_prompt_fit
    from common.zoo.models import check_embedded_prior

    at_hand = {kind: one.identity for kind, one in check_embedded_prior(folder).items()}
    return pictures.choosing_by(load_prompt_fit(pictures, at_hand, folder))


def latent_shape_of(prior: ViewPriorConfig, method: FromPrompt) -> tuple[int, ...]:
    """Channels, height and width of the latents of a view."""
    _, size_px = method.view_shape
    match prior:
        case EmbeddedPriorConfig():
            from common.embedded.autoencoder import DOWNSAMPLING
            from common.zoo.models import check_embedded_prior

            manifests = check_embedded_prior(models_folder(prior), "view_layers")
            channels = manifests["autoencoder"].architecture["latent_channels"]
            return channels, size_px // DOWNSAMPLING, size_px // DOWNSAMPLING
        case PretrainedPriorConfig():
            from common.pretrained.memory import pretrained_need

            return pretrained_need(prior, (size_px, size_px), 1).latent_shape
        case _:
            assert_never(prior)


def view_prior_bytes(prior: ViewPriorConfig, method: FromPrompt) -> int:
    """Memory of the prior and of the views that are encoded with a gradient, if any are."""
    num_views, size_px = method.view_shape
    in_latents = isinstance(method, Distillation) and method.in_latents
    match prior:
        case EmbeddedPriorConfig():
            from common.zoo.models import check_embedded_prior

            manifests = check_embedded_prior(models_folder(prior), "view_layers")
            stored = sum(manifest.num_bytes for manifest in manifests.values())
            # of latents only the pictures at the end pass the autoencoder, one at a time
            num_coded = 1 if in_latents else num_views
            return _WIDENED * stored + _BYTES_PER_PIXEL * num_coded * size_px**2
        case PretrainedPriorConfig():
            from common.pretrained.memory import pretrained_need

            need = pretrained_need(prior, (size_px, size_px), num_views)
            if in_latents:  # the peak holds a picture that is decoded without a gradient
                return need.peak_bytes
            return need.peak_bytes + _PRETRAINED_BYTES_PER_PIXEL * num_views * size_px**2
        case _:
            assert_never(prior)


def _front_notes(method: FromPrompt, prompt: str) -> list[str]:
    """Refuse pictures that are no fronts; a note on what is left out without a prompt."""
    if not isinstance(method, ImageTo3D):
        return []
    from threed.front import read_front

    read_front(method.input)
    if method.distil.num_steps and not prompt.strip():
        return ["prompt is empty: the scene is fitted to the views, method.distil has no effect"]
    return []


def _check_controls(
    prior: EmbeddedPriorConfig, method: FromPrompt, manifests: "Mapping[str, Manifest]"
) -> None:
    """Controls show the views that are drawn together, and no others."""
    if not prior.controls:
        return
    from common.zoo.control_net import check_controls

    if not isinstance(method, LiftedViews) or method.distil.num_steps:
        way = (
            "set method.distil.num_steps=0"
            if isinstance(method, LiftedViews)
            else "use a preset that draws views together, such as threed/text_to_3d"
        )
        raise InputError(
            "prior.controls are followed from the cameras that they are pictures of, and score "
            f"distillation looks from everywhere: leave them out, or {way}"
        )
    num_views, size_px = method.view_shape
    identities = {kind: one.identity for kind, one in manifests.items()}
    size = (num_views, size_px, size_px)
    check_controls(prior.controls, identities, size, models_folder(prior))


def check_few_views(
    prior: EmbeddedPriorConfig,
    method: FromPrompt | LiftedViews,
    manifests: "Mapping[str, Manifest]",
) -> None:
    """Refuse students of few steps where views are not drawn together, or otherwise than taught.

    Args:
        prior: whose views.
        method: how assets are made.
        manifests: of the prior's models, by kind.

    Raises:
        InputError: with what to leave out, or to set instead.
    """
    if not isinstance(method, LiftedViews):
        refuse_few_steps(prior)
        return
    if prior.few_steps is not None and method.distil.num_steps:
        raise InputError(
            "prior.few_steps draws views and cannot judge what score distillation shows it: leave "
            "it out, or set method.distil.num_steps=0"
        )
    check_few_step_frames(prior, manifests, "view_layers", method.sampler, method.guidance)


def _negative_prompt(method: FromPrompt) -> str:
    """What the loss moves away from, where that is words of the user's."""
    loss: EditLoss | None = method.loss if isinstance(method, Distillation) else None
    return loss.negative_prompt if isinstance(loss, GuidedLoss | CSD) else ""


def _check_sides(method: FromPrompt) -> None:
    loss = method.loss if isinstance(method, Distillation) else None
    guidance = loss.guidance if isinstance(loss, GuidedLoss) else None
    if isinstance(guidance, PerpNegSides) and guidance.other_sides:
        raise InputError(
            "method.loss.guidance.other_sides is for checkpoints, which are told sides in words; "
            "the embedded prior is told cameras: leave it out"
        )


def _check_stages(method: FromPrompt) -> None:
    if isinstance(method, LiftedViews):
        return
    if any(stage.num_views for stage in method.views.stages):
        raise InputError(
            "method.views.stages: the embedded prior judges the same number of views in every "
            "step; leave num_views out of the stages"
        )


def _check_heights(method: FromPrompt) -> None:
    if isinstance(method, LiftedViews):
        return
    low, high = method.views.elevations_deg
    least, most = EMBEDDED_ELEVATIONS_DEG
    if low < least or high > most:
        raise InputError(
            f"method.views looks from {low:g} to {high:g} degrees; the embedded view layers know "
            f"{least:g} to {most:g}"
        )
