"""What a picture that a U-Net follows can show of the picture that is to be drawn."""

from typing import Literal

MeshKind = Literal["canny", "soft_edge", "segmentation", "depth", "normals"]
"""What a bare mesh shows too. White lines on black; lines as strong as the edge; regions in flat
colours on black; nearness; which way surfaces look."""

ControlKind = Literal[MeshKind, "pose"]
"""``pose`` is a skeleton of coloured limbs and joints on black (`thing_pose`)."""

CONTROL_KINDS: tuple[ControlKind, ...] = (
    "canny", "soft_edge", "segmentation", "depth", "normals", "pose",
)  # fmt: skip
"""In the order of the union ControlNet's embedding; new ones come last."""

EDGE_KINDS: tuple[ControlKind, ...] = ("canny", "soft_edge")
"""Those that can be made of any picture."""

ReadKind = Literal["canny", "soft_edge", "segmentation"]
"""What is read off a cut-out picture, or a clip of one, without anyone telling."""

ESTIMATED_KINDS: tuple[Literal["depth", "normals", "pose"], ...] = ("depth", "normals", "pose")
"""Those that are estimated of a picture of a thing that is cut out."""

MapSource = Literal["rendered", "estimated"]
"""Whether depth, normals and poses are a renderer's, or what estimators make of the picture."""
