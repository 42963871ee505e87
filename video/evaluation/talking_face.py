"""Evaluating talking faces: held-out kit faces that say held-out speech.

Each clip is a run of the video app: a picture of a face at rest, and speech whose phonemes' times
are known. The opening of its mouth, measured frame by frame, is held against the viseme track of
what is said, and against those of what the other clips say.
"""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from common.atomic import write_json
from common.compare.estimates import student_interval
from common.embedded.mouth import MOUTH_RATE_HZ
from common.embedded.prior_config import EmbeddedPriorConfig
from common.errors import InputError
from common.generation.priors import models_folder
from common.media.audio import Audio, read_audio, write_wav
from common.media.images import write_picture
from common.media.pixels import from_frames, to_frames
from common.media.video_read import read_clip
from common.report.content import Cell, Column, Gallery, Interval, MediaItem, Section, Table
from common.runs.app import Estimate, Outcome, Run
from common.runs.apps import Apps
from common.runs.console import LOGGER, progress_bar
from common.zoo.models import load_autoencoder
from video.app import APP as VIDEO
from video.audio_to_video import AudioToVideo
from video.config import VideoConfig, VideoExport
from video.evaluation.config import EvaluateTalkingFace, EvaluateVideoConfig
from video.sound.agreement import best_lag, correlation
from video.sound.config import SoundConfig
from video.sound.mouth import frame_means
from video.sound.tracks import read_sound
from video.timeline.config import Timeline
from video.timeline.curve import Curve

_FPS = 8.0
_SPEAKS = Timeline(
    mouth_open=Curve(track="mouth_open"), mouth_width=Curve(track="mouth_width"),
    mouth_round=Curve(track="mouth_round"),
)  # fmt: skip
_BARS = {"drawn": "at least 0.7", "lag": "at most 1", "shuffled": "at most 0.2",
         "duration": "at most 1"}  # fmt: skip

Row = dict[str, Any]
"""What is kept of a clip: its face and sentence, the openings that were said, heard, drawn and
measured in a true clip, and durations."""


class _Case(NamedTuple):
    """A face, and what it says."""

    face: Any
    said: Any


def check_talking_face(
    config: EvaluateVideoConfig, method: EvaluateTalkingFace, apps: Apps
) -> list[str]:
    """Refuse priors that give faces no mouths, and speech that is not prepared."""
    if not isinstance(config.prior, EmbeddedPriorConfig):
        raise InputError(
            f"faces talk with the embedded prior, and this one is {config.prior.name}: use "
            "prior.name=embedded"
        )
    _cases(config, method)
    return []


def talking_face_estimate(config: EvaluateVideoConfig, method: EvaluateTalkingFace) -> Estimate:
    """Sizes and memory of the run: those of one of its clips."""
    asked = _asked(config, method, _Paths(Path("face.png"), Path("speech.wav")), "face", 0)
    one, count = VIDEO.estimate(asked), _count(config, method)
    return Estimate({"clips": str(count)}, one.memory_bytes, count * one.steps)


def evaluate_talking_face(
    config: EvaluateVideoConfig, method: EvaluateTalkingFace, run: Run
) -> Outcome:
    """Draw and measure clip after clip; a resumed run continues with the one it was at."""
    assert isinstance(config.prior, EmbeddedPriorConfig)  # ``check`` has refused the others
    with run.clock.stage("loading"):
        autoencoder = load_autoencoder(models_folder(config.prior), run.device).model
    cases = _cases(config, method)
    rows: list[Row] = run.checkpoints.restored_state or []
    with progress_bar(len(cases), len(rows), "faces", "face") as bar:
        for index in range(len(rows), len(cases)):
            rows = [*rows, _row(config, method, run, autoencoder, cases[index], index)]
            run.checkpoints.save(len(rows), rows)
            shutil.rmtree(run.folder.path / "parts")
            bar.update(1)
    figures = figures_of(rows)
    LOGGER.info("%s", ", ".join(f"{name} {value:.3f}" for name, value in figures.items()))
    path = run.folder.samples / "figures.json"
    write_json(path, figures | {"each": rows})
    return Outcome((path,), _sections(run, rows, figures))


def figures_of(rows: Sequence[Row]) -> dict[str, float]:
    """Means over clips of correlations with the viseme track, and lag and duration in frames.

    ``drawn``: of the measured opening; ``shuffled``: with the tracks of what the other clips say;
    ``lag``: the delay at which the mean correlation over clips is largest; ``truth``: of clips
    rendered with the track itself; ``heard``: of the track that is heard in the sound; ``error``:
    mean distance of measured openings of true clips from what they were rendered with;
    ``duration``: largest difference of sound and picture.
    """
    said, drawn = ([np.array(row[name]) for row in rows] for name in ("said", "drawn"))
    others = [correlation(one, other) for i, one in enumerate(drawn)
              for j, other in enumerate(said) if i != j]  # fmt: skip
    joined = [np.concatenate([_standard(one) for one in every]) for every in (drawn, said)]
    lags = [abs(best_lag(one, other)) for one, other in zip(drawn, said, strict=True)]
    return {
        "drawn": _mean(rows, "drawn"),
        "lag": float(_common_lag(drawn, said)),
        "lag_each": float(np.mean(lags)),
        "shuffled": float(np.mean(others)) if others else 0.0,
        "pooled": correlation(*joined),
        "heard": _mean(rows, "heard"),
        "truth": _mean(rows, "truth"),
        "error": float(np.mean([np.abs(np.subtract(row["truth"], row["said"])) for row in rows])),
        "duration": float(max(row["duration"] for row in rows)),
    }


def _mean(rows: Sequence[Row], name: str) -> float:
    return float(np.mean(_each(rows, name)))


def _each(rows: Sequence[Row], name: str) -> list[float]:
    return [correlation(np.array(row[name]), np.array(row["said"])) for row in rows]


def _common_lag(
    drawn: Sequence[Float[np.ndarray, " f"]], said: Sequence[Float[np.ndarray, " f"]]
) -> int:
    """The delay, in frames, at which clips correlate most with what they say, on average.

    Clips are laid one after the other with room between, so that none meets its neighbour.
    """
    room = np.zeros(8)
    tracks = [np.concatenate([np.append(_standard(one), room) for one in every])
              for every in (drawn, said)]  # fmt: skip
    return best_lag(tracks[0], tracks[1])


def _standard(one: Float[np.ndarray, " f"]) -> Float[np.ndarray, " f"]:
    return (one - one.mean()) / max(float(one.std()), 1e-9)


def _cases(config: EvaluateVideoConfig, method: EvaluateTalkingFace) -> list[_Case]:
    """Faces and sentences, evenly chosen among those that are held out.

    Raises:
        InputError: no speech is prepared.
    """
    from common.training.emoji.npm_package import default_cache
    from common.training.talking.face_shots import measured_objects
    from common.training.talking.speech_set import load_speech

    said = load_speech(method.cache_dir or default_cache(), "held_out")
    faces, count = list(measured_objects(1)), _count(config, method)
    return [
        _Case(faces[index * len(faces) // count % len(faces)], said[index * len(said) // count])
        for index in range(count)
    ]


def _count(config: EvaluateVideoConfig, method: EvaluateTalkingFace) -> int:
    return min(method.num_clips, config.max_prompts or method.num_clips)


class _Paths(NamedTuple):
    """What a clip is made from."""

    picture: Path
    sound: Path


def _row(
    config: EvaluateVideoConfig,
    method: EvaluateTalkingFace,
    run: Run,
    autoencoder: Any,
    case: _Case,
    index: int,
) -> Row:
    """Draw one clip and measure it."""
    from common.training.talking.face_shots import CLOSED, MILD, shots_of
    from common.training.talking.mouth_measure import mouth_measure, through
    from common.training.talking.speech_mouth import mouths_said

    side = method.size_px
    paths = _Paths(run.folder.samples / f"{index:02d}.png", run.folder.samples / f"{index:02d}.wav")
    with run.clock.stage("rendering"):
        measure = mouth_measure(autoencoder, case.face, MILD, side)
        first = shots_of(case.face, MILD, [CLOSED], size_px=side).clip
        write_picture(paths.picture, to_frames(first)[0])
        length = round(method.num_frames / _FPS * case.said.sample_rate)
        write_wav(paths.sound, Audio(case.said.sound[None, :length], case.said.sample_rate))
        fine = mouths_said(case.said.phonemes, case.said.duration_s)
        said = frame_means(fine, MOUTH_RATE_HZ, method.num_frames, _FPS)
        true = shots_of(case.face, MILD, [tuple(one) for one in said.T.tolist()], size_px=side)
    prompt = f"a {case.face.facts.main} {case.face.category} talks"
    asked = _asked(config, method, paths, prompt, index)
    video = VIDEO.run(asked, run.part(asked.name))
    webp, mp4 = (next(p for p in video.artefacts if p.suffix == s) for s in (".webp", ".mp4"))
    shutil.copy(mp4, run.folder.samples / f"{index:02d}.mp4")
    with run.clock.stage("scoring"):
        clip = from_frames(read_clip(webp, fps=_FPS).frames)
        shown = len(read_clip(mp4, fps=_FPS).frames) / _FPS
        assert isinstance(asked.method, AudioToVideo)
        heard = read_sound(asked.method.sound, method.num_frames, _FPS).tracks["mouth_open"]
        return {
            "face": case.face.category, "text": case.said.text, "voice": case.said.voice.name,
            "said": said[0].tolist(), "heard": heard.tolist(),
            "drawn": measure.openings(clip).tolist(),
            "truth": measure.openings(through(autoencoder, true.clip)).tolist(),
            "duration": abs(read_audio(mp4).duration_s - shown) * _FPS,
        }  # fmt: skip


def _asked(
    config: EvaluateVideoConfig,
    method: EvaluateTalkingFace,
    paths: _Paths,
    prompt: str,
    index: int,
) -> VideoConfig:
    """The run of the video app that draws a clip."""
    side = method.size_px
    drawing = AudioToVideo(
        num_frames=method.num_frames, height=side, width=side, timeline=_SPEAKS,
        sound=SoundConfig(path=paths.sound), input=paths.picture,
    )  # fmt: skip
    return VideoConfig(
        name=f"face_{index:02d}", prompt=prompt, seed=config.seed + index, device=config.device,
        prior=config.prior, sampler=config.sampler, guidance=config.guidance, batch_size=1,
        num_samples=1, method=drawing, embed_provenance=False,
        export=VideoExport(formats=("webp", "mp4"), fps=_FPS),
    )  # fmt: skip


def _sections(run: Run, rows: Sequence[Row], figures: Mapping[str, float]) -> tuple[Section, ...]:
    each = _each(rows, "drawn")
    shown: Cell = figures["drawn"]
    if len(each) > 1:
        error = float(np.std(each, ddof=1)) / len(each) ** 0.5
        ends = student_interval(figures["drawn"], error, float(len(each) - 1), 0.95)
        shown = Interval(figures["drawn"], *ends)
    columns = (Column("Figure", align="left"), Column("Value"), Column("Bar", align="left"))
    cells: list[tuple[Cell, ...]] = [
        (name, shown if name == "drawn" else value, _BARS.get(name, ""))
        for name, value in figures.items()
    ]
    notes = (" ".join((figures_of.__doc__ or "").split()),)
    items = tuple(
        MediaItem(run.folder.samples / f"{index:02d}.mp4", f"{row['face']}: {row['text']}")
        for index, row in enumerate(rows)
    )
    title = f"{len(rows)} faces, held-out speech"
    return (Table(title, columns, tuple(cells), footnotes=notes), Gallery("The clips", items))
