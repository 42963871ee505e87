"""From a timeline to what frames are told: tensors, and plain values where nothing changes."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from common.adapters.frame_loras import FrameLoras, frame_loras
from common.adapters.lora_config import LoraConfig
from common.diffusion.frame_curves import CONSTANT, FrameCurves, PromptTravel
from common.embedded.camera_path import CameraPath
from common.embedded.image_unet import FRONT, View
from common.embedded.mouth import AT_REST, MOUTH, Mouths
from common.embedded.prior_config import EmbeddedPriorConfig
from common.errors import InputError
from common.pretrained.config import PretrainedPriorConfig
from video.config import VideoConfig
from video.long_video import LongVideo
from video.timeline.config import MOVES, Timeline
from video.timeline.curve import Curve, FrameTracks, PromptCurve

EMPTY = Timeline()


def timeline_of(config: VideoConfig) -> Timeline:
    """The timeline of a run's clips, which may be empty."""
    return config.method.timeline or EMPTY


def settled(config: VideoConfig, tracks: FrameTracks | None) -> VideoConfig:
    """The same run with every constant curve as the plain value that it is.

    So a constant curve draws what the value draws, to the bit; what is left changes.
    """
    timeline, frames = timeline_of(config), config.method.num_frames
    changes: dict[str, Any] = {}
    scale = _constant(timeline.guidance_scale, frames, tracks)
    if scale is not None:
        guidance = config.guidance.model_copy(update={"guidance_scale": scale})
        changes["guidance"] = guidance
        timeline = timeline.model_copy(update={"guidance_scale": None})
    motion, strength = config.method.motion, _constant(timeline.motion_scale, frames, tracks)
    method = config.method
    if motion is not None and strength is not None:
        own = motion.model_copy(update={"scale": strength})
        method = method.model_copy(update={"motion": own})
        timeline = timeline.model_copy(update={"motion_scale": None})
    if isinstance(config.prior, EmbeddedPriorConfig | PretrainedPriorConfig):
        controls, weights = _plain_values(
            config.prior.controls, "weight", timeline.control_weights, frames, tracks
        )
        loras, scales = _plain_values(
            config.prior.loras, "scale", timeline.lora_scales, frames, tracks
        )
        # What changes is not merged into the weights.
        loras = tuple(
            one if not scales or scales[place] is None else _without_unet(one)
            for place, one in enumerate(loras)
        )
        prior = config.prior.model_copy(update={"controls": controls, "loras": loras})
        changes["prior"] = prior
        left = {"control_weights": weights, "lora_scales": scales}
        timeline = timeline.model_copy(update=left)
    method = method.model_copy(update={"timeline": timeline})
    return config.model_copy(update=changes | {"method": method})


def frame_curves(config: VideoConfig, tracks: FrameTracks | None) -> FrameCurves:
    """Guidance and prompts of each frame of a settled run."""
    timeline, frames = timeline_of(config), config.method.num_frames
    scales = timeline.guidance_scale
    guidance = None if scales is None else torch.from_numpy(scales.values(frames, tracks))
    travel = None
    in_segments = isinstance(config.method, LongVideo) and config.method.windows is None
    at_once = timeline.prompts is not None and timeline.prompts.interpolation == "hold"
    # Where prompts change at once, segments are cut there, each with a prompt of its own.
    if timeline.prompts is not None and not (in_segments and at_once):
        travel = prompt_travel(timeline.prompts, config.prompt, frames)
    return CONSTANT if guidance is None and travel is None else FrameCurves(guidance, travel)


def prompt_travel(curve: PromptCurve, prompt: str, num_frames: int) -> PromptTravel | None:
    """The prompts of a clip's frames; None where all are the one of the first frame."""
    prompts = (prompt, *(curve.keys[frame] for frame in sorted(curve.keys) if frame > 0))
    if len(set(prompts)) == 1:
        return None
    places = curve.places(num_frames)
    before = np.minimum(np.floor(places).astype(int), len(prompts) - 2)
    part = places - before
    shares = np.zeros((num_frames, len(prompts)))
    rows = np.arange(num_frames)
    shares[rows, before], shares[rows, before + 1] = 1 - part, part
    return PromptTravel(prompts, torch.from_numpy(shares).float())


def motion_scales(config: VideoConfig, tracks: FrameTracks | None) -> Float[Tensor, " f"] | None:
    """Strengths of the layers that lift pictures to clips; None: as they are set, or 1."""
    curve = timeline_of(config).motion_scale
    if curve is None:
        return None
    values = curve.values(config.method.num_frames, tracks)
    return None if bool((values == 1).all()) else torch.from_numpy(values).float()


def control_weights(
    config: VideoConfig, tracks: FrameTracks | None
) -> list[Float[Tensor, " f"] | None]:
    """Of each control that is followed with another weight in each frame."""
    return _each(timeline_of(config).control_weights, config, tracks)


def loras_of_frames(
    config: VideoConfig, unet: nn.Module, tracks: FrameTracks | None
) -> FrameLoras | None:
    """The LoRAs of a settled run whose scales change along the clip."""
    curves = timeline_of(config).lora_scales
    told = [(place, curve) for place, curve in enumerate(curves) if curve is not None]
    if not told:
        return None
    assert isinstance(config.prior, EmbeddedPriorConfig | PretrainedPriorConfig)
    frames = config.method.num_frames
    scales = [torch.from_numpy(curve.values(frames, tracks)).float() for _, curve in told]
    files = [config.prior.loras[place] for place, _ in told]
    return frame_loras(unet, files, torch.stack(scales))


def moves(config: VideoConfig, tracks: FrameTracks | None) -> dict[str, Float[np.ndarray, " f"]]:
    """The curves of where the thing is."""
    timeline = timeline_of(config)
    told = {name: getattr(timeline, name) for name in MOVES}
    count = config.method.num_frames
    return {name: one.values(count, tracks) for name, one in told.items() if one is not None}


def camera_path(config: VideoConfig, tracks: FrameTracks | None) -> CameraPath | None:
    """Where each frame is seen from; None: that is not told."""
    timeline, count = timeline_of(config), config.method.num_frames
    if not timeline.orbits:
        return None
    azimuths, elevations = (
        [rest] * count if one is None else one.values(count, tracks).tolist()
        for one, rest in (
            (timeline.azimuth_deg, FRONT.azimuth_deg), (timeline.elevation_deg, FRONT.elevation_deg)
        )
    )  # fmt: skip
    views = zip(azimuths, elevations, strict=True)
    return CameraPath(tuple(View(azimuth, elevation) for azimuth, elevation in views))


def mouths(config: VideoConfig, tracks: FrameTracks | None) -> Mouths | None:
    """The mouth of every frame; None: it is not told. What is left out is as it is at rest."""
    timeline, count = timeline_of(config), config.method.num_frames
    if not timeline.speaks:
        return None
    told = [getattr(timeline, name) for name in MOUTH]
    rows = [
        np.full(count, rest) if one is None else one.values(count, tracks)
        for one, rest in zip(told, AT_REST, strict=True)
    ]
    return torch.from_numpy(np.stack(rows, 1)).float()


def check_prompt_keys(curve: PromptCurve | None, prompt: str) -> None:
    """Refuse another prompt for frame 0 than the run's.

    Raises:
        InputError: as said.
    """
    if curve is not None and curve.keys.get(0, prompt) != prompt:
        raise InputError(
            f"timeline.prompts at frame 0 is '{curve.keys[0]}' and prompt is '{prompt}': frame 0 "
            "shows the prompt; leave one out"
        )


def _each(
    curves: Iterable[Curve | None], config: VideoConfig, tracks: FrameTracks | None
) -> list[Float[Tensor, " f"] | None]:
    count = config.method.num_frames
    return [
        None if one is None else torch.from_numpy(one.values(count, tracks)).float()
        for one in curves
    ]


def _without_unet(lora: LoraConfig) -> LoraConfig:
    """A LoRA that is merged into text encoders alone."""
    text = lora.text_scale if lora.text_scale is not None else 0.0
    return lora.model_copy(update={"scale": 0.0, "text_scale": text})


def _constant(curve: Curve | None, num_frames: int, tracks: FrameTracks | None) -> float | None:
    """The value of a curve that has the same in all frames."""
    if curve is None:
        return None
    values = curve.values(num_frames, tracks)
    return float(values[0]) if bool((values == values[0]).all()) else None


def _plain_values(
    settings: tuple[Any, ...],
    key: str,
    curves: tuple[Curve | None, ...],
    num_frames: int,
    tracks: FrameTracks | None,
) -> tuple[tuple[Any, ...], tuple[Curve | None, ...]]:
    """Settings with the values of constant curves, and the curves that are left."""
    made, left = [], []
    every = [*curves, *[None] * (len(settings) - len(curves))]
    for one, curve in zip(settings, every, strict=True):
        value = _constant(curve, num_frames, tracks)
        made.append(one if value is None else one.model_copy(update={key: value}))
        left.append(curve if value is None else None)
    return tuple(made), tuple(left) if any(left) else ()
