"""The names of formats, for configs, which import nothing heavy."""

from typing import Literal

Format = Literal["obj", "ply", "stl", "usdz", "html"]
"""What an asset can be written as, beside GLB."""

SplatFormat = Literal["ply", "splat", "spz", "glb", "ckpt"]
"""What Gaussians can be written as; ckpt is a checkpoint of splatfacto."""

TextureFormat = Literal["png", "jpeg"]
"""How a GLB keeps its pictures."""
