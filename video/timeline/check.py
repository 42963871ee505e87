"""Refusing, before anything runs, a timeline that has nothing to act on."""

from common.adapters.frame_loras import check_frame_lora
from common.embedded.prior_config import EmbeddedPriorConfig
from common.errors import InputError
from common.generation.concepts import check_prompts
from common.pretrained.config import PretrainedPriorConfig
from video.config import VideoConfig
from video.timeline.curve import FrameTracks
from video.timeline.resolved import check_prompt_keys, timeline_of


def check_timeline(config: VideoConfig, tracks: FrameTracks | None) -> list[str]:
    """Notes on prompts on the way.

    Args:
        config: the run's.
        tracks: of its sound, if it has one.

    Raises:
        InputError: curves of what the prior does not have, of tracks that are not there, or another
            prompt for frame 0.
    """
    timeline, prior, method = timeline_of(config), config.prior, config.method
    for key, curve in timeline.curves:
        name = curve.track_key
        if name is not None and (tracks is None or name not in tracks):
            known = "this method has no sound: use method.name=audio_to_video, or keys"
            if tracks is not None:
                known = f"the sound has {', '.join(tracks)}"
            raise InputError(f"timeline.{key} follows the track {name}, and {known}")
    if isinstance(prior, EmbeddedPriorConfig | PretrainedPriorConfig):
        _check_counts(config)
    else:
        _check_only_guidance(config)
    check_prompt_keys(timeline.prompts, config.prompt)
    notes: list[str] = []
    if timeline.prompts is not None:
        for frame in sorted(timeline.prompts.keys):
            said = config.model_copy(update={"prompt": timeline.prompts.keys[frame]})
            notes += [f"prompt of frame {frame}: {note}" for note in
                      check_prompts(said, method.size)]  # fmt: skip
    return notes


def _check_only_guidance(config: VideoConfig) -> None:
    timeline = timeline_of(config)
    others = [key for key, _ in timeline.curves if key != "guidance_scale"]
    others += ["prompts"] if timeline.prompts is not None else []
    if others:
        raise InputError(
            f"timeline.{others[0]} is for the embedded and the pretrained prior, and this one is "
            f"{config.prior.name}, which has one curve: guidance_scale"
        )


def _check_counts(config: VideoConfig) -> None:
    """Refuse curves of controls and LoRAs that are not there."""
    timeline, prior = timeline_of(config), config.prior
    assert isinstance(prior, EmbeddedPriorConfig | PretrainedPriorConfig)
    counts = {
        "control_weights": (len(timeline.control_weights), len(prior.controls), "prior.controls"),
        "lora_scales": (len(timeline.lora_scales), len(prior.loras), "prior.loras"),
    }
    for key, (told, there, setting) in counts.items():
        if told > there:
            raise InputError(
                f"timeline.{key} has {told} curves and {setting} {there}: give one for each, in "
                "their order (null leaves one as it is)"
            )
    for curve, lora in zip(timeline.lora_scales, prior.loras, strict=False):
        if curve is not None:
            check_frame_lora(lora)
