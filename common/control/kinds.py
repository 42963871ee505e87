"""What a picture that a U-Net follows can show of the picture that is to be drawn."""

from typing import Literal

ControlKind = Literal["canny", "soft_edge", "segmentation", "depth", "normals"]
"""White lines on black; lines as strong as the edge; regions in flat colours on black; nearness;
which way surfaces look."""

CONTROL_KINDS: tuple[ControlKind, ...] = (
    "canny", "soft_edge", "segmentation", "depth", "normals",
)  # fmt: skip
"""In the order of the union ControlNet's embedding; new ones come last."""

EDGE_KINDS: tuple[ControlKind, ...] = ("canny", "soft_edge")
"""Those that can be made of any picture."""

ReadKind = Literal["canny", "soft_edge", "segmentation"]
"""What is read off a cut-out picture, or a clip of one, without anyone telling."""

ESTIMATED_KINDS: tuple[Literal["depth", "normals"], ...] = ("depth", "normals")
"""Those that are estimated of a picture of a thing that is cut out."""

MapSource = Literal["rendered", "estimated"]
"""Whether depth and normals are a renderer's, or what the estimator makes of the picture."""
