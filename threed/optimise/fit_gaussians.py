"""Fitting a cloud of Gaussians to pictures from known cameras: a generator, step by step.

Minimises, over a few pictures at a time laid on a random colour,

    (1 - l) |rgb - wanted| + l (1 - SSIM) + lambda_opacity |opacity - wanted|

by Adam with a rate for each kind of parameter (Kerbl et al. 2023, section 5 and 6). The random
colour shows up what is half transparent. Gaussians are added and removed by `mcmc_density` or
`adaptive_density`. What step ``n`` draws is a function of the seed and ``n`` alone, so a fit that
is continued from a state ends in the same bits.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from common.cameras import Cameras
from common.errors import InputError
from common.runs.state import State
from common.seeding import generator_for
from threed.optimise.adaptive_density import Adaptive, Pulls, adapted
from threed.optimise.gaussian_options import GaussianFit
from threed.optimise.hull_points import hull_points
from threed.optimise.live_cloud import LEAVES, LiveCloud, live_cloud, restored
from threed.optimise.mcmc_density import Mcmc, densified, explore, regularisers
from threed.optimise.ssim import ssim
from threed.optimise.view_order import views_of
from threed.rendering.gaussians import splat
from threed.rendering.rendered import Rendered
from threed.scenes.gaussian_cloud import GaussianCloud
from threed.scenes.gaussian_start import cloud_from_points


@dataclass(frozen=True, eq=False)
class GaussianStep:
    """Where a fit is after one step."""

    step: int
    """Steps done, counted from 1."""
    losses: dict[str, float]
    """``loss`` and its terms, each with its weight, before the step."""
    cloud: GaussianCloud
    """Detached; it shares memory with the fit and changes with the next step."""
    state: State
    """What `fit_gaussians` continues from; its tensors are alive too."""


def fit_gaussians(
    rgba: Float[Tensor, "v h w 4"],
    cameras: Cameras,
    options: GaussianFit | None = None,
    *,
    start: GaussianCloud | None = None,
    seed: int = 0,
    state: State = None,
) -> Iterator[GaussianStep]:
    """Fit a cloud to pictures, step by step, from a start or from a state.

    Args:
        rgba: premultiplied, sRGB-encoded, in [0, 1]; float32.
        cameras: of the pictures.
        options: None: the defaults.
        start: the first cloud, of any degree up to that of the options; None: points on the
            surface of the visual hull, painted with what the pictures show there.
        seed: of everything that is drawn.
        state: from a `GaussianStep` of the same pictures, options and seed.

    Raises:
        InputError: pictures and cameras do not go together, the silhouettes have nothing in
            common, or the start does not go with the options.
    """
    chosen = options or GaussianFit()
    if rgba.shape[:3] != (len(cameras), cameras.height, cameras.width):
        raise InputError(
            f"pictures {tuple(rgba.shape[:3])} for {len(cameras)} cameras of "
            f"{cameras.height} x {cameras.width} pixels"
        )
    if state is None:
        begun = 0
        live = live_cloud(_start(rgba, cameras, chosen, seed) if start is None
                          else _with_room(start, chosen))  # fmt: skip
        pulls = Pulls.none(len(live))
    else:
        begun, live, pulls = state["step"], restored(state), Pulls(*state["pulls"])
    extent = scene_extent(cameras)
    for step in range(begun + 1, chosen.num_steps + 1):
        losses, pulls = _step(live, pulls, rgba, cameras, chosen, extent, seed, step)
        live, pulls = _refined(live, pulls, chosen, extent, seed, step)
        detached = live.cloud()
        cloud = GaussianCloud(*(getattr(detached, name).detach() for name in (*LEAVES[:4], "sh")))
        kept = {"step": step, "pulls": [pulls.sums, pulls.counts]} | live.state()
        yield GaussianStep(step, losses, cloud, kept)


def scene_extent(cameras: Cameras) -> float:
    """1.1 times the largest distance of a camera from the mean of all, metres: INRIA's measure.

    Of a single camera, 1.1 times its distance from the origin.
    """
    places = cameras.positions.double()
    spread = float((places - places.mean(0)).norm(dim=1).max())
    return 1.1 * (spread if spread > 0 else float(places.norm()))


def picture_losses(
    seen: Rendered,
    wanted: Float[Tensor, "v h w 4"],
    background: Float[Tensor, "v 3"],
    options: GaussianFit,
) -> dict[str, Tensor]:
    """Weighted terms: absolute error and dissimilarity on a background, and error of opacity."""
    behind = background[:, None, None]
    drawn = seen.rgb + (1 - seen.opacity[..., None]) * behind
    target = wanted[..., :3] + (1 - wanted[..., 3:]) * behind
    share = options.lambda_dssim
    terms = {"colour": (1 - share) * (drawn - target).abs().mean()}
    if share:
        terms["dssim"] = share * (1 - ssim(drawn, target).mean())
    if options.lambda_opacity:
        error = (seen.opacity - wanted[..., 3]).abs().mean()
        terms["opacity"] = options.lambda_opacity * error
    return terms


def _start(rgba: Tensor, cameras: Cameras, options: GaussianFit, seed: int) -> GaussianCloud:
    generator = generator_for(seed, 0, "fit gaussians/start")
    points, colours = hull_points(rgba, cameras, options.num_gaussians, generator)
    return cloud_from_points(points, colours, degree=options.degree)


def _with_room(start: GaussianCloud, options: GaussianFit) -> GaussianCloud:
    if start.degree > options.degree or not 0 < len(start) <= options.max_gaussians:
        raise InputError(
            f"the start has {len(start)} Gaussians of degree {start.degree}; the options allow 1 "
            f"to {options.max_gaussians} of degree up to {options.degree}"
        )
    room = (options.degree + 1) ** 2 - start.sh.shape[1]
    sh = torch.cat([start.sh, start.sh.new_zeros(len(start), room, 3)], 1)
    return GaussianCloud(start.means, start.log_scales, start.quaternions, start.opacity_logits, sh)


def _step(
    live: LiveCloud,
    pulls: Pulls,
    rgba: Tensor,
    cameras: Cameras,
    options: GaussianFit,
    extent: float,
    seed: int,
    step: int,
) -> tuple[dict[str, float], Pulls]:
    """One step of Adam; the losses before it, and what it showed of the Gaussians."""
    views = views_of(step, len(cameras), options.views_per_step, seed, "fit gaussians/order")
    generator = generator_for(seed, step, "fit gaussians/step")
    background = torch.rand(len(views), 3, generator=generator)
    cloud = live.cloud(options.degree_at(step))
    counted = isinstance(options.density, Adaptive)
    shifts = torch.zeros(len(views), len(cloud), 2, requires_grad=counted)
    seen = splat(cloud, cameras[views], shifts=shifts, splatting=options.splatting)
    terms = picture_losses(seen.rendered, rgba[views], background, options)
    if isinstance(options.density, Mcmc):
        terms |= regularisers(cloud, options.density)
    loss = torch.stack(list(terms.values())).sum()
    live.optimizer.zero_grad(set_to_none=True)
    loss.backward()
    means_rate = options.means_rate(step, extent)
    for name, group in zip(LEAVES, live.optimizer.param_groups, strict=True):
        group["lr"] = means_rate if name == "means" else getattr(options.rates, name)
    live.optimizer.step()
    if isinstance(options.density, Mcmc):
        explore(live, means_rate, options.density, generator)
    if shifts.grad is not None:
        pulls = pulls.with_views(shifts.grad, seen.radii, cameras.height, cameras.width)
    numbers = {name: float(value.detach()) for name, value in terms.items()}
    return {"loss": float(loss.detach()), **numbers}, pulls


def _refined(
    live: LiveCloud, pulls: Pulls, options: GaussianFit, extent: float, seed: int, step: int
) -> tuple[LiveCloud, Pulls]:
    """The cloud with Gaussians added and removed, if it is time."""
    if not options.refines_after(step):
        return live, pulls
    generator = generator_for(seed, step, "fit gaussians/density")
    if isinstance(options.density, Mcmc):
        live = densified(live, options.density, options.max_gaussians, generator)
    else:
        live = adapted(live, pulls, options.density, extent, options.max_gaussians, step, generator)
    return live, Pulls.none(len(live))
