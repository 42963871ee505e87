"""Joints of kit objects, from the geometry that they are built of, and where cameras see them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from common.cameras import Cameras, project, world_to_camera
from common.control.thing_pose import JOINTS, NUM_JOINTS, JointName, ThingJoints
from common.kit.kit_object import KitObject
from common.kit.mesh import Mesh, merged
from common.kit.views import View, camera_of
from common.raster.rasterize import rasterize
from common.training.pose.kit_skeletons import SKELETONS, Direction, Spot

NEAR_M = 0.03
"""A joint is hidden where something is nearer than its piece's nearest point by more than this."""
NEAR_MIDDLE_M = 0.12
"""The same for the middles of head and body: noses and bellies stand out of them."""
_MIDDLES: tuple[JointName, ...] = ("head", "body")
_WELD_DIGITS = 6
_TIP_M = 2e-3
"""Points this near to the farthest one are the tip together."""

Points = Float[np.ndarray, "_ 3"]


@dataclass(frozen=True)
class Joint:
    """A place of an object."""

    point: Float[np.ndarray, " 3"]
    """In the object's own metres."""
    piece: Points
    """Points that are as deep as it: what it is the middle of, or itself."""
    slack: float
    """How much nearer other things may be before it is hidden."""


@dataclass(frozen=True)
class SeenJoints:
    """Joints in pictures of an object."""

    places: Float[np.ndarray, "v 14 2"]
    """x and y in pixels; NaN where an object has no such joint."""
    visible: Bool[np.ndarray, "v 14"]

    def shown(self, view: int) -> ThingJoints:
        """Those that can be seen."""
        return np.where(self.visible[view, :, None], self.places[view], np.nan)


def has_pose(category: str) -> bool:
    """Whether things of a category have a skeleton."""
    return category in SKELETONS


def joints_of(one: KitObject) -> dict[JointName, Joint]:
    """The joints of an object whose category has a skeleton."""
    skeleton = SKELETONS[one.category]
    pieces: dict[str, list[Points]] = {}
    for part in one.parts:
        pieces.setdefault(part.name, []).extend(pieces_of(part.mesh))
    found = {
        name: _joint(name, _chosen(pieces, spot), spot.to) for name, spot in skeleton.middle.items()
    }
    axis = 2 if skeleton.heads_left else 0
    for name, spot in skeleton.pairs.items():
        for side, sign in (("left", 1.0), ("right", -1.0)):
            own = [one for one in _chosen(pieces, spot) if sign * _middle(one)[axis] > 0]
            full: JointName = f"{side} {name}"  # type: ignore[assignment]
            found[full] = _joint(full, own, _on_side(spot.to, axis, sign))
    return found


def seen_joints(one: KitObject, views: Sequence[View], size_px: int) -> SeenJoints:
    """Where the pictures of `render_views` have the joints, and which of them are not hidden."""
    whole = merged(*(part.mesh for part in one.parts))
    vertices, faces = torch.from_numpy(whole.vertices).float(), torch.from_numpy(whole.faces)
    joints = joints_of(one)
    places = np.full((len(views), NUM_JOINTS, 2), np.nan)
    visible = np.zeros((len(views), NUM_JOINTS), bool)
    for row, view in enumerate(views):
        camera = camera_of(view, vertices, size_px)
        depth = rasterize(vertices, faces, camera).depth[0]
        for name, joint in joints.items():
            at = JOINTS.index(name)
            places[row, at], visible[row, at] = _seen(joint, camera, depth)
    return SeenJoints(places, visible)


def pieces_of(mesh: Mesh) -> list[Points]:
    """The points of each piece of surface that hangs together, in the order of the mesh."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    _, same = np.unique(mesh.vertices.round(_WELD_DIGITS), axis=0, return_inverse=True)
    faces = same.reshape(-1)[mesh.faces]
    edges = np.concatenate([faces[:, :2], faces[:, 1:]])
    count = int(same.max()) + 1
    graph = coo_matrix((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), shape=(count, count))
    _, labels = connected_components(graph, directed=False)
    own = labels[same.reshape(-1)]
    _, first = np.unique(own, return_index=True)
    return [mesh.vertices[own == own[at]] for at in np.sort(first)]


def _chosen(pieces: dict[str, list[Points]], spot: Spot) -> list[Points]:
    own = pieces[spot.part]
    return [own[at] for at in spot.pieces] if spot.pieces else own


def _joint(name: JointName, pieces: list[Points], to: Direction | None) -> Joint:
    points = np.concatenate(pieces)
    slack = NEAR_MIDDLE_M if name in _MIDDLES else NEAR_M
    if to is None:
        return Joint(_middle(points), points, slack)
    reach = points @ np.array(to) / np.linalg.norm(to)
    tip = points[reach > reach.max() - _TIP_M].mean(0)
    return Joint(tip, tip[None], slack)


def _middle(points: Points) -> Float[np.ndarray, " 3"]:
    return (points.min(0) + points.max(0)) / 2


def _on_side(to: Direction | None, axis: int, sign: float) -> Direction | None:
    if to is None or sign > 0:
        return to
    turned = list(to)
    turned[axis] *= -1
    return turned[0], turned[1], turned[2]


def _seen(
    joint: Joint, camera: Cameras, depth: Float[Tensor, "h w"]
) -> tuple[Float[np.ndarray, " 2"], bool]:
    """Where one camera has a joint, and whether nothing nearer is in front of it."""
    pixels, _ = project(camera, torch.from_numpy(joint.point[None]).float())
    x, y = pixels[0, 0].tolist()
    own = world_to_camera(camera, torch.from_numpy(joint.piece).float())[0, :, 2].min()
    row = min(max(int(y), 0), depth.shape[0] - 1)
    column = min(max(int(x), 0), depth.shape[1] - 1)
    before = float(depth[row, column])
    return np.array([x, y]), before == 0 or before >= float(own) - joint.slack
