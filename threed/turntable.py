"""A turntable: one round about a mesh, as frames for the clip writers."""

from dataclasses import dataclass

from einops import rearrange

from common.cameras import Cameras, orbit_cameras
from common.embedded.orbit import DISTANCE_M, FOVY_DEG
from common.errors import InputError
from common.media.pixels import to_frames
from common.raster.mesh import TriangleMesh
from common.raster.render import render_mesh
from common.raster.shading import FLAT_LIGHTING, Lighting
from common.shapes import Frames


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
