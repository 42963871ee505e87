"""Scenes that carry latents: their gradients, their ends, and what cannot carry any."""

import copy
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from common.cameras import Cameras, rays
from common.diffusion.guidance_config import CFG
from common.embedded.image_unet import View
from common.embedded.orbit import cameras_on_orbit
from tests.reference import volume_rays
from tests.threed.optimise.ball_prior import BallPrior, ball
from tests.threed.optimise.linear_coder import SIDE, LinearCoder, latents_of
from tests.threed.optimise.test_distil_scene import PLAIN, SCENES, error, method
from threed.decoded_colours import decoded_colours
from threed.distillation.loss_config import SDS, SJC, HiFA
from threed.distillation.picture_views import PictureViews
from threed.optimise.distil_scene import distil_scene
from threed.optimise.latent_backdrop import latent_backdrop
from threed.optimise.prior_pull import prior_pull
from threed.rendering.volume import March, render
from threed.scenes.scene_config import Gaussians, ShapeLosses, TexturedMesh, VoxelNerf
from threed.scenes.start_config import AssetStart
from threed.scenes.voxel_field import VoxelField, colour_of
from threed.score_distillation import DistilledViews, GivenFront, ScoreDistillation, ViewStage

F64 = torch.float64
VIEWS = [View(20.0, 10.0), View(140.0, 0.0)]
RED = ball((0.9, 0.2, 0.1))
FIELDS = ("voxel_nerf", "hash_nerf", "mlp_nerf", "sdf")
TIME = 0.4


def cameras(side: int) -> Cameras:
    found = cameras_on_orbit(VIEWS, side)
    return Cameras(found.w2c.double(), found.intrinsics.double(), side, side)


def coloured(seed: int = 0) -> VoxelField:
    """Half-transparent all over, of any colours, with gradients."""
    generator = torch.Generator().manual_seed(seed)
    density = torch.randn(5, 5, 5, generator=generator, dtype=F64) - 2.5
    colour = torch.randn(5, 5, 5, 3, generator=generator, dtype=F64)
    return VoxelField(density.requires_grad_(), colour)


def of_latents(field: VoxelField, latents: torch.Tensor) -> VoxelField:
    return replace(field, colour=latents.detach().requires_grad_(), latent=True)


def pulled(prior, seen, size_px, loss=None, backdrop=None):
    generator = torch.Generator().manual_seed(5)
    chosen = loss or SDS(guidance=CFG(guidance_scale=7.5))
    (pull,), _ = prior_pull(
        prior, chosen, "a fox", VIEWS, [seen], TIME, generator, None, None, backdrop
    )
    return pull


# -------------------------------------------------------------------------- gradients


def test_gradient_of_a_latent_field_is_that_of_its_slow_twin():
    """One ray and one sample at a time; then noise, U-Net and weight as DreamFusion writes them."""
    coder = LinearCoder()
    prior = PictureViews(coder, len(VIEWS))
    plain = coloured()
    field = of_latents(plain, latents_of(colour_of(plain.colour)))
    backdrop = latent_backdrop(prior, 8 * SIDE)
    march = March(min_transmittance=0.0)
    everywhere = torch.ones(4, 4, 4, dtype=torch.bool)
    seen = render(field, cameras(SIDE), march=march, occupied=everywhere)
    pulled(prior, seen, 8 * SIDE, backdrop=backdrop).backward()
    found = field.density.grad.clone(), field.colour.grad.clone()
    field.density.grad = field.colour.grad = None

    origins, directions = (one.reshape(-1, 3) for one in rays(cameras(SIDE)))
    features, opacity, _ = volume_rays.march(
        field, field.colour, origins, directions, everywhere, torch.full((len(origins),), 0.5),
        0.5 * field.cell_m[0], 0.0,
    )  # fmt: skip
    generator = torch.Generator().manual_seed(5)
    grey = torch.rand((), generator=generator).double()
    noise = torch.randn(1, 4, 2, SIDE, SIDE, generator=generator)[0].transpose(0, 1).double()
    behind = latents_of(grey.expand(3))
    x = (features + (1 - opacity[:, None]) * behind).view(2, SIDE, SIDE, 4).permute(0, 3, 1, 2)
    t = coder.spec.schedule.timesteps(torch.tensor([TIME])).round()
    alpha, sigma = (one.double() for one in coder.spec.schedule.alpha_sigma(t))
    with torch.no_grad():
        told = coder.embed(["a fox, front view", "a fox, back view"])
        z, times = alpha * x + sigma * noise, t.expand(2)
        empty = coder.network(z, times, encoder_hidden_states=coder.embed(["", ""])).sample
        full = coder.network(z, times, encoder_hidden_states=told).sample
        gradient = sigma**2 * (empty + 7.5 * (full - empty) - noise)
    (x * gradient / x.numel()).sum().backward()

    # float64 but for the empty pictures, whose latents are of float32
    torch.testing.assert_close(found[0], field.density.grad, rtol=1e-5, atol=1e-9)
    torch.testing.assert_close(found[1], field.colour.grad, rtol=1e-5, atol=1e-9)
    assert float(found[0].abs().max()) > 1e-4


@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("loss", [SDS(guidance=PLAIN), SJC(guidance=PLAIN)])
def test_latents_that_are_pictures_are_pulled_as_the_encoded_picture_is(alpha, loss):
    """An encoder that changes nothing: value and gradients of both ways are the same."""

    class Single(BallPrior):
        """Of pictures, RGB or RGBA."""

        def __init__(self):
            super().__init__(RED)
            channels = 4 if alpha else 3
            self.spec = replace(
                self.spec, latent_shape=(channels, SIDE, SIDE), image_channels=channels
            )

        def embed(self, prompts):
            return torch.full((len(prompts), 4 if alpha else 3, SIDE, SIDE), 0.3, dtype=F64)

    prior = PictureViews(Single(), 2)
    field = coloured()
    latents = 2 * colour_of(field.colour) - 1
    if alpha:
        latents = torch.cat([latents, torch.ones_like(latents[..., :1])], -1)
    values, gradients = [], []
    for one, backdrop in ((field, None), (of_latents(field, latents),
                                          latent_backdrop(prior, SIDE))):  # fmt: skip
        field.density.grad = None
        pull = pulled(prior, render(one, cameras(SIDE)), SIDE, loss, backdrop)
        pull.backward()
        values.append(float(pull.detach()))
        gradients.append(field.density.grad.clone())
    assert values[0] == pytest.approx(values[1], rel=1e-12)
    assert values[0] > 1e-3
    torch.testing.assert_close(*gradients, rtol=1e-9, atol=1e-13)


def test_normals_stand_beside_latents():
    plain = coloured()
    field = of_latents(plain, latents_of(colour_of(plain.colour)))
    both = render(field, cameras(SIDE), with_normals=True)
    assert both.rgb.shape == (2, SIDE, SIDE, 4)
    torch.testing.assert_close(both.rgb, render(field, cameras(SIDE)).rgb)
    torch.testing.assert_close(both.normal, render(plain, cameras(SIDE), with_normals=True).normal)


# ------------------------------------------------------------------------------ scenes


@pytest.mark.parametrize("name", FIELDS)
def test_every_field_of_latents_becomes_what_the_prior_knows(name):
    torch.set_num_threads(1)
    chosen, prior = method(scene=SCENES[name], colours="latents"), BallPrior(RED)
    ends = {}
    for step in distil_scene(chosen, prior, "a ball"):
        if step.step in (1, chosen.num_steps):
            field = step.scene.field()
            assert field.latent
            assert field.colour.shape[-1] == 4
            ends[step.step] = error(decoded_colours(field, cameras_on_orbit(VIEWS, 32), prior)[0])
    assert ends[chosen.num_steps] < 0.5 * ends[1]


@pytest.mark.parametrize("name", FIELDS)
def test_killed_and_resumed_scene_of_latents_ends_in_the_same_bits(name):
    torch.set_num_threads(1)
    scene = SCENES[name].model_copy(update={"losses": ShapeLosses(colour_variation=0.01)})
    chosen = method(scene=scene, num_steps=12, colours="latents", num_particles=2)
    prior = BallPrior(RED)
    kept, whole = None, None
    for step in distil_scene(chosen, prior, "a ball", seed=3):
        whole = step.scene.field()
        if step.step == 3:  # a step before the voxel grid's cells are halved
            kept = copy.deepcopy(step.state)

    *_, last = distil_scene(chosen, prior, "a ball", seed=3, state=kept)

    assert torch.equal(last.scene.field().density, whole.density)
    assert torch.equal(last.scene.field().colour, whole.colour)


def test_no_step_encodes_anything():
    """Black and white, once each; the same in colours encodes every view of every step."""
    counts = []
    for colours in ("latents", "rgb"):
        coder = LinearCoder(torch.float32)
        chosen = ScoreDistillation(
            scene=VoxelNerf(num_cells=8), num_steps=3, colours=colours,
            views=DistilledViews(num_views=2, size_px=8 * SIDE),
        )  # fmt: skip
        *_, last = distil_scene(chosen, PictureViews(coder, 2), "a fox")
        counts.append((coder.encoded, last.losses["render_px"]))
    assert counts == [(2, SIDE), (6, 8 * SIDE)]


# --------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(("keys", "message"), [
    ({"scene": Gaussians()}, "scene.name is gaussians; use voxel_nerf, hash_nerf, mlp_nerf or sdf"),
    ({"scene": TexturedMesh()}, "scene.name is mesh; use voxel_nerf"),
    ({"loss": HiFA()}, "hifa compares pictures.* use another loss such as sds"),
    ({"start": AssetStart(input=Path("mesh.glb"))}, "leave start out"),
    ({"front": GivenFront(input=Path("fox.png"))}, "leave front out"),
    ({"views": DistilledViews(stages=(ViewStage(until=0.5, render_px=64),))},
     "render_px is of pictures"),
])  # fmt: skip
def test_what_cannot_carry_latents_is_refused(keys, message):
    with pytest.raises(ValueError, match=message):
        ScoreDistillation(colours="latents", **keys)
    assert not ScoreDistillation(**keys).in_latents


def test_stages_may_change_the_number_of_views():
    views = DistilledViews(stages=(ViewStage(until=0.5, num_views=2),))
    assert ScoreDistillation(colours="latents", views=views).in_latents
