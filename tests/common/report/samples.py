"""Real files and a report with every kind of section, for the tests of the page."""

import math
from pathlib import Path

import av
import numpy as np
import trimesh
from PIL import Image

from common.report.content import (
    Asset,
    AssetView,
    Axis,
    Band,
    ClipRow,
    Column,
    ConfigChange,
    ConfigDiff,
    ConfigLine,
    ConfigListing,
    Fact,
    Failure,
    Failures,
    Gallery,
    Interval,
    MediaItem,
    Missing,
    Note,
    Plot,
    Report,
    Series,
    Stage,
    SyncedClips,
    Table,
    Timing,
    series,
)

HOSTILE = "<script>document.title = 'taken'</script>\" onerror='x' {{ 7 * 7 }} 狐狸 🦊 \x1b[31m"


def write_clip(path: Path, *, num_frames: int = 32, fps: int = 16, color: int = 200) -> Path:
    """An H.264 clip of a bright square that moves to the right."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=fps)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        for index in range(num_frames):
            frame = np.full((64, 96, 3), 40, np.uint8)
            left = index * 64 // num_frames
            frame[20:44, left : left + 24] = (color, 120, 255 - color)
            for packet in stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return path


def write_alpha_clip(path: Path) -> Path:
    """A VP9 clip whose right half is transparent."""
    path.parent.mkdir(parents=True, exist_ok=True)
    frame = np.full((64, 64, 4), (250, 40, 40, 255), np.uint8)
    frame[:, 32:, 3] = 0
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libvpx-vp9", rate=8)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuva420p"
        for _ in range(8):
            picture = av.VideoFrame.from_ndarray(frame, format="rgba")
            for packet in stream.encode(picture.reformat(format="yuva420p")):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return path


def write_picture(path: Path, size: tuple[int, int] = (96, 64)) -> Path:
    """A PNG with a gradient."""
    path.parent.mkdir(parents=True, exist_ok=True)
    ramp = np.linspace(0, 255, size[0]).astype(np.uint8)
    Image.fromarray(np.broadcast_to(ramp, size[::-1]).copy()).save(path)
    return path


def write_asset(path: Path) -> Path:
    """A GLB of a cube: front (+Z) red, back blue, top green, the other sides grey."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cube = trimesh.creation.box()
    cube.unmerge_vertices()
    sides = {(0, 0, 1): (255, 0, 0), (0, 0, -1): (0, 0, 255), (0, 1, 0): (0, 255, 0)}
    normals = np.rint(cube.face_normals).astype(int)
    colors = [sides.get(tuple(normal), (128, 128, 128)) for normal in normals.tolist()]
    cube.visual.face_colors = np.array(colors, np.uint8)
    cube.export(path)
    return path


def write_media(folder: Path) -> None:
    """All files that ``full_report`` shows."""
    for index in range(2):
        write_clip(folder / f"samples/{index}.mp4", num_frames=16, fps=8, color=60 + 120 * index)
        write_clip(folder / f"cells/a{index}.mp4", color=80)
        write_clip(folder / f"cells/b{index}.mp4", color=230)
    write_alpha_clip(folder / "samples/alpha.webm")
    write_picture(folder / "sheet.png", (400, 100))
    write_asset(folder / "cube.glb")


def full_report(text: str = HOSTILE) -> Report:
    """A report with every kind of section, and ``text`` wherever there is text of the user."""
    steps = range(0, 2000, 2)
    losses = [math.exp(-step / 500) + 0.1 * math.sin(step) ** 2 for step in steps]
    points = Series(
        text, (2.5,), (0.8,), drawn="points", y_band=Band((0.7,), (0.9,)), x_band=Band((2,), (3,))
    )
    clips = [MediaItem(Path(f"cells/{name}.mp4"), text) for name in ("a0", "b0", "a1")]
    facts = (Fact(text, text, text), Fact("value", 0.123456, "dB"))
    return Report(
        text,
        text,
        "interrupted",
        facts,
        (
            Gallery(
                text,
                tuple(
                    MediaItem(Path("samples") / name, text, facts)
                    for name in ("0.mp4", "1.mp4", "alpha.webm")
                ),
                text,
            ),
            Gallery("Contact sheet", (MediaItem(Path("sheet.png"), text * 60),)),
            AssetView(text, (Asset(Path("cube.glb"), text, facts),), text),
            SyncedClips(
                text,
                (text, "b"),
                (ClipRow(text, tuple(clips[:2])), ClipRow("2", (clips[2], Missing(text)))),
                text,
            ),
            Table(
                text,
                (Column(text, align="left"), Column("score", text, best="highest")),
                ((text, Interval(0.8, 0.7, 0.9)), ("b", 0.91), (None, math.nan)),
                (text,),
                text,
            ),
            Plot(text, Axis(text, "s"), Axis(text, text), (series(text, steps, losses),), text),
            Plot("points", Axis("x", "s", log=True), Axis("y", ""), (points,)),
            Plot("lone", Axis("x", "s"), Axis("y", ""), (series("c", [1, 2], [math.nan, 1]),)),
            Timing(text, (Stage(text, 1.5), Stage("b", 0.25)), 1433.2, None, text),
            ConfigListing(text, (ConfigLine(f"prompt: {text}", text),), text),
            ConfigDiff(text, (text, "b"), (ConfigChange(text, (text, None)),), text),
            Failures(text, (Failure(text, text, text),), text),
            Note(text, text, "warning"),
        ),
    )
