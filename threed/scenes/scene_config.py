"""Settings of the scenes that score distillation makes: what they are, and how they learn.

Scenes fill a box of 1.2 metres about the origin. Weights of regularisers stand beside the prior's
pull, half the mean square of its gradient over the elements of the latent.
"""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from common.config import BY_NAME, Config

Weight = Annotated[float, Field(ge=0, le=1e6)]
Rate = Annotated[float, Field(gt=0, le=10)]


class Blob(Config):
    """The first scene: a grey ball, soft at its edge."""

    radius_m: float = Field(0.3, gt=0, le=0.6)
    """Where it is half solid."""


class ShapeLosses(Config):
    """What a field should be like where the prior leaves it open; 0 leaves a term out."""

    emptiness: Weight = 0.0
    """``mean log(1 + 10 a)`` of the cells' opacities (SJC): fog costs more than matter."""
    late_emptiness: Weight | None = None
    """The same in the second half of the steps; null: as in the first."""
    centre_depth: Weight = 0.0
    """``-log`` of how much nearer the picture's middle is than its border (SJC)."""
    colour_variation: Weight = 0.0
    """Total variation of colour."""
    bending: Weight = 0.0
    """Squared Laplacian of raw density: smooth surfaces."""
    surface: Weight = 0.0
    """Area of all surfaces: condenses fog, eats thin parts."""
    binarity: Weight = 0.0
    """Entropy of rendered opacity: pixels are empty or opaque."""
    sparsity: Weight = 0.0
    """``mean sqrt(o^2 + 0.01)`` of rendered opacity: little is covered."""
    orientation: Weight = 0.0
    """Squared share of rendered normals that looks away from the camera (DreamFusion)."""
    depth_variance: Weight = 0.0
    """Variance of depth within pixels, square metres: one surface and no fog behind it."""
    normal_smoothness: Weight = 0.0
    """Squared difference of the rendered normals of neighbouring pixels."""


class VoxelNerf(Config):
    """Density and colour at the nodes of a grid."""

    name: Literal["voxel_nerf"] = "voxel_nerf"
    num_cells: int = Field(64, ge=8, le=256, multiple_of=2)
    """Cells a side, at the end."""
    coarse_share: float = Field(0.3, ge=0, lt=1)
    """Share of the steps on a grid of half as many cells."""
    optimizer: Literal["adam", "adamax"] = "adam"
    """SJC uses adamax."""
    rate: Rate = 0.05
    """Learning rate of raw density and colour."""
    final_rate: float = Field(0.1, gt=0, le=1)
    """What is left of it at the end; it falls geometrically."""
    start: Blob = Blob()
    """The first scene."""
    losses: ShapeLosses = ShapeLosses(surface=0.003, colour_variation=0.003)
    """Regularisers."""


class HashNerf(Config):
    """Density and colour from a multi-resolution hash grid and a small network."""

    name: Literal["hash_nerf"] = "hash_nerf"
    num_cells: int = Field(64, ge=8, le=256, multiple_of=2)
    """Cells a side of the grid at whose nodes the network is asked; rays see what is between."""
    num_levels: int = Field(8, ge=1, le=24)
    """Resolutions."""
    num_features: int = Field(2, ge=1, le=8)
    """Of each resolution."""
    log2_table: int = Field(15, ge=8, le=22)
    """Entries of each resolution's table, as a power of two."""
    coarsest_cells: int = Field(4, ge=2, le=256)
    """Cells a side of the coarsest resolution."""
    finest_cells: int = Field(64, ge=2, le=2048)
    """Cells a side of the finest resolution."""
    num_hidden: int = Field(32, ge=1, le=256)
    """Width of the network's hidden layer."""
    rate: Rate = 0.01
    """Learning rate."""
    final_rate: float = Field(0.1, gt=0, le=1)
    """What is left of it at the end; it falls geometrically."""
    start: Blob = Blob()
    """Added to the raw density that the network says."""
    losses: ShapeLosses = ShapeLosses(surface=0.003)
    """Regularisers."""

    @model_validator(mode="after")
    def _finer(self) -> "HashNerf":
        if self.finest_cells < self.coarsest_cells:
            raise ValueError(
                f"finest_cells {self.finest_cells} is below coarsest_cells {self.coarsest_cells}"
            )
        return self


class MlpNerf(Config):
    """Density and colour from a plain network of places."""

    name: Literal["mlp_nerf"] = "mlp_nerf"
    num_cells: int = Field(48, ge=8, le=256, multiple_of=2)
    """Cells a side of the grid at whose nodes the network is asked; rays see what is between."""
    num_frequencies: int = Field(6, ge=0, le=12)
    """Octaves of sines and cosines that a place is told as: more see finer detail."""
    num_layers: int = Field(3, ge=1, le=8)
    """Hidden layers."""
    num_hidden: int = Field(64, ge=8, le=512)
    """Width of each."""
    rate: Rate = 2e-3
    """Learning rate."""
    final_rate: float = Field(0.1, gt=0, le=1)
    """What is left of it at the end; it falls geometrically."""
    start: Blob = Blob()
    """Added to the raw density that the network says."""
    losses: ShapeLosses = ShapeLosses(surface=0.003)
    """Regularisers."""


class Gaussians(Config):
    """A cloud of 3-D Gaussians that multiplies where it is needed."""

    name: Literal["gaussians"] = "gaussians"
    num_gaussians: int = Field(1000, ge=4, le=1_000_000)
    """At the start, in a ball."""
    max_gaussians: int = Field(6000, ge=4, le=1_000_000)
    """Never more than these."""
    start: Blob = Blob()
    """The first scene."""
    means_rate: Rate = 2e-3
    """Learning rate of the centres at the first step, metres."""
    final_means_rate: Rate = 1e-4
    """At the last; it falls geometrically."""
    scales_rate: Rate = 0.01
    """Of the logarithms of the deviations."""
    rotations_rate: Rate = 0.005
    """Of the quaternions."""
    opacities_rate: Rate = 0.05
    """Of the opacities' logits."""
    colours_rate: Rate = 0.02
    """Of the harmonics."""
    density: Literal["mcmc", "adaptive"] = "mcmc"
    """How Gaussians come and go: mcmc moves those that vanish and adds some, up to the cap;
    adaptive (ADC, as 3DGS began) doubles and cuts those whose centres are pulled hard."""
    grow_gradient: float = Field(2e-4, gt=0, le=1e3)
    """With adaptive: mean pull on a centre, in half pictures, from which one is doubled or cut."""
    reset_every: int = Field(300, ge=1, le=1_000_000)
    """With adaptive: steps between two lowerings of all opacities."""
    densify_every: int = Field(50, ge=1, le=100_000)
    """Steps after which Gaussians move or join."""
    densify_until: float = Field(0.8, ge=0, le=1)
    """Share of the steps after which they no longer do."""
    opacity_loss: Weight = 0.001
    """Mean opacity: lets needless Gaussians fade."""
    scale_loss: Weight = 0.001
    """Mean deviation, metres."""
    position_loss: Weight = 0.0
    """Mean distance of centres from the origin, metres: keeps strays near."""
    num_cells: int = Field(96, ge=16, le=512)
    """Cells a side of the grid on which the cloud becomes a mesh."""

    @model_validator(mode="after")
    def _room(self) -> "Gaussians":
        if self.num_gaussians > self.max_gaussians:
            raise ValueError(
                f"num_gaussians {self.num_gaussians} is above max_gaussians {self.max_gaussians}"
            )
        return self


class Sdf(Config):
    """Signed distances and colours at the nodes of a grid, seen through VolSDF's density."""

    name: Literal["sdf"] = "sdf"
    num_cells: int = Field(64, ge=8, le=256, multiple_of=2)
    """Cells a side."""
    distance_rate: Rate = 0.004
    """Learning rate of the distances, metres."""
    rate: Rate = 0.05
    """Learning rate of raw colour."""
    final_rate: float = Field(0.1, gt=0, le=1)
    """What is left of both at the end; they fall geometrically."""
    blur_m: float = Field(0.04, gt=0.001, le=0.5)
    """How far the surface reaches outward as density at first, metres."""
    final_blur_m: float = Field(0.01, gt=0.001, le=0.5)
    """The same at the last step; it falls geometrically."""
    eikonal: Weight = 0.1
    """``mean (|grad s| - 1)^2``: keeps the distances distances."""
    start: Blob = Blob()
    """The first scene."""
    losses: ShapeLosses = ShapeLosses(colour_variation=0.003)
    """Regularisers of the density and the colours."""

    @model_validator(mode="after")
    def _sharpens(self) -> "Sdf":
        if self.final_blur_m > self.blur_m:
            raise ValueError(f"final_blur_m {self.final_blur_m:g} is above blur_m {self.blur_m:g}")
        return self


class TexturedMesh(Config):
    """Triangles with texture coordinates: texels and vertices."""

    name: Literal["mesh"] = "mesh"
    texture_px: Literal[256, 512, 1024, 2048] = 512
    """Side of the texture."""
    rate: Rate = 0.1
    """Learning rate of the texels' raw colours."""
    vertices_rate: float = Field(1e-3, ge=0, le=1)
    """Learning rate of the vertices, metres; 0 keeps the shape."""
    final_rate: float = Field(0.1, gt=0, le=1)
    """What is left of both at the end; they fall geometrically."""
    stiffness: Weight = 0.01
    """Mean squared difference of what the two ends of an edge moved, in mean edges."""
    texel_variation: Weight = 0.1
    """Mean squared difference of neighbouring texels."""
    start: Blob = Blob()
    """The first scene, without `method.start`."""


FieldScene = Annotated[VoxelNerf | HashNerf | MlpNerf | Gaussians | Sdf, BY_NAME]
"""Any scene that fills a grid, chosen by its ``name``."""
Scene = Annotated[VoxelNerf | HashNerf | MlpNerf | Gaussians | Sdf | TexturedMesh, BY_NAME]
"""Any scene, chosen by its ``name``."""
