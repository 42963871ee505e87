"""Any triangle mesh made fit for texturing and export."""

from dataclasses import dataclass

from common.errors import InputError
from common.raster.mesh import TriangleMesh
from threed.meshing.degenerate import without_degenerate, without_duplicates
from threed.meshing.edges import borders, paired
from threed.meshing.holes import close_holes
from threed.meshing.manifold import branching_edges, cut_to_manifold
from threed.meshing.pieces import without_small_pieces
from threed.meshing.triangles import mesh_of, triangles_of, without_unused
from threed.meshing.weld import FINEST, welded
from threed.meshing.winding import wound_alike

MAX_FACES = 2_000_000


@dataclass(frozen=True)
class CleanOptions:
    """What is put right."""

    weld: float = FINEST
    """Vertices closer than this share of the longest side become one; 0 for none."""
    min_height: float = 1e-7
    """Faces thinner than this share of the longest side are degenerate."""
    min_piece: float = 1e-3
    """Separate pieces below this share of the largest one's area are dropped; 0 keeps all."""
    max_hole_edges: int = 200
    """Holes with longer borders stay open; 0 keeps all open."""


@dataclass(frozen=True)
class CleanReport:
    """What was found and done."""

    vertices_merged: int
    faces_removed: int
    """Degenerate, double, or of small pieces."""
    faces_turned: int
    branching_edges: int
    """Edges of more than two faces, where the surface was cut."""
    holes_closed: int
    border_edges: int
    """Edges with one face that are left; 0: the surface is closed."""
    uvs_dropped: bool
    """Whether texture coordinates were lost because faces were made."""


@dataclass(frozen=True, eq=False)
class Cleaned:
    """A clean mesh, and what was done to it."""

    mesh: TriangleMesh
    report: CleanReport


def cleaned(mesh: TriangleMesh, options: CleanOptions | None = None) -> Cleaned:
    """Weld, drop what is degenerate, double or tiny, cut where it branches, wind alike, close.

    The result is a manifold: no edge has more than two faces, no vertex more than one fan. Faces
    that stay keep colours, materials, parts and texture coordinates; the latter are dropped with
    the texture if faces had to be made.

    Args:
        mesh: finite positions and corners in range, which `TriangleMesh` makes sure of.
        options: None: the defaults.

    Raises:
        InputError: more than `MAX_FACES` faces, or none with an area.
    """
    chosen = options or CleanOptions()
    if len(mesh.faces) > MAX_FACES:
        raise InputError(f"{len(mesh.faces):,} faces are too many to clean: at most {MAX_FACES:,}")
    given = triangles_of(mesh)
    joined = welded(given, chosen.weld)
    solid = without_duplicates(without_degenerate(joined, chosen.min_height))
    if len(solid.faces) == 0:
        raise InputError(f"none of the mesh's {len(mesh.faces):,} faces has an area")
    branching = branching_edges(solid.faces)
    large = without_small_pieces(cut_to_manifold(solid), chosen.min_piece)
    wound = wound_alike(large)
    closed = close_holes(wound, chosen.max_hole_edges)
    final = without_unused(closed.triangles)
    left = borders(final.faces, paired(final.vertices, final.faces))
    result = mesh_of(final, mesh)
    return Cleaned(
        result,
        CleanReport(
            vertices_merged=len(without_unused(given).vertices) - len(joined.vertices),
            faces_removed=len(given.faces) - int((~final.made).sum()),
            faces_turned=int((final.turned & ~final.made).sum()),
            branching_edges=branching,
            holes_closed=closed.num_closed,
            border_edges=len(left),
            uvs_dropped=mesh.uvs is not None and result.uvs is None,
        ),
    )
