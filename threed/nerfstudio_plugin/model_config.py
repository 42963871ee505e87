"""Settings of the voxel field as a model of nerfstudio; the model itself is imported when built."""

from dataclasses import dataclass, field
from typing import Any, Literal

from nerfstudio.models.base_model import ModelConfig


def extrude_model(config: "ExtrudeModelConfig", **kwargs: Any) -> Any:
    """The model of a config."""
    from threed.nerfstudio_plugin.model import ExtrudeModel

    return ExtrudeModel(config, **kwargs)


@dataclass
class ExtrudeModelConfig(ModelConfig):
    """Density and colour at the nodes of a grid, drawn on the CPU by compiled loops."""

    _target: Any = field(default_factory=lambda: extrude_model)
    enable_collider: bool = False
    """Rays are clipped by the grid's box."""
    eval_num_rays_per_chunk: int = 1 << 20
    """Memory is that of the pictures, so they are drawn in one go."""
    num_cells: int = 64
    """Cells along the box's longest side at the end."""
    refine_at: tuple[int, ...] = (100,)
    """Steps before which the cells halve."""
    background: Literal["white", "black"] = "white"
    """Behind the object: where pictures are shown, and of datasets without transparency."""
    begin_at_outlines: bool = True
    """Begin as the body that transparent pictures leave (their visual hull), in a box about it;
    else, and of opaque pictures, as a grey ball in the scene's box."""
    ball_share: float = 0.25
    """Radius of that ball as a share of the box's shortest side."""
    outline_margin_px: int = 2
    """Matter may reach so far beyond the outlines, of pictures of at most 256 pixels."""
    lambda_opacity: float = 1.0
    """Weight of the squared error of opacity beside that of the three colours."""
    lambda_colour_variation: float = 0.3
    """Total variation of colour: photometric error is left to be explained by shape."""
    lambda_bending: float = 0.003
    """Squared Laplacian of raw density: rounds off what few outlines leave angular."""
    lambda_surface: float = 0.003
    """Area of all surfaces: condenses fog, but eats thin parts."""
