"""A turntable: one round about a mesh or a cloud, as frames for the clip writers."""

import math
from dataclasses import dataclass, replace
from pathlib import Path

from einops import rearrange

from common.cameras import Cameras, orbit_cameras
from common.embedded.orbit import DISTANCE_M, FOVY_DEG
from common.errors import InputError
from common.media.clips import write_clip
from common.media.pixels import composite, to_frames
from common.media.provenance import Provenance
from common.raster.mesh import TriangleMesh
from common.raster.render import render_mesh
from common.raster.shading import FLAT_LIGHTING, Lighting
from common.shapes import Frames
from threed.framed_scene import drawn_scene, framed_scene
from threed.measures.render_back import FOVY_DEG as FRAMED_FOVY_DEG
from threed.measures.render_back import MARGIN
from threed.scenes.gaussian_cloud import GaussianCloud


@dataclass(frozen=True)
class Turntable:
    """The round that is filmed."""

    num_frames: int = 48
    """Frames of one whole round, evenly spaced; the one after the last is the first."""
    size_px: int = 256
    elevation_deg: float = 12.0
    camera_distance: float = DISTANCE_M
    """Metres from the origin."""
    fovy_deg: float = FOVY_DEG
    supersample: int = 2
    """Points along each side of a pixel."""


def turntable_cameras(turntable: Turntable) -> Cameras:
    """The cameras of all frames; the first sees the front, then the object's left side."""
    if turntable.num_frames < 1:
        raise InputError(f"a turntable of {turntable.num_frames} frames has no frames")
    azimuths = [360.0 * i / turntable.num_frames for i in range(turntable.num_frames)]
    return orbit_cameras(
        azimuths, turntable.elevation_deg, turntable.camera_distance, turntable.fovy_deg,
        turntable.size_px, turntable.size_px,
    )  # fmt: skip


def turntable_frames(
    mesh: TriangleMesh, turntable: Turntable | None = None, lighting: Lighting = FLAT_LIGHTING
) -> Frames:
    """Straight RGBA pixels of all frames, ready for `common.media.clips`.

    Args:
        mesh: what turns; +Y up, front +Z.
        turntable: None: the defaults.
        lighting: none by default, because the light of pictures is in a baked texture already.
    """
    chosen = turntable or Turntable()
    cameras = turntable_cameras(chosen)
    seen = render_mesh(mesh, cameras, supersample=chosen.supersample, lighting=lighting)
    return to_frames(2 * rearrange(seen.rgba, "f h w c -> c f h w") - 1)


def framed_turntable(
    scene: TriangleMesh | GaussianCloud, turntable: Turntable | None = None
) -> Frames:
    """The same of a scene of any size and place, which fills the frame; lit if it has no texture.

    Args:
        scene: what turns about the middle of its box.
        turntable: distance and field of view are not used; None: the defaults.
    """
    distance = MARGIN / math.sin(math.radians(FRAMED_FOVY_DEG / 2))
    chosen = replace(turntable or Turntable(), camera_distance=distance, fovy_deg=FRAMED_FOVY_DEG)
    placed, _ = framed_scene(scene)
    cameras = turntable_cameras(chosen)
    if isinstance(placed, TriangleMesh) and placed.texture is None:
        rgba = render_mesh(placed, cameras).rgba  # lit, or one colour would be a silhouette
    else:
        rgba = drawn_scene(placed, cameras)
    return to_frames(2 * rearrange(rgba, "f h w c -> c f h w") - 1)


def write_turntable(
    path: Path, frames: Frames, background: str, fps: float, provenance: Provenance | None
) -> None:
    """The frames on a background colour, as an MP4."""
    write_clip(path, composite(frames, background), fps, provenance=provenance)
