"""The names of formats, for configs, which import nothing heavy."""

from typing import Literal

Format = Literal["obj", "ply", "stl", "usdz", "html"]
"""What an asset can be written as, beside GLB."""

SplatFormat = Literal["ply", "splat", "spz", "glb"]
"""What Gaussians can be written as."""

TextureFormat = Literal["png", "jpeg"]
"""How a GLB keeps its pictures."""
