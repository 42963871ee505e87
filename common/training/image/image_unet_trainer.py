"""Training the embedded image U-Net on latents, captions and views."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from common.config import Config
from common.diffusion.guidance_config import CFG
from common.diffusion.noise_schedule import per_sample
from common.diffusion.sample import sample
from common.diffusion.sampler_config import DPMSolverPP2M
from common.diffusion.samplers import build_scheduler
from common.embedded.image_unet import FRONT, ImageUNetArchitecture, View, build_image_unet
from common.embedded.prior import EmbeddedCond, EmbeddedPrior, embedded_schedule, predict_v
from common.embedded.tokenizer import load_tokenizer
from common.errors import InputError
from common.media.contact_sheet import picture_sheet
from common.media.pixels import to_picture
from common.seeding import generators_for, randn, stream_seed
from common.shapes import Images, Picture
from common.training.emoji.emoji_concepts import Language, load_concepts
from common.training.emoji.emoji_split import load_split
from common.training.initial_weights import initial_weights, on_device
from common.training.loop_config import LearningRate, LoopConfig
from common.training.noise_times import MinSnr, NoiseTimes, draw_timesteps, v_weights
from common.training.pictures.latent_sets import LatentSet, emoji_latents, kit_latents
from common.training.pictures.subjects import draw_caption, in_motion, plain_caption
from common.training.training import Package
from common.zoo.models import ZOO, Loaded, load_autoencoder, load_text_encoder

_PREVIEW_STEPS = 20
_NUM_PREVIEWED_EMOJI = 12
_PREVIEWED_KIT = (
    "a red car", "a blue car with white wheels", "a green mug", "a yellow house with a red roof",
    "a pink teapot", "a purple dog face", "an orange rocket with blue fins", "a brown chair",
    "一辆蓝色汽车", "一个红色蘑菇", "a green cat face", "a blue apple",
)  # fmt: skip
_NUM_MEASURED = 96


class TrainImageUNet(Config):
    """The image U-Net: noised latents, prompt and view to ``v``."""

    name: Literal["image_unet"] = "image_unet"
    architecture: ImageUNetArchitecture = ImageUNetArchitecture()
    """Sizes of the model."""
    models_dir: Path | None = None
    """Folder of the autoencoder and the text encoder that it stands on; null is the zoo."""
    size_px: Literal[64, 128] = 128
    """Side of the pictures behind the latents."""
    times: NoiseTimes = MinSnr()
    """Which noise levels are visited and how much they count."""
    text_dropout: float = Field(0.1, ge=0, lt=1)
    """Share of the samples that are shown without a prompt."""
    view_dropout: float = Field(0.3, ge=0, lt=1)
    """Share of the samples that are shown without a view."""
    chinese_share: float = Field(0.35, ge=0, le=1)
    """Share of the prompts that are Chinese."""
    moving_share: float = Field(0.12, ge=0, le=1)
    """Share of the prompts that also say a motion, which changes nothing in a still picture."""
    kit_share: float = Field(0.5, ge=0, le=1)
    """Share of the samples that are kit objects; the others are emoji."""
    loop: LoopConfig = LoopConfig(
        num_steps=60_000, batch_size=64, ema_decay=0.9995,
        learning_rate=LearningRate(peak=5e-4, warmup_steps=500),
    )  # fmt: skip
    """How long and in which steps to train."""


class ImageUNetTraining:
    """The losses and figures of an image U-Net.

    State: the model in training, the frozen models it stands on, and the encoded pictures.
    """

    def __init__(
        self,
        config: TrainImageUNet,
        sets: tuple[LatentSet, ...],
        shares: tuple[float, ...],
        autoencoder: Loaded,
        text_encoder: Loaded,
        seed: int,
        device: str,
    ):
        self._config = config
        self._sets = sets
        self._shares = np.array(shares) / sum(shares)
        self._bases = {"autoencoder": autoencoder, "text_encoder": text_encoder}
        self._seed = seed
        self._device = device
        self._schedule = embedded_schedule()
        self._chances = [np.array(one.weights) / sum(one.weights) for one in sets]
        with initial_weights(seed, "image U-Net"):
            self._model = on_device(build_image_unet(config.architecture), device)

    @property
    def model(self) -> Any:
        """The model in training."""
        return self._model

    def losses(self, forward: Callable[..., Any], draw: int) -> Mapping[str, Tensor]:
        """Weighted squared error of ``v``."""
        count = self._config.loop.batch_size
        rng = np.random.default_rng(stream_seed(self._seed, draw, "training latents"))
        clean, prompts, views = self._samples(count, rng)
        cond = self._prior(self._model).embed(prompts, views)
        generator = torch.Generator(self._device)
        generator.manual_seed(stream_seed(self._seed, draw, "diffusion noise"))
        timesteps = draw_timesteps(self._config.times, count, self._schedule, generator)
        noise = torch.randn(clean.shape, generator=generator, device=self._device)
        errors = self._v_errors(forward, clean, noise, timesteps, cond)
        weights = v_weights(self._config.times, timesteps, self._schedule)
        return {"loss": (weights * errors).mean(), "plain": errors.mean()}

    def _samples(
        self, count: int, rng: np.random.Generator
    ) -> tuple[Images, list[str], list[View | None]]:
        """Latents, each with a caption and a view, either of them left out at random."""
        config = self._config
        codes: list[np.ndarray] = []
        prompts: list[str] = []
        views: list[View | None] = []
        for which in rng.choice(len(self._sets), size=count, p=self._shares).tolist():
            one = self._sets[which]
            row = int(rng.choice(len(one.subjects), p=self._chances[which]))
            place = int(rng.integers(one.latents.shape[1]))
            chinese, bare, blind, moving = rng.random(4) < (
                config.chinese_share, config.text_dropout, config.view_dropout,
                config.moving_share,
            )  # fmt: skip
            language: Language = "zh" if chinese else "en"
            caption = draw_caption(one.subjects[row], language, rng)
            if moving:
                caption = in_motion(caption, language, rng)
            codes.append(one.latents[row, place])
            prompts.append("" if bare else caption)
            views.append(None if blind else View(*map(float, one.views[row, place])))
        return self._on_device(codes), prompts, views

    def _on_device(self, codes: Sequence[np.ndarray]) -> Images:
        return torch.from_numpy(np.stack(codes)).float().to(self._device)

    def _v_errors(
        self,
        forward: Callable[..., Any],
        clean: Images,
        noise: Images,
        timesteps: Float[Tensor, " b"],
        cond: EmbeddedCond,
    ) -> Float[Tensor, " b"]:
        """Mean squared error of ``v = alpha eps - sigma x0`` of each sample."""
        alpha, sigma = self._schedule.alpha_sigma(timesteps)
        target = per_sample(alpha, clean) * noise - per_sample(sigma, clean) * clean
        noised = self._schedule.add_noise(clean, noise, timesteps)
        noised = noised.contiguous(memory_format=torch.channels_last)
        made = predict_v(forward, noised, timesteps, cond)
        return ((made.float() - target) ** 2).mean((1, 2, 3))

    def _prior(self, unet: Any) -> EmbeddedPrior:
        side = self._config.size_px
        return EmbeddedPrior(
            self._bases["autoencoder"].model, self._bases["text_encoder"].model, unet,
            load_tokenizer(), (side, side),
        )  # fmt: skip

    @torch.no_grad()
    def preview(self, model: Any) -> Picture:
        """Samples for fixed prompts in both languages, with guidance."""
        prior = self._prior(model)
        prompts = preview_prompts()
        views = [FRONT if index % 4 else None for index in range(len(prompts))]
        seeds = range(len(prompts))
        noise = randn(prior.spec.latent_shape, generators_for(0, seeds, "latents")).to(self._device)
        scheduler = build_scheduler(
            DPMSolverPP2M(num_steps=_PREVIEW_STEPS), prior.spec.schedule, "v"
        )
        steps = sample(
            prior, scheduler, prior.embed(prompts, views), prior.embed([""] * len(prompts)),
            CFG(guidance_scale=4.0), noise, generators_for(0, seeds, "sampler"),
        )  # fmt: skip
        *_, last = steps
        pictures = [to_picture(picture) for picture in prior.decode(last.latents)]
        return picture_sheet(pictures, captions=prompts, num_columns=6)

    @torch.no_grad()
    def evaluate(self, model: Any) -> dict[str, float]:
        """Mean error in ``v`` with the right caption, and how much worse it is with none.

        Fixed noise and evenly spread timesteps, on training pictures of every set: the difference
        says how much the model listens to its prompt.
        """
        figures = {}
        for one in self._sets:
            right, without = self._errors_of(model, one)
            figures[f"v_error_{one.name}/prompt"] = right
            figures[f"v_error_{one.name}/prompt_gain"] = without - right
        return figures

    def _errors_of(self, model: Any, one: LatentSet) -> tuple[float, float]:
        count = min(_NUM_MEASURED, len(one.subjects))
        rows = np.linspace(0, len(one.subjects) - 1, count).round().astype(int).tolist()
        clean = self._on_device([one.latents[row, 0] for row in rows])
        generators = generators_for(0, range(count), "evaluation noise")
        noise = randn(tuple(clean.shape[1:]), generators).to(self._device)
        spread = torch.arange(count, device=self._device) * 7919 % 1000
        timesteps = spread.float().clamp(max=self._schedule.max_timestep)
        prior = self._prior(model)
        views = [View(*map(float, one.views[row, 0])) for row in rows]
        told = prior.embed([plain_caption(one.subjects[row]) for row in rows], views)
        untold = prior.embed([""] * count, views)
        right = self._v_errors(model, clean, noise, timesteps, told).mean()
        without = self._v_errors(model, clean, noise, timesteps, untold).mean()
        return float(right), float(without)

    def package(self, model: Any) -> Package:
        """The U-Net and what it stands on."""
        requires = {kind: base.identity for kind, base in self._bases.items()}
        return Package("image_unet", model, self._config.architecture, requires)


def preview_prompts() -> list[str]:
    """Names of emoji, every fourth in Chinese, and captions of kit objects, seen and unseen."""
    concepts = load_concepts()
    keys = load_split().alignment
    chosen = [concepts[key] for key in keys[:: len(keys) // _NUM_PREVIEWED_EMOJI]]
    names = [(c.zh if i % 4 == 3 else c.en).names[0] for i, c in enumerate(chosen)]
    return [*names[:_NUM_PREVIEWED_EMOJI], *_PREVIEWED_KIT]


def open_image_training(
    config: TrainImageUNet, cache: Path, seed: int, device: str
) -> ImageUNetTraining:
    """Load the frozen models, encode the pictures (once) and build the U-Net.

    Raises:
        InputError: the architecture does not fit the frozen models.
    """
    folder = config.models_dir or ZOO
    autoencoder, text = load_autoencoder(folder, device), load_text_encoder(folder, device)
    found = (autoencoder.model.architecture.latent_channels, text.model.architecture.channels)
    wanted = (config.architecture.latent_channels, config.architecture.text_channels)
    if found != wanted:
        raise InputError(
            f"the frozen models have {found[0]} latent and {found[1]} text channels; "
            f"architecture.latent_channels and text_channels say {wanted[0]} and {wanted[1]}"
        )
    opened = (
        (emoji_latents, 1 - config.kit_share),
        (kit_latents, config.kit_share),
    )
    sets = tuple(of(autoencoder, cache, config.size_px, device) for of, share in opened if share)
    shares = tuple(share for _, share in opened if share)
    return ImageUNetTraining(config, sets, shares, autoencoder, text, seed, device)
