"""Where a scene begins when it does not begin as a ball: at an asset from a file."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from common.config import Config


class AssetStart(Config):
    """The first scene is what a file holds, in the scene's box.

    What is written has the size and place of the file again.
    """

    input: Path
    """A mesh (.glb .gltf .obj .ply .stl .off .usdz), a point cloud (.ply), Gaussians (.ply .splat
    .spz .glb), or a cut-out picture of the front (.png .webp), whose outline is blown up."""
    up: Literal["+y", "+z"] = "+y"
    """Which axis of the file points up; +Z is then the front, or -Y where +z is up."""
    axes: str | None = Field(None, pattern=r"^[RLUDFB]{3}$")
    """Of a file of Gaussians, such as RUB; null for its format's usual ones."""
    size_m: float | None = Field(1.0, gt=0, le=1.2)
    """Longest side in the scene, about its middle; the embedded prior knows things of one metre.
    Null takes the file's own metres and place, which must be within 0.6 of the origin."""
    thickness: float = Field(1.0, gt=0, le=4)
    """Of a picture's outline: 1 makes it as thick as it is wide at each place."""
    num_pictures: int = Field(24, ge=4, le=200)
    """Renders of the file from all round, which the scene is fitted to."""
    picture_px: int = Field(192, ge=32, le=1024)
    """Side of these renders."""
    fit_steps: int = Field(200, ge=2, le=100_000, multiple_of=2)
    """Steps of that fit. Gaussians from a file begin a scene of Gaussians as they are."""
