"""Score distillation: a scene optimised until a prior likes its pictures from everywhere."""

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from common.config import Config
from threed.distillation.loss_config import ISM, SDS, EditLoss, HiFA, Loss
from threed.distillation.times_config import Narrowing, Times, Uniform
from threed.scenes.scene_config import Gaussians, Scene, TexturedMesh, VoxelNerf, Weight
from threed.scenes.start_config import AssetStart


class ViewStage(Config):
    """The first steps, seen coarsely or from more sides."""

    until: float = Field(gt=0, le=1)
    """Share of the steps at which the stage ends."""
    render_px: int | None = Field(None, ge=16, le=1024, multiple_of=8)
    """Side of the renders, which are enlarged to `size_px` for the prior; null: `size_px`."""
    num_views: int | None = Field(None, ge=1, le=16)
    """Views of a step; null: as many as at the end. For checkpoints, which judge each by itself."""


class DistilledViews(Config):
    """From where the prior looks in each step."""

    num_views: int = Field(4, ge=1, le=8)
    """Views of a step, evenly round the object at a random turn. The embedded prior judges them
    together, a pretrained one each by itself."""
    size_px: int = Field(128, ge=16, le=1024, multiple_of=8)
    """Side of the renders."""
    min_elevation_deg: float = Field(-10.0, ge=-90, le=90)
    """Lowest view."""
    max_elevation_deg: float = Field(30.0, ge=-90, le=90)
    """Highest view."""
    stages: tuple[ViewStage, ...] = Field((), max_length=8)
    """Before the last, each until a share of the steps, such as
    [{until: 0.3, render_px: 64}, {until: 0.6, render_px: 128}]."""

    @model_validator(mode="after")
    def _in_order(self) -> "DistilledViews":
        ends = [stage.until for stage in self.stages]
        if sorted(set(ends)) != ends:
            raise ValueError(
                f"stages end at {ends} of the steps; each must end after the one before"
            )
        larger = [one.render_px for one in self.stages if (one.render_px or 0) > self.size_px]
        if larger:
            raise ValueError(f"render_px {larger[0]} is above size_px {self.size_px}")
        if self.min_elevation_deg > self.max_elevation_deg:
            raise ValueError(
                f"min_elevation_deg {self.min_elevation_deg:g} is above max_elevation_deg "
                f"{self.max_elevation_deg:g}"
            )
        return self

    def at(self, share: float) -> tuple[int, int]:
        """Views of a step at ``share`` of all, and the side of its renders."""
        for stage in self.stages:
            if share < stage.until or stage.until == 1:
                return stage.num_views or self.num_views, stage.render_px or self.size_px
        return self.num_views, self.size_px

    @property
    def most_views(self) -> int:
        """Of any step."""
        return max([self.num_views, *(stage.num_views or 0 for stage in self.stages)])

    @property
    def elevations_deg(self) -> tuple[float, float]:
        """Lowest and highest view."""
        return self.min_elevation_deg, self.max_elevation_deg


class DistilledScene(Config):
    """The keys of every method that distils one scene and makes a mesh of it."""

    name: str
    scene: Scene = VoxelNerf()
    """What is optimised: voxel_nerf, hash_nerf, mlp_nerf, gaussians, sdf or mesh."""
    times: Times = Uniform()
    """At which diffusion times: uniform, falling or narrowing."""
    views: DistilledViews = DistilledViews()
    """From where the prior looks."""
    num_steps: int = Field(400, ge=1, le=1_000_000)
    """Steps of the optimizer."""
    num_pictures: int = Field(8, ge=4, le=64)
    """Renders all round the finished scene, from which the mesh gets its outlines and texture."""
    surface: Literal["marching_cubes", "dual_contouring"] = "marching_cubes"
    """How the scene becomes triangles: with round edges, or sharp ones where it has them."""
    max_faces: int | None = Field(None, ge=100, le=2_000_000)
    """More triangles than this are merged; null keeps all that the grid gives."""
    texture_px: Literal[256, 512, 1024, 2048, 4096] = 1024
    """Side of the texture."""

    @property
    def view_shape(self) -> tuple[int, int]:
        """Views that the prior is asked about in a step at most, and their side in pixels."""
        return self.views.most_views, self.views.size_px

    @property
    def num_cells(self) -> int:
        """Of the grid that the scene is on, or is meshed on; 0 of a mesh, which has none."""
        return 0 if isinstance(self.scene, TexturedMesh) else self.scene.num_cells

    @property
    def num_evaluations(self) -> int:
        """Steps of the whole run."""
        return self.num_steps


class GivenFront(Config):
    """A picture that the scene's front is held to, beside the prior's pull."""

    input: Path
    """Picture with transparency around the object; it is scaled to a metre."""
    outline: Weight = 10.0
    """Mean squared difference of opacity."""
    colour: Weight = 10.0
    """Mean squared difference of premultiplied colour."""


class ScoreDistillation(DistilledScene):
    """A textured mesh for a prompt, by score distillation alone."""

    name: Literal["score_distillation"] = "score_distillation"
    loss: Loss = SDS()
    """Whose gradient: sds, sjc, csd, nfsd, ism, sdi, rfds, bridge, vsd or hifa."""
    colours: Literal["rgb", "latents"] = "rgb"
    """What the scene carries: rgb is rendered as pictures, encoded in each step; latents are the
    prior's own (Latent-NeRF), rendered on its grid, so that no step needs the autoencoder: less
    memory and time. They are decoded at the end. Not for gaussians and mesh."""
    start: AssetStart | None = None
    """Begin as a file's mesh, points, Gaussians or outline ({input: mesh.glb}); null begins as a
    ball."""
    front: GivenFront | None = None
    """A picture of the front ({input: fox.png}); null leaves it to the prior."""
    num_particles: int = Field(1, ge=1, le=16)
    """Scenes that are optimised together, seen by the same cameras with noise of their own; the
    first becomes the asset. The losses but vsd treat each alone."""

    @property
    def num_scenes(self) -> int:
        """Scenes in memory together."""
        return self.num_particles

    @property
    def in_latents(self) -> bool:
        """Whether the scene carries latents."""
        return self.colours == "latents"

    @model_validator(mode="after")
    def _interval_fits(self) -> "ScoreDistillation":
        check_interval(self.loss, self.times)
        return self

    @model_validator(mode="after")
    def _latents_fit(self) -> "ScoreDistillation":
        if self.in_latents:
            _check_latents(self)
        return self


def _check_latents(method: ScoreDistillation) -> None:
    """Refuse what cannot carry latents, or needs pictures in every step."""
    if isinstance(method.scene, Gaussians | TexturedMesh):
        raise ValueError(
            f"colours=latents is for fields on a grid, and scene.name is {method.scene.name}; use "
            "voxel_nerf, hash_nerf, mlp_nerf or sdf, or colours=rgb"
        )
    if isinstance(method.loss, HiFA):
        raise ValueError(
            "loss.name=hifa compares pictures, which colours=latents never renders; use another "
            "loss such as sds, or colours=rgb"
        )
    for key in ("start", "front"):
        if getattr(method, key) is not None:
            raise ValueError(
                f"{key} is in colours, and colours=latents carries none; leave {key} out, or use "
                "colours=rgb"
            )
    if any(stage.render_px for stage in method.views.stages):
        raise ValueError(
            "views.stages: render_px is of pictures, and latents are rendered on the prior's grid; "
            "leave it out, or use colours=rgb"
        )


def check_interval(loss: EditLoss, times: Times) -> None:
    """Refuse times that an inversion would begin before."""
    late = isinstance(times, Narrowing) and times.late_min_time < times.min_time
    least = times.late_min_time if isinstance(times, Narrowing) and late else times.min_time
    if isinstance(loss, ISM) and loss.interval > least:
        raise ValueError(
            f"loss.interval {loss.interval:g} begins before time 0 at times."
            f"{'late_min_time' if late else 'min_time'} {least:g}; raise min_time or shorten the "
            "interval"
        )
