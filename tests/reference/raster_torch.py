"""Differentiable twins of the raster kernels, in plain torch operations and Python loops.

Which triangle is seen is taken as given; everything smooth is left to autograd.
"""

import torch
from torch import Tensor

from common.cameras import Cameras, world_to_camera


def locate(
    vertices: Tensor, faces: Tensor, cameras: Cameras, face_index: Tensor
) -> tuple[Tensor, Tensor]:
    """Coordinates and depth by solving ``[p0 p1 p2] beta = ray`` at every covered pixel."""
    seen = world_to_camera(cameras, vertices)
    views, height, width = face_index.shape
    barycentric = vertices.new_zeros(views, height, width, 3)
    depth = vertices.new_zeros(views, height, width)
    for view in range(views):
        rows, columns = (face_index[view] >= 0).nonzero(as_tuple=True)
        corners = seen[view][faces[face_index[view, rows, columns].long()].long()]
        pixels = torch.stack([columns + 0.5, rows + 0.5, torch.ones(len(rows))], -1)
        ray = pixels.to(seen.dtype) @ torch.linalg.inv(cameras.intrinsics[view]).T
        beta = torch.linalg.solve(corners.transpose(1, 2), ray[..., None])[..., 0]
        where = beta / beta.sum(-1, keepdim=True)
        barycentric = barycentric.index_put((torch.tensor(view), rows, columns), where)
        z = (where * corners[..., 2]).sum(-1)
        depth = depth.index_put((torch.tensor(view), rows, columns), z)
    return barycentric, depth


def interpolate(
    attributes: Tensor, faces: Tensor, face_index: Tensor, barycentric: Tensor
) -> Tensor:
    """Gather three corners a pixel and add them up."""
    corners = attributes[faces[face_index.clamp_min(0).long()].long()]
    values = (barycentric[..., None] * corners).sum(-2)
    return torch.where((face_index >= 0)[..., None], values, 0.0)


def sample(texture: Tensor, uv: Tensor, wrap: str) -> Tensor:
    """Bilinear lookup by four gathers; ``texture``: h w c, ``uv``: p 2."""
    height, width = texture.shape[:2]
    x, y = uv[:, 0] * width - 0.5, (1 - uv[:, 1]) * height - 0.5
    left, top = x.detach().floor(), y.detach().floor()
    total = 0.0
    for dy in (0, 1):
        for dx in (0, 1):
            weight = (1 - (x - left - dx).abs()) * (1 - (y - top - dy).abs())
            row, column = (top + dy).long(), (left + dx).long()
            if wrap == "repeat":
                row, column = row % height, column % width
            else:
                row, column = row.clamp(0, height - 1), column.clamp(0, width - 1)
            total = total + weight[:, None] * texture[row, column]
    return total


def antialias(
    color: Tensor,
    vertices: Tensor,
    faces: Tensor,
    cameras: Cameras,
    face_index: Tensor,
    depth: Tensor,
) -> Tensor:
    """Pair by pair, on projected positions: only for scenes wholly in front of the camera."""
    seen = world_to_camera(cameras, vertices)
    pictures = []
    for view in range(len(face_index)):
        homogeneous = seen[view] @ cameras.intrinsics[view].T
        surface = Surface(homogeneous[:, :2] / homogeneous[:, 2:], faces)
        picture = color[view]
        for step in ((0, 1), (1, 0)):
            picture = _blend(picture, surface, face_index[view], depth[view], step)
        pictures.append(picture)
    return torch.stack(pictures)


class Surface:
    """The projected mesh of one view: corners, sides, and which triangles share an edge."""

    def __init__(self, points: Tensor, faces: Tensor) -> None:
        self.points, self.faces = points, faces.tolist()
        self.owners: dict[tuple[int, int], list[int]] = {}
        self.side = []
        for f, (a, b, c) in enumerate(self.faces):
            turn = _cross(points[b] - points[a], points[c] - points[a]).detach()
            self.side.append(1.0 if turn > 0 else -1.0)
            for edge in ((a, b), (b, c), (c, a)):
                self.owners.setdefault(_sorted(edge), []).append(f)

    def across(self, f: int, edge: tuple[int, int]) -> int | None:
        """The triangle beyond an edge; None if the surface ends there or turns its back."""
        others = [g for g in self.owners[edge] if g != f]
        alone = len(self.owners[edge]) != 2 or self.side[others[0]] != self.side[f]
        return None if alone else others[0]

    def end(self, f: int, goal: int, p: Tensor, q: Tensor) -> tuple[Tensor, tuple[int, int]] | None:
        """Where the surface seen at ``p`` ends on the way to ``q``, and at which edge."""
        entered = None
        while f != goal:
            exits = []
            for i, j in ((0, 1), (1, 2), (2, 0)):
                edge = (self.faces[f][i], self.faces[f][j])
                a, b = self.points[edge[0]], self.points[edge[1]]
                e, e2 = (_cross(b - a, x - a) * self.side[f] for x in (p, q))
                if e2 < 0 and _sorted(edge) != entered:
                    exits.append((e / (e - e2), _sorted(edge)))
            if not exits:
                return None
            t, edge = min(exits, key=lambda one: float(one[0].detach()))
            beyond = self.across(f, edge)
            if beyond is None:
                return t, edge
            f, entered = beyond, edge
        return None


def _blend(
    picture: Tensor, surface: Surface, face_index: Tensor, depth: Tensor, step: tuple[int, int]
) -> Tensor:
    height, width = face_index.shape
    change = [[torch.zeros_like(picture[0, 0]) for _ in range(width)] for _ in range(height)]
    for row in range(height - step[0]):
        for column in range(width - step[1]):
            pair = [(row, column), (row + step[0], column + step[1])]
            if face_index[pair[0]] == face_index[pair[1]]:
                continue
            pair.sort(key=lambda at: float(depth[at]) if face_index[at] >= 0 else float("inf"))
            found = _silhouette(surface, face_index, pair, step)
            if found is None:
                continue
            t, here, there = found
            to, source = (here, there) if t < 0.5 else (there, here)
            share = (0.5 - t).abs()
            change[to[0]][to[1]] = change[to[0]][to[1]] + share * (picture[source] - picture[to])
    return picture + torch.stack([torch.stack(line) for line in change])


def _silhouette(surface, face_index, pair, step):  # type: ignore[no-untyped-def]
    """The fraction of the way, from which pixel to which, at a silhouette that fits; or None."""
    for here, there in (pair, pair[::-1]):
        if face_index[here] < 0:
            return None
        p, q = (surface.points.new_tensor([at[1] + 0.5, at[0] + 0.5]) for at in (here, there))
        found = surface.end(int(face_index[here]), int(face_index[there]), p, q)
        if found is not None:
            a, b = (surface.points[corner] for corner in found[1])
            direction = (b - a).abs()
            fits = bool(direction[1] >= direction[0]) == (step == (0, 1))
            return (found[0], here, there) if fits else None
    return None


def _sorted(edge: tuple[int, int]) -> tuple[int, int]:
    return (min(edge), max(edge))


def _cross(u: Tensor, v: Tensor) -> Tensor:
    return u[0] * v[1] - u[1] * v[0]
