"""Colours spread over a surface, as heat spreads, to where nothing shows it.

Hidden parts take the colours of their neighbours in space, however the atlas is cut.
On the graph of each point's nearest others, with sides of a thin wall kept apart by their normals,

    min  sum_ij a_ij (c_i - c_j)^2  +  sum_i s_i (c_i - shown_i)^2  +  e sum_i (c_i - near_i)^2

where ``s_i`` says how surely a colour is shown and ``near_i`` is the nearest shown colour, which
decides for pieces that touch nothing shown.
"""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from common.errors import InputError

NEIGHBOURS = 8
FACING = 0.15
"""Metres that opposite normals count as in distance, about: of a thing a metre long."""
SURE = 50.0
"""Weight of a wholly shown colour beside an edge of the graph."""
SHOWN = 0.02
"""Weight, at most 1, from which on a colour counts as shown."""
TIE = 1e-4
MAX_NODES = 60_000


class SurfaceFill:
    """Points of a surface and the graph between them.

    State: a tree of the points, their neighbours, and at most `MAX_NODES` of them.
    """

    def __init__(self, positions: Float[Tensor, "n 3"], normals: Float[Tensor, "n 3"]):
        from scipy.spatial import cKDTree

        step = -(-len(positions) // MAX_NODES)
        self.positions, self.normals = positions[::step], normals[::step]
        self._keys = _keys(self.positions, self.normals)
        self._tree = cKDTree(self._keys)

    def filled(
        self, colours: Float[Tensor, "n 3"], weights: Float[Tensor, " n"]
    ) -> Float[Tensor, "n 3"]:
        """The colours of all points, those of sure ones almost as they are.

        Args:
            colours: where weights are above 0.
            weights: how surely each is shown, 0 to 1.

        Raises:
            InputError: nothing is shown.
        """
        from scipy.sparse import coo_array, csc_array, diags_array
        from scipy.sparse.linalg import splu
        from scipy.spatial import cKDTree

        sure = weights.double().numpy()
        shown = sure >= SHOWN
        if not shown.any():
            raise InputError("no view shows any of the surface: nothing can be painted")
        seen = colours.double().numpy()
        _, nearest = cKDTree(self._keys[shown]).query(self._keys)
        near = seen[shown][nearest]
        count = len(sure)
        distances, others = self._tree.query(self._keys, k=min(NEIGHBOURS + 1, count))
        typical = np.median(distances[:, 1:2]) + 1e-12
        edges = 1 / (1 + (distances[:, 1:] / typical) ** 2)
        rows = np.repeat(np.arange(count), others.shape[1] - 1)
        graph = coo_array((edges.ravel(), (rows, others[:, 1:].ravel())), (count, count)).tocsr()
        graph = graph + graph.T
        held = np.where(shown, SURE * sure, 0.0)
        degree = np.asarray(graph.sum(1)).ravel()
        system = diags_array(degree + held + TIE) - graph
        wanted = held[:, None] * np.where(shown[:, None], seen, 0.0) + TIE * near
        found = splu(csc_array(system), permc_spec="MMD_AT_PLUS_A").solve(wanted)
        return torch.from_numpy(found).to(colours).clamp(0, 1)

    def at(
        self,
        values: Float[Tensor, "n 3"],
        positions: Float[Tensor, "m 3"],
        normals: Float[Tensor, "m 3"],
    ) -> Float[Tensor, "m 3"]:
        """Values of the points carried to others: means of the four nearest by inverse distance."""
        near, rows = self._tree.query(_keys(positions, normals), k=min(4, len(values)))
        near, rows = near.reshape(len(positions), -1), rows.reshape(len(positions), -1)
        share = 1 / (near + 1e-4)
        share = torch.from_numpy(share / share.sum(1, keepdims=True)).to(values)
        return (values[torch.from_numpy(rows)] * share[..., None]).sum(1)


def _keys(positions: Tensor, normals: Tensor) -> np.ndarray:
    """Places in six dimensions: where points are, and which way they face."""
    return torch.cat([positions, 0.5 * FACING * normals], 1).double().numpy()
