"""Gaussians summed on the nodes of a grid, layer by layer: each layer has one owner."""

import math
from typing import no_type_check

from common.raster.jit import kernel


@kernel
@no_type_check
def sum_slabs(start, stop, rows, boxes, low, cell, least, sums):
    """Add weight and weighted colour of all Gaussians to layers ``start`` to ``stop`` of ``sums``.

    A row is the mean, the nine numbers ``axis / deviation`` by coordinate, the opacity and the
    colour; a box is the first and the last node along each axis.
    """
    for layer in range(start, stop):
        x = low[0] + layer * cell
        for i in range(len(rows)):
            row, box = rows[i], boxes[i]
            if layer < box[0] or layer > box[3]:
                continue
            dx = x - row[0]
            for j in range(box[1], box[4] + 1):
                dy = low[1] + j * cell - row[1]
                for k in range(box[2], box[5] + 1):
                    dz = low[2] + k * cell - row[2]
                    a = dx * row[3] + dy * row[6] + dz * row[9]
                    b = dx * row[4] + dy * row[7] + dz * row[10]
                    c = dx * row[5] + dy * row[8] + dz * row[11]
                    weight = row[12] * math.exp(-0.5 * (a * a + b * b + c * c))
                    if weight >= least:
                        sums[layer, j, k, 0] += weight
                        sums[layer, j, k, 1] += weight * row[13]
                        sums[layer, j, k, 2] += weight * row[14]
                        sums[layer, j, k, 3] += weight * row[15]
