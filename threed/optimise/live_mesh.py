"""A textured mesh that learns: its texels, and its vertices by what silhouettes show of them."""

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from common.cameras import Cameras
from common.raster.mesh import TriangleMesh
from common.raster.topology import face_neighbours
from common.runs.optimizer_state import load_optimizer_state, optimizer_state
from common.runs.state import State
from threed.optimise.rates import fallen
from threed.rendering.rendered import Rendered
from threed.rendering.textured_mesh import render_textured
from threed.scenes.page_mesh import ball_mesh
from threed.scenes.scene_config import TexturedMesh
from threed.scenes.scene_start import SceneStart
from threed.scenes.voxel_field import colour_of, raw_of_colour
from threed.texturing.gutters import filled
from threed.texturing.page import chart_texels


class LiveMesh:
    """Texels, vertices and their optimizer; triangles and texture coordinates stay."""

    def __init__(
        self,
        options: TexturedMesh,
        num_steps: int,
        state: State = None,
        start: SceneStart | None = None,
    ):
        self._options, self._num_steps = options, num_steps
        begun = None if start is None else start.mesh
        first = begun or ball_mesh(options.start.radius_m, options.texture_px)
        assert first.uvs is not None
        assert first.uv_faces is not None
        assert first.texture is not None
        self._first, self._uvs, self._uv_faces = first, first.uvs, first.uv_faces
        self._neighbours = face_neighbours(first.faces, first.vertices)
        self._edges = edges_of(first.faces)
        vertices, texels = (
            (first.vertices, raw_of_colour(first.texture)) if state is None
            else (state["vertices"], state["texels"])
        )  # fmt: skip
        self._vertices = vertices.detach().clone().requires_grad_()
        self._texels = texels.detach().clone().requires_grad_()
        groups = [{"params": [self._vertices], "lr": 0.0}, {"params": [self._texels], "lr": 0.0}]
        self._optimizer = torch.optim.Adam(groups, betas=(0.9, 0.99), eps=1e-12, fused=True)
        if state is not None:
            load_optimizer_state(self._optimizer, state["optimizer"])

    def render(self, cameras: Cameras, generator: torch.Generator) -> Rendered:
        """Pictures; nothing of them is random."""
        return render_textured(
            self._vertices, self._first.faces, self._uvs, self._uv_faces, colour_of(self._texels),
            cameras, self._neighbours,
        )  # fmt: skip

    def terms(self, seen: Rendered, share: float) -> dict[str, Tensor]:
        """Weighted bending of what was moved, and variation of the texture."""
        options = self._options
        terms: dict[str, Tensor] = {}
        if options.stiffness and options.vertices_rate:
            moved = self._vertices - self._first.vertices
            terms["stiffness"] = options.stiffness * stretched(moved, self._first, self._edges)
        if options.texel_variation:
            colours = colour_of(self._texels)
            across = (colours[:, 1:] - colours[:, :-1]).square().mean()
            down = (colours[1:] - colours[:-1]).square().mean()
            terms["texel_variation"] = options.texel_variation * (across + down)
        return terms

    def descend(self, loss: Tensor, step: int, generator: torch.Generator) -> None:
        """One step."""
        options = self._options
        rates = (options.vertices_rate, options.rate)
        for group, rate in zip(self._optimizer.param_groups, rates, strict=True):
            group["lr"] = fallen(rate, options.final_rate, step, self._num_steps)
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self._optimizer.step()

    def state(self) -> State:
        """Vertices, texels and optimizer."""
        return {
            "vertices": self._vertices.detach(), "texels": self._texels.detach(),
            "optimizer": optimizer_state(self._optimizer),
        }  # fmt: skip

    def mesh(self) -> TriangleMesh:
        """The mesh of now, detached, its gutters filled."""
        size = self._texels.shape[0]
        bare = TriangleMesh(
            self._vertices.detach().clone(), self._first.faces, uvs=self._uvs,
            uv_faces=self._uv_faces,
        )  # fmt: skip
        texture = filled(colour_of(self._texels.detach()), chart_texels(bare, size))
        return TriangleMesh(
            bare.vertices, bare.faces, uvs=self._uvs, uv_faces=self._uv_faces, texture=texture
        )


def edges_of(faces: Tensor) -> Int64[Tensor, "e 2"]:
    """Each edge of the triangles once, its ends in order."""
    corners = faces.long()
    pairs = torch.cat([corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [2, 0]]])
    found: Tensor = torch.unique(pairs.sort(1).values, dim=0)
    return found


def stretched(
    moved: Float[Tensor, "n 3"], first: TriangleMesh, edges: Int64[Tensor, "e 2"]
) -> Float[Tensor, ""]:
    """``mean |u_i - u_j|^2 / l^2`` over edges, ``u`` what vertices moved, ``l`` the mean edge.

    0 of a shift of the whole, so that details of the surface ride along with what carries them.
    """
    ends = first.vertices[edges]
    length = (ends[:, 0] - ends[:, 1]).square().sum(-1).mean().clamp_min(1e-20)
    return (moved[edges[:, 0]] - moved[edges[:, 1]]).square().sum(-1).mean() / length
