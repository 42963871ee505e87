"""Texture coordinates for any mesh, in bounded time.

In order: the mesh's own, if they are good (`uv_check`); charts by xatlas, in a process that is
killed at a deadline; box projection; a grid of triangles. Whatever is used, the same check judges
it, and the reasons why earlier ways were not are reported.
"""

from dataclasses import dataclass, field, replace
from typing import Literal

from common.errors import InputError
from common.raster.mesh import TriangleMesh
from threed.texturing.box_charts import box_charts
from threed.texturing.distortion import Distortion, distortion
from threed.texturing.grid_charts import grid_charts
from threed.texturing.onto_page import onto_page
from threed.texturing.packing import NoCharts
from threed.texturing.uv_check import UvLimits, judged_uvs
from threed.texturing.xatlas_charts import xatlas_charts

MAX_FACES = 2_000_000
Way = Literal["kept", "xatlas", "boxes", "grid"]


@dataclass(frozen=True)
class UnwrapOptions:
    """How texture coordinates are made."""

    texture_size: int = 1024
    """Texels along each side that the texture will have."""
    padding_texels: int = 8
    """Least distance between charts, from 1; mip level ``l`` needs ``2^l + 3``."""
    deadline_s: float = 60.0
    """Seconds that xatlas may take; 0 leaves it out."""
    keep_existing: bool = True
    """Whether good texture coordinates of the mesh are kept."""
    max_xatlas_faces: int = 200_000
    """More faces are not offered to xatlas: it takes minutes."""
    limits: UvLimits = field(default_factory=UvLimits)
    """What counts as good."""


@dataclass(frozen=True, eq=False)
class Unwrapped:
    """A mesh with texture coordinates, and how it came to them."""

    mesh: TriangleMesh
    way: Way
    """``kept``: its own, perhaps moved or shrunk onto the page; ``xatlas``: conformal charts;
    ``boxes``: seen along six axes; ``grid``: two triangles a cell."""
    reasons: tuple[str, ...]
    """Why the ways before this one were not taken, and what was done to coordinates of its own."""
    padding_texels: int
    """Distance between charts; 0 where nothing is known about it (``kept``)."""
    figures: Distortion
    """Stretch and coverage."""


def unwrap(mesh: TriangleMesh, texture_size: int = 1024, padding_texels: int = 4) -> TriangleMesh:
    """The mesh of `unwrapped` with new texture coordinates, for callers who need no more."""
    options = UnwrapOptions(texture_size, padding_texels, keep_existing=False)
    return unwrapped(mesh, options).mesh


def unwrapped(mesh: TriangleMesh, options: UnwrapOptions | None = None) -> Unwrapped:
    """The mesh with ``uvs`` and ``uv_faces``: charts that do not overlap, inside [0, 1].

    Positions and faces stay as they are; only texture coordinates are doubled along seams. A
    texture is kept with the coordinates it belongs to, and dropped with them.

    Args:
        mesh: up to `MAX_FACES` faces, closed or not.
        options: None: the defaults.

    Raises:
        InputError: too many faces, a surface without area, or a padding below 1.
    """
    chosen = options or UnwrapOptions()
    _check(mesh, chosen)
    reasons: list[str] = []
    if chosen.keep_existing and mesh.uvs is not None:
        kept = _kept(mesh, chosen, reasons)
        if kept is not None:
            return kept
    bare = replace(mesh, uvs=None, uv_faces=None, texture=None)
    made = _by_xatlas(bare, chosen, reasons) or _by_boxes(bare, chosen, reasons)
    if made is not None:
        return made
    gridded = grid_charts(bare, chosen.texture_size)
    figures = distortion(gridded, chosen.texture_size)
    return Unwrapped(gridded, "grid", tuple(reasons), 0, figures)


def _kept(mesh: TriangleMesh, options: UnwrapOptions, reasons: list[str]) -> Unwrapped | None:
    """Its own coordinates, on the page: those that reach beyond it are legal, textures repeat."""
    limits = options.limits
    verdict = judged_uvs(mesh, limits)
    if verdict.good and verdict.figures is not None:
        return Unwrapped(mesh, "kept", (), 0, verdict.figures)
    found = [f"its own texture coordinates: {reason}" for reason in verdict.reasons]
    outside = mesh.uvs is not None and bool(mesh.uvs.isfinite().all()) and verdict.figures is None
    inside = onto_page(mesh, limits.max_outside) if outside else None
    if inside is not None:
        verdict = judged_uvs(inside.mesh, limits)
        if verdict.good and verdict.figures is not None:
            done = "moved by whole pages"
            if inside.shrunk != 1:
                done = f"all shrunk to {inside.shrunk:.3f} of their size"
            return Unwrapped(inside.mesh, "kept", (f"{found[0]}; {done}",), 0, verdict.figures)
        found += [f"its own texture coordinates: {reason}" for reason in verdict.reasons]
    reasons += found
    return None


def _by_xatlas(mesh: TriangleMesh, options: UnwrapOptions, reasons: list[str]) -> Unwrapped | None:
    if options.deadline_s <= 0:
        reasons.append("xatlas: left out (deadline_s is 0)")
        return None
    if len(mesh.faces) > options.max_xatlas_faces:
        reasons.append(f"xatlas: {len(mesh.faces):,} faces, more than {options.max_xatlas_faces:,}")
        return None
    try:
        made = xatlas_charts(mesh, options.texture_size, options.padding_texels, options.deadline_s)
    except NoCharts as reason:
        reasons.append(str(reason))
        return None
    return _judged(made, "xatlas", options.padding_texels, options, reasons)


def _by_boxes(mesh: TriangleMesh, options: UnwrapOptions, reasons: list[str]) -> Unwrapped | None:
    """Box projection, closer and closer together while the charts do not fit."""
    padding = options.padding_texels
    while True:
        try:
            made = box_charts(mesh, options.texture_size, padding)
        except NoCharts as reason:
            reasons.append(f"boxes: {reason}")
            if padding == 1:
                return None
            padding = max(padding // 2, 1)
            continue
        return _judged(made, "boxes", padding, options, reasons)


def _judged(
    mesh: TriangleMesh, way: Way, padding: int, options: UnwrapOptions, reasons: list[str]
) -> Unwrapped | None:
    # many small charts leave the page to their padding: then boxes, whose charts are larger
    least = options.limits.min_coverage if way == "xatlas" else 0.0
    limits = replace(options.limits, min_coverage=least)
    verdict = judged_uvs(mesh, limits, options.texture_size)
    if verdict.good and verdict.figures is not None:
        return Unwrapped(mesh, way, tuple(reasons), padding, verdict.figures)
    reasons += [f"{way}: {reason}" for reason in verdict.reasons]
    return None


def _check(mesh: TriangleMesh, options: UnwrapOptions) -> None:
    if len(mesh.faces) > MAX_FACES:
        raise InputError(
            f"{len(mesh.faces):,} faces are too many to unwrap, {MAX_FACES:,} are not; "
            "decimate the mesh first"
        )
    if options.padding_texels < 1:
        raise InputError(
            f"charts need a padding of 1 texel at least, got {options.padding_texels}: at 0 their "
            "colours bleed into each other"
        )
    corners = mesh.vertices.detach().double()[mesh.faces.long()]
    a, b, c = corners.unbind(1)
    if not bool((b - a).cross(c - a, dim=-1).any()):
        raise InputError(f"none of the mesh's {len(mesh.faces):,} faces has an area to texture")
