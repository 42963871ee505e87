"""Training the union ControlNet that steers the frozen image U-Net."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from common.config import Config
from common.control.features import NO_FEATURES
from common.control.followed import Followed
from common.control.kinds import ControlKind
from common.diffusion.guidance_config import CFG
from common.diffusion.noise_schedule import per_sample
from common.diffusion.sample import sample
from common.diffusion.sampler_config import DPMSolverPP2M
from common.diffusion.samplers import build_scheduler
from common.embedded.control_net import ControlNetArchitecture, UnionControlNet
from common.embedded.controls import EmbeddedControl
from common.embedded.image_unet import FRONT, View
from common.embedded.prior import EmbeddedPrior, embedded_schedule, predict_v
from common.embedded.tokenizer import load_tokenizer
from common.media.contact_sheet import picture_sheet
from common.media.pixels import to_picture
from common.seeding import generators_for, randn, stream_seed
from common.shapes import Images, Picture
from common.training.control.control_source import (
    ControlSet,
    emoji_controls,
    kit_controls,
    kit_poses,
)
from common.training.control.control_start import begin_with
from common.training.emoji.emoji_concepts import Language
from common.training.initial_weights import initial_weights, on_device
from common.training.kit.kit_truths import INSTANCE_TRUTHS, SIZE_PX, TRAIN_TRUTHS
from common.training.loop_config import LearningRate, LoopConfig
from common.training.noise_times import NoiseTimes, NoisyTimes, draw_timesteps, v_weights
from common.training.pictures.subjects import draw_caption, plain_caption
from common.training.training import Package
from common.zoo.control_net import load_control_net
from common.zoo.models import ZOO, Loaded, check_embedded_prior, load_prior_models

_NUM_MEASURED = 64
_PREVIEWED = 4
"""Pictures of each kind in a preview."""
_PREVIEW_STEPS = 20


class TrainControlNet(Config):
    """The union ControlNet: a picture to follow, for the frozen image U-Net."""

    name: Literal["controlnet"] = "controlnet"
    architecture: ControlNetArchitecture = ControlNetArchitecture()
    """Sizes of the model."""
    start: Literal["controlnet", "identity"] = "identity"
    """First weights: of the ControlNet beside the image U-Net, whose new kinds begin as the mean of
    those it knows; or a new one, which adds nothing at first. `init_from` comes before both."""
    models_dir: Path | None = None
    """Folder of the image prior that it steers; null is the zoo."""
    times: NoiseTimes = NoisyTimes()
    """Which noise levels are visited and how much they count."""
    text_dropout: float = Field(0.15, ge=0, lt=1)
    """Share of the samples that are shown without a prompt."""
    chinese_share: float = Field(0.35, ge=0, le=1)
    """Share of the prompts that are Chinese."""
    view_share: float = Field(0.3, ge=0, le=1)
    """Share of the samples that are shown with the view they have."""
    front_share: float = Field(0.3, ge=0, le=1)
    """Share of those that are said to be seen from the front, whatever their picture shows: what is
    followed counts more than the view that is asked for."""
    kit_share: float = Field(0.7, ge=0, le=1)
    """Share of the samples that are kit objects; the others are emoji, of which only edges and
    outlines are known."""
    pose_share: float = Field(0.2, ge=0, lt=1)
    """Share of the samples that follow a pose: of kit objects that have one. The other shares are
    of the rest. Without pose among the kinds there are none."""
    loop: LoopConfig = LoopConfig(
        num_steps=4000, batch_size=16, ema_decay=0.998,
        learning_rate=LearningRate(peak=1e-3, warmup_steps=100),
    )  # fmt: skip
    """How long and in which steps to train."""


class Batch(NamedTuple):
    """Samples and what each follows."""

    clean: Images
    prompts: list[str]
    views: list[View | None]
    pictures: Float[Tensor, "b 3 h w"]
    kinds: list[ControlKind]


class ControlNetTraining:
    """The losses and figures of a union ControlNet.

    State: the ControlNet in training, the frozen prior that it steers, its pictures, and those that
    are held out.
    """

    def __init__(
        self,
        config: TrainControlNet,
        sets: Sequence[ControlSet],
        shares: Sequence[float],
        held_out: Sequence[ControlSet],
        models: Mapping[str, Loaded],
        seed: int,
        device: str,
    ):
        self._config, self._sets, self._held_out = config, tuple(sets), tuple(held_out)
        self._shares = np.array(shares) / sum(shares)
        self._models, self._seed, self._device = models, seed, device
        self._schedule = embedded_schedule()
        unet = models["image_unet"].model
        with initial_weights(seed, "ControlNet"):
            self._model = on_device(UnionControlNet(config.architecture, unet), device)

    @property
    def model(self) -> Any:
        """The ControlNet in training."""
        return self._model

    def losses(self, forward: Callable[..., Any], draw: int) -> Mapping[str, Tensor]:
        """Weighted squared error of ``v``."""
        count = self._config.loop.batch_size
        rng = np.random.default_rng(stream_seed(self._seed, draw, "training controls"))
        batch = self._drawn(count, rng)
        generator = torch.Generator(self._device)
        generator.manual_seed(stream_seed(self._seed, draw, "diffusion noise"))
        timesteps = draw_timesteps(self._config.times, count, self._schedule, generator)
        noise = torch.randn(batch.clean.shape, generator=generator, device=self._device)
        errors = self._v_errors(forward, batch, noise, timesteps)
        weights = v_weights(self._config.times, timesteps, self._schedule)
        return {"loss": (weights * errors).mean(), "plain": errors.mean()}

    def _drawn(self, count: int, rng: np.random.Generator) -> Batch:
        """Samples at random, each with one kind of what its picture can show."""
        config = self._config
        codes, pictures = [], []
        prompts: list[str] = []
        views: list[View | None] = []
        kinds: list[ControlKind] = []
        for which in rng.choice(len(self._sets), size=count, p=self._shares).tolist():
            one = self._sets[which]
            row = int(rng.choice(len(one.latents), p=one.chances))
            known = [kind for kind in one.kinds if kind in config.architecture.kinds]
            kind = known[int(rng.integers(len(known)))]
            chinese, bare = rng.random(2) < (config.chinese_share, config.text_dropout)
            language: Language = "zh" if chinese else "en"
            caption = draw_caption(one.subjects[row], language, rng)
            codes.append(one.latents[row])
            prompts.append("" if bare else caption)
            views.append(self._said_view(View(*map(float, one.views[row])), rng))
            pictures.append(one.control(row, kind, rng))
            kinds.append(kind)
        return self._batch(codes, prompts, views, pictures, kinds)

    def _said_view(self, view: View, rng: np.random.Generator) -> View | None:
        """The view that a sample is said to be seen from."""
        draw, config = float(rng.random()), self._config
        if draw < config.view_share:
            return view
        return FRONT if draw < config.view_share + config.front_share else None

    def _batch(
        self,
        codes: Sequence[np.ndarray],
        prompts: list[str],
        views: list[View | None],
        pictures: Sequence[Tensor],
        kinds: list[ControlKind],
    ) -> Batch:
        clean = torch.from_numpy(np.stack(codes)).float().to(self._device)
        return Batch(clean, prompts, views, torch.stack(list(pictures)).to(self._device), kinds)

    def _v_errors(
        self,
        control_net: Callable[..., Any] | None,
        batch: Batch,
        noise: Images,
        timesteps: Float[Tensor, " b"],
    ) -> Float[Tensor, " b"]:
        """Mean squared error of ``v = alpha eps - sigma x0`` of each sample."""
        clean = batch.clean
        alpha, sigma = self._schedule.alpha_sigma(timesteps)
        target = per_sample(alpha, clean) * noise - per_sample(sigma, clean) * clean
        noised = self._schedule.add_noise(clean, noise, timesteps)
        noised = noised.contiguous(memory_format=torch.channels_last)
        cond = self._prior().embed(batch.prompts, batch.views)
        added = NO_FEATURES
        if control_net is not None:
            known = self._config.architecture.kinds
            kinds = torch.tensor([known.index(kind) for kind in batch.kinds], device=self._device)
            added = control_net(noised, timesteps, cond.vector, batch.pictures, kinds)
        made = predict_v(self._models["image_unet"].model, noised, timesteps, cond, added)
        return ((made.float() - target) ** 2).mean((1, 2, 3))

    def _prior(self, controls: Sequence[EmbeddedControl] = ()) -> EmbeddedPrior:
        return EmbeddedPrior(
            self._models["autoencoder"].model, self._models["text_encoder"].model,
            self._models["image_unet"].model, load_tokenizer(), (SIZE_PX, SIZE_PX), controls,
        )  # fmt: skip

    @torch.no_grad()
    def preview(self, model: Any) -> Picture:
        """Of every kind, pictures to follow and what is drawn for them with the prompt of another.

        The prompts are of other categories than the pictures.
        """
        shown, said = [], []
        for kind in self._config.architecture.kinds:
            rows = self._rows(_PREVIEWED * 2, kind)
            batch = self._of_held_out(rows[::2], kind)
            prompts = [plain_caption(self._with(kind).subjects[row]) for row in rows[1::2]]
            followed = Followed(batch.pictures, torch.ones(len(prompts)), (0.0, 1.0))
            drawn = self._sampled(prompts, EmbeddedControl(model, kind, followed))
            for picture, image, prompt in zip(batch.pictures, drawn, prompts, strict=True):
                solid = torch.cat([picture, torch.ones_like(picture[:1])])
                shown += [to_picture(solid * 2 - 1), to_picture(image)]
                said += [kind.replace("_", " "), prompt]
        return picture_sheet(shown, captions=said, num_columns=2 * _PREVIEWED)

    def _sampled(self, prompts: Sequence[str], control: EmbeddedControl) -> Images:
        prior = self._prior([control])
        seeds = range(len(prompts))
        noise = randn(prior.spec.latent_shape, generators_for(0, seeds, "latents")).to(self._device)
        scheduler = build_scheduler(
            DPMSolverPP2M(num_steps=_PREVIEW_STEPS), prior.spec.schedule, "v"
        )
        steps = sample(
            prior, scheduler, prior.embed(prompts), prior.embed([""] * len(prompts)),
            CFG(guidance_scale=4.0), noise, generators_for(0, seeds, "sampler"),
        )  # fmt: skip
        *_, last = steps
        return prior.decode(last.latents)

    @torch.no_grad()
    def evaluate(self, model: Any) -> dict[str, float]:
        """Errors in ``v`` on held-out objects at fixed noise and evenly spread timesteps.

        One for each kind that is followed, and ``alone`` without: what each kind is worth. Poses
        are of other objects, so they have an error without of their own.
        """
        kinds = self._config.architecture.kinds
        figures = {f"v_error/{kind}": self._error_of(model, kind) for kind in kinds}
        if "pose" in kinds:
            figures["v_error/alone_posed"] = self._error_of(None, "pose")
        return figures | {"v_error/alone": self._error_of(None, kinds[0])}

    def _error_of(self, model: Any, kind: ControlKind) -> float:
        batch = self._of_held_out(self._rows(_NUM_MEASURED, kind), kind)
        count = len(batch.prompts)
        generators = generators_for(0, range(count), "evaluation noise")
        noise = randn(tuple(batch.clean.shape[1:]), generators).to(self._device)
        spread = torch.arange(count, device=self._device) * 7919 % 1000
        timesteps = spread.float().clamp(max=self._schedule.max_timestep)
        return float(self._v_errors(model, batch, noise, timesteps).mean())

    def _with(self, kind: ControlKind) -> ControlSet:
        """The held-out set whose pictures can show a kind."""
        return next(one for one in self._held_out if kind in one.kinds)

    def _rows(self, count: int, kind: ControlKind) -> list[int]:
        """Rows of the held-out set of a kind, evenly spread over it."""
        last = len(self._with(kind).latents) - 1
        return np.linspace(0, last, min(count, last + 1)).round().astype(int).tolist()

    def _of_held_out(self, rows: Sequence[int], kind: ControlKind) -> Batch:
        one, rng = self._with(kind), np.random.default_rng(0)
        return self._batch(
            [one.latents[row] for row in rows],
            [plain_caption(one.subjects[row]) for row in rows],
            [None] * len(rows),
            [one.control(row, kind, rng) for row in rows],
            [kind] * len(rows),
        )

    def package(self, model: Any) -> Package:
        """The ControlNet and what it steers."""
        requires = {kind: base.identity for kind, base in self._models.items()}
        return Package("controlnet", model, self._config.architecture, requires)


def open_control_training(
    config: TrainControlNet, cache: Path, seed: int, device: str
) -> ControlNetTraining:
    """Load the frozen prior, encode the pictures (once) and build the ControlNet.

    Raises:
        InputError: models are missing or do not fit, or data is not prepared.
    """
    folder = config.models_dir or ZOO
    check_embedded_prior(folder)
    models = load_prior_models(folder, device)
    on_device(models["image_unet"].model, device)
    autoencoder = models["autoencoder"]
    sets, shares = [], []
    posed = config.pose_share if "pose" in config.architecture.kinds else 0.0
    if config.kit_share:
        sets.append(kit_controls(autoencoder, cache, device, TRAIN_TRUTHS))
        shares.append((1 - posed) * config.kit_share)
    if config.kit_share < 1:
        sets.append(emoji_controls(autoencoder, cache, SIZE_PX, device))
        shares.append((1 - posed) * (1 - config.kit_share))
    held_out = [kit_controls(autoencoder, cache, device, INSTANCE_TRUTHS)]
    if posed:
        sets.append(kit_poses(autoencoder, cache, device, TRAIN_TRUTHS))
        shares.append(posed)
    if "pose" in config.architecture.kinds:
        held_out.append(kit_poses(autoencoder, cache, device, INSTANCE_TRUTHS))
    training = ControlNetTraining(config, sets, shares, held_out, models, seed, device)
    if config.start == "controlnet":
        identities = {kind: one.identity for kind, one in models.items()}
        begin_with(training.model, load_control_net(models["image_unet"].model, identities, folder))
    return training
