"""Wheels and windows, the parts that vehicles share. Vehicles drive towards -X; axles run along Z."""

from common.kit.curves import filleted
from common.kit.extrusion import extruded
from common.kit.mesh import Mesh, merged
from common.kit.real import Real
from common.kit.revolve import revolved

Corners = list[tuple[Real, Real]]


def wheel(radius: Real, width: Real) -> tuple[Mesh, Mesh]:
    """A tyre and its hub about the origin, the hub's face towards +z."""
    w, inner = width / 2, 0.62 * radius
    tyre = revolved(
        filleted([(inner, -w), (radius, -w), (radius, w), (inner, w), (inner, -w)], 0.3 * w, 1), 24
    )
    hub = revolved([(0, -0.8 * w), (inner, -0.8 * w), (inner, 0.8 * w), (0.8 * inner, 0.6 * w),
                    (0.4 * inner, 0.7 * w), (0.3 * inner, 0.95 * w), (0, w)], 18)  # fmt: skip
    return tyre.turned(x=90), hub.turned(x=90)


def wheels(places: list[Real], radius: Real, width: Real, track: Real) -> tuple[Mesh, Mesh]:
    """Tyres and hubs on both sides at these x, standing on y = 0; ``track`` is the outer width."""
    tyre, hub = wheel(radius, width)
    offset = track / 2 - width / 2

    def both(mesh: Mesh) -> Mesh:
        near = mesh.moved(z=offset)
        pair = merged(near, near.turned(y=180))
        return merged(*(pair.moved(x=x, y=radius) for x in places))

    return both(tyre), both(hub)


def panes(corners: list[Corners], track: Real, proud: Real = 0.012) -> Mesh:
    """Window panes through the whole width, so that they show on both sides."""
    return merged(*(extruded(pane, track + 2 * proud, 0.01, 1) for pane in corners))


def box_corners(left: Real, right: Real, low: Real, high: Real) -> Corners:
    """An upright rectangle's corners, counter-clockwise."""
    return [(left, low), (right, low), (right, high), (left, high)]


def rounded_panes(corners: list[Corners], track: Real, corner: Real = 0.04) -> Mesh:
    """Panes with rounded corners, through the whole width."""
    return panes([[(float(x), float(y)) for x, y in filleted(one, corner, 3, closed=True)]
                  for one in corners], track)  # fmt: skip
