"""A camera's path around what a clip shows: what goes with it, and what does not."""

from common.embedded.camera_path import path_notes
from common.embedded.prior_config import EmbeddedPriorConfig
from common.embedded.tokenizer import words
from common.errors import InputError
from common.pretrained.config import PretrainedPriorConfig
from video.clip_keys import MovingKeys
from video.config import VideoConfig
from video.long_video import LongVideo
from video.timeline.config import CAMERA
from video.timeline.curve import FrameTracks
from video.timeline.resolved import camera_path, timeline_of
from video.video_to_video import VideoInpaint, VideoToVideo

MOTION_WORDS = frozenset((
    "dances", "flies", "grows", "growing", "hops", "hopping", "jumps", "moves", "rolls", "rotates",
    "runs", "shrinks", "shrinking", "slides", "sliding", "spins", "spinning", "talks", "talking",
    "tips", "turns", "turning", "walks", "wobbles", "wobbling",
))  # fmt: skip
"""What prompts say of motion in English."""
MOTION_WORDS_ZH = ("转", "跳", "滑", "变大", "变小", "摇晃", "翻倒", "说话")
_KEYS = "azimuth_deg and elevation_deg of method.timeline"
_TRAJECTORY_NOISE = EmbeddedPriorConfig().trajectory_noise


def check_camera_path(config: VideoConfig, tracks: FrameTracks | None) -> list[str]:
    """Notes on keys and words without effect, and on views that the layers have not seen.

    Args:
        config: the run's.
        tracks: of its sound, if it has one.

    Raises:
        InputError: the prior or the method has no camera that moves, something else is told to
            move, or the camera stays where it is.
    """
    timeline = timeline_of(config)
    if not timeline.orbits:
        return []
    _check_prior(config)
    _check_method(config)
    _check_stillness(config)
    followed = [curve.track_key for key, curve in timeline.curves if key in CAMERA]
    if any(name is not None and name not in (tracks or {}) for name in followed):
        return []  # ``check_timeline`` says so
    path = camera_path(config, tracks)
    assert path is not None  # the timeline says where the camera is
    view = path.views[0]
    if len(set(path.views)) == 1:
        raise InputError(
            f"{_KEYS} leave the camera at azimuth {view.azimuth_deg:g} and elevation "
            f"{view.elevation_deg:g} in all frames: leave them out, and set method.view to that"
        )
    return [*path_notes(path.views), *_without_effect(config)]


def _check_prior(config: VideoConfig) -> None:
    match config.prior:
        case EmbeddedPriorConfig():
            return
        case PretrainedPriorConfig():
            raise InputError(
                f"{_KEYS} are for the embedded prior: motion modules know no views. For them there "
                "are motion LoRAs of camera moves (zoom, pan, tilt, roll): set method.motion.loras"
            )
        case _:
            raise InputError(
                f"{_KEYS} are for the embedded prior, and the {config.prior.name} prior knows no "
                "views: leave them out, or use prior.name=embedded"
            )


def _check_method(config: VideoConfig) -> None:
    method = config.method
    if isinstance(method, VideoToVideo | VideoInpaint):
        raise InputError(f"{_KEYS} would change what the given clip shows: leave them out")
    if isinstance(method, LongVideo) and method.windows is None:
        raise InputError(
            f"{_KEYS} go with windows, not with segments, in each of which the thing would be "
            "another from behind: set method.windows"
        )
    if method.view is not None:
        raise InputError(f"method.view and {_KEYS} both say where the camera is: leave one out")


def _check_stillness(config: VideoConfig) -> None:
    """Refuse what moves or changes the thing, which is drawn as one that stands still."""
    method, timeline = config.method, timeline_of(config)
    told = {
        "method.trajectory": isinstance(method, MovingKeys) and bool(method.trajectory),
        "right, down, size and turn_deg of method.timeline": timeline.moves,
        "mouth_open, mouth_width and mouth_round of method.timeline": timeline.speaks,
        "prompts of method.timeline": timeline.prompts is not None,
        "motion_scale of method.timeline": timeline.motion_scale is not None,
    }
    wrong = [what for what, is_so in told.items() if is_so]
    if wrong:
        raise InputError(
            f"{wrong[0]} and {_KEYS} do not go together: along a camera's path the thing stands "
            "still and stays the same; leave one out"
        )


def _without_effect(config: VideoConfig) -> list[str]:
    notes, prior = [], config.prior
    assert isinstance(prior, EmbeddedPriorConfig)  # the others have been refused
    if prior.trajectory_noise != _TRAJECTORY_NOISE:
        notes.append("prior.trajectory_noise has no effect: along a camera's path nothing moves")
    windows = config.method.windows
    if windows is not None and windows.noise == "repeated":
        notes.append(
            "method.windows.noise=repeated has no effect: the frames of a camera's path share all "
            "their noise"
        )
    said = set(words(config.prompt)) & MOTION_WORDS
    said |= {word for word in MOTION_WORDS_ZH if word in config.prompt}
    if said:
        notes.append(
            f"{', '.join(sorted(said))} in the prompt has no effect: along a camera's path the "
            "thing stands still"
        )
    return notes
