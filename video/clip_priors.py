"""The prior that clips are drawn from, checked and built from a run's config."""

from typing import TYPE_CHECKING, Any

from jaxtyping import Float
from torch import Tensor

from common.diffusion.gaussian_config import GaussianPriorConfig
from common.diffusion.given import Given
from common.diffusion.prior import Prior
from common.embedded.prior_config import EmbeddedPriorConfig
from common.embedded.spacetime_dit_config import SpacetimeDiTPriorConfig
from common.errors import InputError
from common.generation.estimate import Need, need_of_checkpoint
from common.generation.few_steps import check_few_steps
from common.generation.picture_switches import check_compute
from common.generation.priors import build_prior, check_prior, models_folder
from common.pretrained.config import PretrainedPriorConfig
from common.runs.launch import resolve_device
from common.zoo.models import check_mouth_finder
from video.clip_keys import MovingKeys
from video.clip_windows import drawn_together, window_notes, windows_of
from video.config import VideoConfig
from video.long_video import LongVideo
from video.refined_clips import check_leak
from video.timeline.curve import FrameTracks
from video.timeline.resolved import (
    camera_path,
    control_weights,
    loras_of_frames,
    motion_scales,
    mouths,
    moves,
    timeline_of,
)
from video.trajectory_keys import track_with
from video.video_to_video import VideoInpaint, VideoToVideo

if TYPE_CHECKING:
    from common.embedded.image_unet import View


def check_clip_prior(config: VideoConfig, view: "View | None") -> list[str]:
    """Refuse, before anything runs, what the prior cannot draw; notes on what it replaces.

    Raises:
        InputError: as the prior's own check; a checkpoint without motion module, or a motion module
            for another prior.
    """
    prior, method = config.prior, config.method
    _check_compute(config)
    _check_few_steps(config)
    if not isinstance(prior, PretrainedPriorConfig):
        if method.motion is not None:
            raise InputError(
                f"method.motion has no use for the {prior.name} prior, which draws clips by "
                "itself: leave it out, or use prior.name=pretrained"
            )
        _check_trajectory(config)
        notes: list[str] = []
        if isinstance(prior, SpacetimeDiTPriorConfig):
            notes = _check_spacetime_dit(prior, method.size, view)
            _check_coding(config, prior)
        else:
            check_prior(
                prior, drawn_together(config), view, method.num_frames,
                along_path=timeline_of(config).orbits,
            )  # fmt: skip
        _check_free_init(config)
        return notes + window_notes(config)
    from video.animatediff.build import check_animatediff

    _check_trajectory(config)
    if method.motion is None:
        raise InputError(
            "a Stable Diffusion checkpoint draws pictures; clips need a motion module of "
            "AnimateDiff too: set method.motion.path"
        )
    if view is not None:
        raise InputError(
            "the pretrained prior knows no views: leave view out, or use prior.name=embedded"
        )
    found = check_animatediff(
        prior, method.motion, drawn_together(config), method.num_frames,
        isinstance(method, VideoInpaint),
    )  # fmt: skip
    return [*found, *window_notes(config)]


def _check_compute(config: VideoConfig) -> None:
    """Refuse switches that this machine, the sampler or the clip's curves cannot have."""
    check_compute(config.prior, config.sampler, resolve_device(config.device))
    compute = getattr(config.prior, "compute", None)
    if compute is not None and compute.compile and timeline_of(config).lora_scales:
        raise InputError(
            "prior.compute.compile fixes what the U-Net computes, and lora_scales of "
            "method.timeline change it from frame to frame: leave one out"
        )


def _check_few_steps(config: VideoConfig) -> None:
    """Refuse samplers and guidance that a student of few steps was not taught."""
    check_few_steps(config.prior, config.sampler, config.guidance, config.negative_prompt)
    few = isinstance(config.prior, EmbeddedPriorConfig) and config.prior.few_steps is not None
    if few and timeline_of(config).guidance_scale is not None:
        raise InputError(
            "guidance_scale of method.timeline has no effect with prior.few_steps, where guidance "
            "is folded in: leave one out"
        )


def _check_spacetime_dit(
    prior: SpacetimeDiTPriorConfig, size: tuple[int, int, int], view: "View | None"
) -> list[str]:
    from video.spacetime_dit.load import check_spacetime_dit

    if view is not None:
        raise InputError(
            "the spacetime_dit prior knows no views: leave method.view out, or use "
            "prior.name=embedded"
        )
    return check_spacetime_dit(prior, size)


def _check_coding(config: VideoConfig, prior: SpacetimeDiTPriorConfig) -> None:
    """Refuse what says something of single frames where several are coded together."""
    from video.spacetime_dit.load import coding_of

    method = config.method
    if coding_of(prior) == "frames":
        return
    told = {
        "method.name=long_video continues from a last frame": isinstance(method, LongVideo),
        "method.key_frames gives single frames": bool(getattr(method, "key_frames", ())),
        "method.timeline changes single frames": bool(timeline_of(config).curves),
    }
    wrong = [what for what, is_so in told.items() if is_so]
    if wrong:
        raise InputError(
            f"{wrong[0]}, and this spacetime DiT draws codes of several frames (it was trained "
            "with architecture.coding=causal): leave that out, or use a model of coding=frames"
        )


def _check_trajectory(config: VideoConfig) -> None:
    method, prior = config.method, config.prior
    keys = method.trajectory if isinstance(method, MovingKeys) else ()
    timeline = timeline_of(config)
    if keys or timeline.moves:
        told = "method.trajectory" if keys else "right, down, size and turn_deg of method.timeline"
        _check_told_start(config, told)
    if timeline.speaks:
        _check_told_start(config, "mouth_open, mouth_width and mouth_round of method.timeline")
        assert isinstance(prior, EmbeddedPriorConfig)  # the others have been refused
        check_mouth_finder(models_folder(prior))


def _check_told_start(config: VideoConfig, told: str) -> None:
    """Refuse what says how clips begin where they begin otherwise."""
    method, prior = config.method, config.prior
    if isinstance(method, VideoToVideo | VideoInpaint):
        raise InputError(f"{told} would change what the given clip shows: leave it out")
    if not isinstance(prior, EmbeddedPriorConfig):
        raise InputError(
            f"{told} is for the embedded prior, and this one is {prior.name}: leave it out, or use "
            "prior.name=embedded"
        )
    if prior.trajectory_noise is None:
        raise InputError(f"{told} has no effect with prior.trajectory_noise=null: leave one out")


def _check_free_init(config: VideoConfig) -> None:
    """Refuse it with priors whose noise says nothing of the clip under it."""
    if config.method.free_init is None:
        return
    from common.diffusion.noise_schedule import build_noise_schedule
    from common.embedded.prior import embedded_schedule

    if isinstance(config.prior, GaussianPriorConfig):
        schedule = build_noise_schedule(config.prior.schedule)
    else:
        schedule = embedded_schedule()
    check_leak(schedule, f"the {config.prior.name} prior")


def clip_need(config: VideoConfig, together: int) -> Need | None:
    """The memory of priors that this package builds; None: as other priors' (estimate)."""
    prior, method = config.prior, config.method
    if isinstance(prior, SpacetimeDiTPriorConfig):
        from video.spacetime_dit.load import spacetime_dit_need

        return spacetime_dit_need(prior, method.size, together)
    if not isinstance(prior, PretrainedPriorConfig) or method.motion is None:
        return None
    from video.animatediff.memory import animatediff_need

    need = animatediff_need(prior, method.motion, drawn_together(config), together)
    return need_of_checkpoint(need, together)


def clip_sizes(config: VideoConfig, num_evaluations: int) -> dict[str, str]:
    """What is said of a run beside its memory: for a spacetime DiT, tokens and arithmetic."""
    prior = config.prior
    if not isinstance(prior, SpacetimeDiTPriorConfig):
        return {}
    from video.spacetime_dit.load import spacetime_dit_sizes

    together = min(config.batch_size, config.num_samples)
    size = config.method.size
    return spacetime_dit_sizes(prior, size, config.prompt, num_evaluations * together)


def build_clip_prior(
    config: VideoConfig, device: str, tracks: FrameTracks | None = None
) -> Prior[Any]:
    """The prior of the run's clips; its config is settled, and ``tracks`` are of its sound."""
    prior, method = config.prior, config.method
    if isinstance(prior, SpacetimeDiTPriorConfig):
        from video.spacetime_dit.load import load_spacetime_dit

        return load_spacetime_dit(prior, method.size, device)
    if not isinstance(prior, PretrainedPriorConfig):
        built = build_prior(
            prior, drawn_together(config), device, method.num_frames, config.guidance,
            timeline_of(config).orbits,
        )  # fmt: skip
        if not isinstance(prior, EmbeddedPriorConfig):
            return built
        return _told(built, config, device, tracks)
    from video.animatediff.build import build_animatediff_prior

    assert method.motion is not None  # ``check_clip_prior`` has refused the others
    windows = windows_of(config)
    repeats = method.windows is not None and method.windows.noise == "repeated"
    lifted = build_animatediff_prior(
        prior, method.motion, method.size, device, windows, repeats, method.num_frames
    )
    strengths, weights = motion_scales(config, tracks), control_weights(config, tracks)
    loras = loras_of_frames(config, lifted.pictures.unet, tracks)
    return lifted.changing(None if strengths is None else strengths.tolist(), weights, loras)


def _told(
    prior: Prior[Any], config: VideoConfig, device: str, tracks: FrameTracks | None
) -> Prior[Any]:
    """The embedded prior of clips with windows, moves, and strengths of each frame."""
    from common.embedded.frame_prior import FramePrior

    assert isinstance(prior, FramePrior)  # of clips
    method, windows = config.method, windows_of(config)
    if windows is not None:
        assert method.windows is not None
        prior = prior.in_windows(windows, method.windows.noise == "repeated")
    keys = method.trajectory if isinstance(method, MovingKeys) else ()
    over = moves(config, tracks)
    path = camera_path(config, tracks)
    if path is not None:
        prior = prior.seen_along(path)
    if keys or over:
        prior = prior.moving(track_with(keys, over, method.num_frames).to(device))
    told = mouths(config, tracks)
    if told is not None:
        prior = prior.speaking(told)
    strengths, weights = motion_scales(config, tracks), control_weights(config, tracks)
    loras = loras_of_frames(config, prior.pictures.unet, tracks)
    if strengths is None and not weights and loras is None:
        return prior
    return prior.changing(strengths, weights, loras)


def drawn_latents(prior: Prior[Any], drawn: Float[Tensor, "1 f y x"]) -> Float[Tensor, "1 g y x"]:
    """Which cells of the latents are drawn, told which are in each frame."""
    from video.spacetime_dit.prior import SpacetimeDiTPrior

    return prior.coding.drawn_latents(drawn) if isinstance(prior, SpacetimeDiTPrior) else drawn


def seeing(prior: Prior[Any], given: Given | None) -> Prior[Any]:
    """The prior of clips that have what is given in them, if it was trained to see that.

    A spacetime DiT sees it without noise; other priors, but for the first frame, have it put in
    place between their evaluations.
    """
    from video.spacetime_dit.prior import SpacetimeDiTPrior

    if given is None or given.drawn is None or not isinstance(prior, SpacetimeDiTPrior):
        return prior
    return prior.knowing(given.latents, given.drawn)
