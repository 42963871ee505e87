"""The light in the pictures of objects that the view layers learned from, fixed to the object."""

from common.raster.shading import DirectionalLight, Lighting

STUDIO_LIGHTING = Lighting(
    sky=(0.62, 0.61, 0.62),
    ground=(0.26, 0.17, 0.34),
    key=DirectionalLight((-0.55, 0.75, 0.65), (0.62, 0.60, 0.56)),
    fill=DirectionalLight((0.75, 0.1, -0.6), (0.16, 0.15, 0.24)),
)
STUDIO_SATURATION = 1.22
"""Distance from grey of linear colours, over that of matte surfaces under this light."""
