"""What a fit of pictures is told."""

from dataclasses import dataclass

from common.errors import InputError


@dataclass(frozen=True)
class FitOptions:
    """How a field is fitted to pictures. Losses are means over rays, or over nodes of the grid."""

    num_cells: int = 64
    """Cells along the longest side of the field's box at the end."""
    steps: tuple[int, ...] = (100, 100)
    """Steps on each grid, coarsest first; each halves the cells of the one before."""
    rays_per_step: int = 4096
    """Pixels that are compared in a step, drawn from all views."""
    density_rate: float = 0.2
    """Adam's learning rate of raw density."""
    colour_rate: float = 0.2
    """Adam's learning rate of raw colour."""
    final_rate: float = 0.1
    """What is left of both rates at the end; they fall geometrically."""
    lambda_opacity: float = 1.0
    """Weight of the squared error of opacity beside that of the three colours."""
    lambda_colour_variation: float = 0.3
    """Total variation of colour. It leaves the photometric error to be explained by shape, and
    paints what no picture shows like its surroundings."""
    lambda_bending: float = 0.003
    """Squared Laplacian of raw density: rounds off what few silhouettes leave angular."""
    lambda_surface: float = 0.003
    """Area of all surfaces: condenses fog and closes what no picture sees, but eats thin parts."""
    lambda_asymmetry: float = 0.0
    """Difference between left and right; 0 expects nothing."""
    hull_blur_cells: float = 2.0
    """The fit starts from the visual hull blurred with this deviation, in cells of the first grid:
    silhouettes then pull matter outward where it belongs instead of having to carve edges away."""
    hull_margin_px: int = 2
    """Matter may reach so far beyond the silhouettes, as generated pictures do not quite agree."""

    def __post_init__(self) -> None:
        """Refuse grids that do not halve."""
        coarsest = 2 ** (len(self.steps) - 1)
        if not self.steps or min(self.steps) < 1 or self.rays_per_step < 1:
            raise InputError(f"a fit needs steps and rays, got {self.steps}, {self.rays_per_step}")
        if self.num_cells < 4 * coarsest or self.num_cells % coarsest:
            raise InputError(
                f"{self.num_cells} cells cannot be halved {len(self.steps) - 1} times to at least "
                f"4; use a multiple of {coarsest}"
            )

    @property
    def num_steps(self) -> int:
        """Steps in all."""
        return sum(self.steps)
