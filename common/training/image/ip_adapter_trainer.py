"""Training the image prompts of the embedded prior: picture encoder, keys and values.

From captions alone (``num_drawn`` 0) the picture's pooled state and tokens learn to be those of its
caption, by their squared distance and by contrast with the other captions of the batch; keys and
values stay the text's. A part of each batch may be drawn as well, which trains those too.
"""

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from pydantic import Field
from torch import Tensor

from common.config import Config
from common.diffusion.image_attention import cross_attentions
from common.diffusion.noise_schedule import per_sample
from common.embedded.image_prompt import (
    ImagePrompt,
    ImagePromptArchitecture,
    PictureStates,
)
from common.embedded.prior import EmbeddedCond, EmbeddedPrior, embedded_schedule, predict_v
from common.embedded.tokenizer import load_tokenizer
from common.media.contact_sheet import picture_sheet
from common.media.pixels import to_picture
from common.seeding import generators_for, randn, stream_seed
from common.shapes import Images, Picture
from common.training.image.caption_states import CaptionStates
from common.training.image.image_pairs import ImagePairs, ImagePairSource, open_image_pairs
from common.training.image.image_prompt_samples import drawn_from, told
from common.training.initial_weights import initial_weights, on_device
from common.training.loop_config import LearningRate, LoopConfig
from common.training.noise_times import NoiseTimes, NoisyTimes, draw_timesteps, v_weights
from common.training.training import Package
from common.zoo.models import ZOO, Loaded, check_embedded_prior, load_prior_models

SIZE_PX = 128
_PREVIEW_STEPS = 20
_NUM_PREVIEWED = 16
_NUM_MEASURED = 96
_LEAST_DEVIATION = 1e-3
_TEMPERATURE = 1 / 25
_NUM_STRETCHED = 512
_LEAST_SPREAD = 1e-9


class TrainIPAdapter(Config):
    """Image prompts for the embedded image U-Net, which stays as it is."""

    name: Literal["ip_adapter"] = "ip_adapter"
    architecture: ImagePromptArchitecture = ImagePromptArchitecture()
    """Sizes of what is read off pictures."""
    models_dir: Path | None = None
    """Folder of the embedded prior that it is for; null is the zoo."""
    times: NoiseTimes = NoisyTimes()
    """Which noise levels are visited and how much they count."""
    text_dropout: float = Field(0.6, ge=0, le=1)
    """Share of the samples that are shown without a prompt: the picture alone says what to draw."""
    view_dropout: float = Field(0.6, ge=0, le=1)
    """Share of the samples that are shown without a view."""
    chinese_share: float = Field(0.35, ge=0, le=1)
    """Share of the prompts that are Chinese."""
    kit_share: float = Field(0.5, ge=0, le=1)
    """Share of the samples that are kit objects; the others are emoji."""
    same_share: float = Field(0.6, ge=0, le=1)
    """Share of the kit pairs that show one object twice; the others show two of one category and
    main colour."""
    num_drawn: int = Field(0, ge=0)
    """How many of a batch are also drawn: 0 trains what is said of pictures alone."""
    contrast_weight: float = Field(1.0, ge=0)
    """Of telling a picture's caption from the others of its batch."""
    pooled_weight: float = Field(1.0, ge=0)
    """Of the squared distance between the picture's pooled state and that of its caption."""
    words_weight: float = Field(0.5, ge=0)
    """Of the squared distance between its tokens and the caption's, in their deviations."""
    teacher_weight: float = Field(1.0, ge=0)
    """Of the squared difference from what the U-Net makes of the caption, which is far less random
    than the picture to be drawn (distillation, Hinton et al. 2015, arXiv 1503.02531)."""
    loop: LoopConfig = LoopConfig(
        num_steps=5000, batch_size=96, ema_decay=0.995,
        learning_rate=LearningRate(peak=1e-3, warmup_steps=100),
    )  # fmt: skip
    """How long and in which steps to train."""


class Noised(NamedTuple):
    """Latents on their way to being noised."""

    clean: Images
    noise: Images
    timesteps: Float[Tensor, " b"]


class IPAdapterTraining:
    """The losses and figures of image prompts.

    State: the adapter in training, the frozen prior, its pairs, and held-out ones by name.
    """

    def __init__(
        self,
        config: TrainIPAdapter,
        source: ImagePairSource,
        models: Mapping[str, Loaded],
        seed: int,
        device: str,
    ):
        self._config, self._source, self._models = config, source, models
        self._seed, self._device = seed, device
        self._schedule = embedded_schedule()
        self._held_out = source.held_out()
        self._unet = models["image_unet"].model
        with initial_weights(seed, "image prompt"):
            adapter = ImagePrompt(config.architecture, self._unet)
        _start_from_text(adapter, self._unet)
        self._model = on_device(adapter, device)
        self._captions = CaptionStates(self._prior(), config.architecture.num_words)
        _, words = self._captions.of(source.plain_captions())
        adapter.word_mean.copy_(words.mean(0))
        adapter.word_std.copy_(words.std(0).clamp(min=_LEAST_DEVIATION))

    @property
    def model(self) -> Any:
        """The adapter in training."""
        return self._model

    def losses(self, forward: Callable[..., Any], draw: int) -> Mapping[str, Tensor]:
        """How far what is said of pictures is from their captions, and what is drawn from them."""
        config, count = self._config, self._config.loop.batch_size
        rng = np.random.default_rng(stream_seed(self._seed, draw, "training pairs"))
        pairs = self._source.draw(count, rng)
        states = forward(self._latents(pairs.shown))
        parts = self._of_captions(states, pairs.plain)
        loss = (
            config.contrast_weight * parts["contrast"]
            + config.pooled_weight * parts["pooled"]
            + config.words_weight * parts["words"]
        )
        if config.num_drawn:
            num = min(config.num_drawn, count)
            some = PictureStates(states.tokens[:num], states.pooled[:num])
            drawn = self._of_drawing(some, _some(pairs, range(num)), rng, draw)
            loss = loss + drawn["weighted"] + config.teacher_weight * drawn["taught"]
            parts |= drawn
        return {"loss": loss, **parts}

    def _of_captions(self, states: PictureStates, captions: tuple[str, ...]) -> dict[str, Tensor]:
        pooled, words = self._captions.of(captions)
        spread = (states.tokens - words) / self._model.word_std
        same = torch.tensor([[one == other for other in captions] for one in captions])
        return {
            "contrast": contrast(states.pooled, pooled, same.to(pooled.device)),
            "pooled": ((states.pooled - pooled) ** 2).mean(),
            "words": (spread**2).mean(),
        }

    def _of_drawing(
        self, states: PictureStates, pairs: ImagePairs, rng: np.random.Generator, draw: int
    ) -> dict[str, Tensor]:
        config, count = self._config, len(pairs.captions)
        bare = rng.random(count) < config.text_dropout
        prompts = ["" if one else text for one, text in zip(bare, pairs.captions, strict=True)]
        generator = torch.Generator(self._device)
        generator.manual_seed(stream_seed(self._seed, draw, "diffusion noise"))
        timesteps = draw_timesteps(config.times, count, self._schedule, generator)
        clean = self._latents(pairs.drawn)
        noise = torch.randn(clean.shape, generator=generator, device=self._device)
        cond = told(self._prior(), self._model, states, prompts, pairs.views)
        noised = Noised(clean, noise, timesteps)
        made, weights = self._v(noised, cond), v_weights(config.times, timesteps, self._schedule)
        errors = mean_square(made - self._target(noised))
        with torch.no_grad():
            teacher = self._v(noised, self._prior().embed(pairs.captions, pairs.views))
        taught = (weights * mean_square(made - teacher)).mean()
        return {"weighted": (weights * errors).mean(), "taught": taught, "plain": errors.mean()}

    def preview(self, model: Any) -> Picture:
        """Held-out pictures, and what is drawn of each without a prompt."""
        shown = []
        for pairs in self._held_out.values():
            step = max(len(pairs.captions) // _NUM_PREVIEWED, 1)
            some = _some(pairs, range(0, len(pairs.captions), step))
            drawn = drawn_from(
                self._prior(), model, self._latents(some.shown), [""] * len(some.captions)
            )
            for given, made in zip(self._decoded(some.shown), drawn, strict=True):
                shown += [to_picture(given), to_picture(made)]
        return picture_sheet(shown, num_columns=8)

    @torch.no_grad()
    def evaluate(self, model: Any) -> dict[str, float]:
        """Mean error in ``v`` without a prompt, and how much worse it is without the picture too.

        Fixed noise and evenly spread timesteps, on what is held out.
        """
        figures = {}
        for name, pairs in self._held_out.items():
            count = len(pairs.captions)
            spread = np.linspace(0, count - 1, min(count, _NUM_MEASURED)).round().astype(int)
            some = _some(pairs, spread.tolist())
            clean = self._latents(some.drawn)
            noise = randn(
                tuple(clean.shape[1:]), generators_for(0, range(len(clean)), "evaluation noise")
            )
            times = torch.arange(len(clean), device=self._device) * 7919 % 1000
            noised = Noised(
                clean, noise.to(clean), times.float().clamp(max=self._schedule.max_timestep)
            )
            states = model(self._latents(some.shown))
            with_it, without = (
                float(mean_square(self._v(noised, cond) - self._target(noised)).mean())
                for cond in (self._untold(model, states, scale) for scale in (1.0, 0.0))
            )
            figures[f"v_error_{name}/picture"] = with_it
            figures[f"v_error_{name}/picture_gain"] = without - with_it
            figures[f"told_apart/{name}"] = self._told_apart(states, some.plain)
        return figures

    def _told_apart(self, states: PictureStates, captions: tuple[str, ...]) -> float:
        """Share of pictures whose own caption is the nearest of all that are measured."""
        bank = tuple(dict.fromkeys(captions))
        pooled, _ = self._captions.of(bank)
        nearest = (states.pooled @ pooled.T).argmax(1).tolist()
        hits = [bank[one] == own for one, own in zip(nearest, captions, strict=True)]
        return float(np.mean(hits))

    def package(self, model: Any) -> Package:
        """The adapter, its tokens stretched, and what it stands on."""
        requires = {kind: base.identity for kind, base in self._models.items()}
        return Package("ip_adapter", self._stretched(model), self._config.architecture, requires)

    @torch.no_grad()
    def _stretched(self, model: Any) -> Any:
        """A copy whose tokens vary as much as those of captions.

        What the least squared distance leaves uncertain is drawn to the mean.
        """
        rng = np.random.default_rng(stream_seed(self._seed, 0, "stretched tokens"))
        pairs = self._source.draw(_NUM_STRETCHED, rng)
        _, wanted = self._captions.of(pairs.plain)
        made = model(self._latents(pairs.shown)).tokens
        spreads = [float((one.std(0) / model.word_std).square().mean()) for one in (wanted, made)]
        stretched = deepcopy(model)
        stretched.word_std *= (spreads[0] / max(spreads[1], _LEAST_SPREAD)) ** 0.5
        return stretched

    def _prior(self) -> EmbeddedPrior:
        return EmbeddedPrior(
            self._models["autoencoder"].model, self._models["text_encoder"].model, self._unet,
            load_tokenizer(), (SIZE_PX, SIZE_PX),
        )  # fmt: skip

    def _untold(self, model: Any, states: PictureStates, scale: float) -> EmbeddedCond:
        """Pictures without prompts or views."""
        count = len(states.pooled)
        return told(self._prior(), model, states, [""] * count, [None] * count, scale)

    def _target(self, noised: Noised) -> Images:
        """``v = alpha eps - sigma x0``."""
        clean, noise, timesteps = noised
        alpha, sigma = self._schedule.alpha_sigma(timesteps)
        return per_sample(alpha, clean) * noise - per_sample(sigma, clean) * clean

    def _v(self, noised: Noised, cond: EmbeddedCond) -> Images:
        latents = self._schedule.add_noise(*noised)
        latents = latents.contiguous(memory_format=torch.channels_last)
        return predict_v(self._unet, latents, noised.timesteps, cond).float()

    def _latents(self, codes: np.ndarray) -> Images:
        return torch.from_numpy(codes).to(self._device)

    def _decoded(self, codes: np.ndarray) -> Images:
        with torch.no_grad():
            return self._prior().decode(self._latents(codes))


def contrast(
    made: Float[Tensor, "b d"], wanted: Float[Tensor, "b d"], same: Bool[Tensor, "b b"]
) -> Float[Tensor, ""]:
    """Cross entropy of finding a picture's caption in the batch, and a caption's picture.

    Both are told by the cosine; captions that are equal share the target (Radford et al. 2021).
    """
    logits = F.normalize(made, dim=1) @ F.normalize(wanted, dim=1).T / _TEMPERATURE
    target = same / same.sum(1, keepdim=True)
    by_picture = -(target * logits.log_softmax(1)).sum(1).mean()
    by_caption = -(target * logits.log_softmax(0)).sum(0).mean()
    return (by_picture + by_caption) / 2


def mean_square(errors: Images) -> Float[Tensor, " b"]:
    """Of each sample."""
    return (errors**2).mean((1, 2, 3))


def _some(pairs: ImagePairs, rows: Sequence[int]) -> ImagePairs:
    chosen = list(rows)
    return ImagePairs(
        pairs.shown[chosen], pairs.drawn[chosen],
        tuple(pairs.captions[row] for row in chosen), tuple(pairs.plain[row] for row in chosen),
        tuple(pairs.views[row] for row in chosen),
    )  # fmt: skip


@torch.no_grad()
def _start_from_text(adapter: ImagePrompt, unet: Any) -> None:
    """Keys and values begin as those of the text, as in the paper's code."""
    for keys, attention in zip(adapter.attention.keys, cross_attentions(unet), strict=True):
        keys.to_k.weight.copy_(attention.to_k.weight)
        keys.to_v.weight.copy_(attention.to_v.weight)


def open_ip_adapter_training(
    config: TrainIPAdapter, cache: Path, seed: int, device: str
) -> IPAdapterTraining:
    """Load the frozen prior, encode the pictures (once) and build the adapter.

    Raises:
        InputError: models are missing or data is not prepared.
    """
    folder = config.models_dir or ZOO
    check_embedded_prior(folder)
    models = load_prior_models(folder, device)
    on_device(models["image_unet"].model, device)
    source = open_image_pairs(
        models["autoencoder"], cache, device, config.kit_share, config.same_share,
        config.view_dropout, config.chinese_share,
    )  # fmt: skip
    return IPAdapterTraining(config, source, models, seed, device)
