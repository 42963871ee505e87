"""Which priors there are, and how one is checked and built from its config."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, assert_never

from common.config import BY_NAME
from common.diffusion.gaussian_config import GaussianPriorConfig
from common.diffusion.guidance_config import ClassifierGuidance
from common.diffusion.prior import Prior
from common.embedded.camera_path import NEIGHBOURS
from common.embedded.prior_config import EmbeddedPriorConfig
from common.embedded.spacetime_dit_config import SpacetimeDiTPriorConfig
from common.errors import InputError
from common.pretrained.config import PretrainedPriorConfig

if TYPE_CHECKING:
    from common.embedded.classifying import Classifying
    from common.embedded.image_unet import View
    from common.zoo.models import FrameKind
    from common.zoo.storage import Manifest

PriorConfig = Annotated[
    GaussianPriorConfig | EmbeddedPriorConfig | PretrainedPriorConfig | SpacetimeDiTPriorConfig,
    BY_NAME,
]
"""Any prior, chosen by its ``name``."""

DEFAULT_PRIOR = GaussianPriorConfig()


def models_folder(config: EmbeddedPriorConfig) -> Path:
    """Where the embedded prior's models are."""
    from common.zoo.models import ZOO

    return config.models_dir or ZOO


def check_prior(
    config: PriorConfig,
    size: tuple[int, ...],
    view: "View | None" = None,
    num_followed: int | None = None,
    inpaints: bool = False,
    along_path: bool = False,
) -> None:
    """Refuse, before anything runs, what a prior cannot draw.

    Args:
        config: the prior's.
        size: ``(h, w)`` for pictures, ``(f, h, w)`` for clips.
        view: from where things are to be seen, if that is asked for.
        num_followed: frames that controls are followed in, where a clip has more than are drawn
            together.
        inpaints: whether part of a given picture or clip is drawn anew.
        along_path: whether the frames of a clip are seen along a camera's path.

    Raises:
        InputError: lengths, sizes or views that the prior does not know, or models that are
            missing.
    """
    match config:
        case GaussianPriorConfig():
            if view is not None:
                raise InputError(
                    "the gaussian prior knows no views: leave view out, or use prior.name=embedded"
                )
        case EmbeddedPriorConfig():
            from common.embedded.prior import check_size
            from common.zoo.control_net import check_controls
            from common.zoo.few_step import check_few_step_models
            from common.zoo.ip_adapter import check_image_prompt
            from common.zoo.models import check_embedded_prior, check_prior_loras
            from common.zoo.words import check_prior_words

            check_size(_of_picture(size))
            layers = frame_layers(size, along_path)
            manifests = check_embedded_prior(models_folder(config), layers)
            _check_length(size, manifests, along_path)
            check_prior_loras(manifests, config.loras)
            check_prior_words(manifests, config.embeddings)
            identities = {kind: one.identity for kind, one in manifests.items()}
            followed = size if num_followed is None else (num_followed, *size[1:])
            check_controls(config.controls, identities, followed, models_folder(config))
            check_image_prompt(config.image_prompt, models_folder(config), identities)
            if config.few_steps is not None:
                check_few_step_models(config.few_steps, identities, models_folder(config), layers)
        case PretrainedPriorConfig():
            from common.pretrained.check import check_pretrained

            check_pretrained(config, size, has_view=view is not None, inpaints=inpaints)
        case SpacetimeDiTPriorConfig():
            raise only_for_clips()
        case _:
            assert_never(config)


def build_prior(
    config: PriorConfig,
    size: tuple[int, ...],
    device: str,
    num_followed: int | None = None,
    guidance: Any = None,
    along_path: bool = False,
) -> Prior[Any]:
    """The prior of a config for pictures of ``(h, w)`` or clips of ``(f, h, w)``.

    ``num_followed`` and ``along_path`` are as for `check_prior`; with classifier guidance the
    embedded prior has its classifier.
    """
    match config:
        case GaussianPriorConfig():
            from common.diffusion.gaussian_prior import build_gaussian_prior

            return build_gaussian_prior(config, size, device)
        case EmbeddedPriorConfig():
            from common.zoo.models import load_embedded_prior, load_frame_prior

            folder, picture = models_folder(config), _of_picture(size)
            layers = frame_layers(size, along_path)
            classifying = classifying_of(guidance, folder, device)
            if layers is None:
                pictures = load_embedded_prior(
                    picture, folder, device, config.loras, config.controls, config.image_prompt,
                    config.embeddings,
                    config.few_steps, config.compute,
                )  # fmt: skip
                return pictures if classifying is None else pictures.classified_by(classifying)
            frames = load_frame_prior(
                layers, size[0], picture, folder, device, config.loras, config.trajectory_noise,
                config.controls, config.image_prompt, config.embeddings, num_followed,
                config.compute, config.few_steps,
            )  # fmt: skip
            frames.pictures.classifying = classifying
            return frames
        case PretrainedPriorConfig():
            from common.pretrained.build import build_pretrained_prior

            return build_pretrained_prior(config, size, device)
        case SpacetimeDiTPriorConfig():
            raise only_for_clips()
        case _:
            assert_never(config)


def classifying_of(guidance: Any, folder: Path, device: str) -> "Classifying | None":
    """The classifier of the folder's models, where guidance asks for it."""
    if not isinstance(guidance, ClassifierGuidance):
        return None
    from common.zoo.noisy_classifier import load_classifying

    return load_classifying(guidance.classes, folder, device)


def only_for_clips() -> InputError:
    """What to say where a spacetime DiT, which the video package builds, is asked for pictures."""
    return InputError(
        "the spacetime_dit prior draws clips: use it with video/*, for a picture with "
        "method.num_frames=1, or use prior.name=embedded"
    )


def _check_length(
    size: tuple[int, ...], manifests: Mapping[str, "Manifest"], along_path: bool
) -> None:
    """Refuse clips that are longer than what their layers draw together."""
    if along_path and size[0] > NEIGHBOURS:
        raise InputError(
            f"num_frames is {size[0]}; of a camera's path up to {NEIGHBOURS} frames are drawn "
            "together: use fewer, or method.windows, which cuts longer ones"
        )
    motion = manifests.get("motion_layers")
    longest = None if motion is None else motion.architecture["max_frames"]
    if longest is not None and size[0] > longest:
        raise InputError(
            f"num_frames is {size[0]}; the embedded motion layers were trained on clips of up to "
            f"{longest} frames; method.windows and video/long_video draw longer ones"
        )


def frame_layers(size: tuple[int, ...], along_path: bool = False) -> "FrameKind | None":
    """The layers that the embedded prior needs for this size: of motion, or of views, for clips."""
    if len(size) == 2:
        return None
    return "view_layers" if along_path else "motion_layers"


def _of_picture(size: tuple[int, ...]) -> tuple[int, int]:
    """Height and width."""
    return size[-2], size[-1]
