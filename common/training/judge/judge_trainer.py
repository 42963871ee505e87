"""Training the judge: pictures and their captions by contrast, and the azimuth of renders."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int8
from pydantic import Field, model_validator
from torch import Tensor

from common.config import Config
from common.embedded.judge import Judge, JudgeArchitecture, on_backgrounds
from common.embedded.text_encoder import TextEncoderArchitecture, token_batch
from common.embedded.tokenizer import load_tokenizer
from common.kit.catalogue import CATEGORIES
from common.kit.palette import ColourName
from common.seeding import generator_for, stream_seed
from common.shapes import Images, Picture
from common.training.autoencoder.autoencoder_trainer import to_unit_range
from common.training.emoji.emoji_colours import load_colours
from common.training.emoji.emoji_concepts import load_concepts
from common.training.emoji.emoji_split import TRAIN_AUGMENTATION
from common.training.emoji.emoji_stills import EmojiStills, load_stills
from common.training.initial_weights import initial_weights, on_device
from common.training.judge.judge_emoji import DrawnEmoji, draw_emoji, emoji_source
from common.training.judge.judge_evaluation import EMOJI_MOVES, RealPictures, measured
from common.training.judge.judge_kit import DrawnKit, KitSource, draw_kit
from common.training.judge.judge_losses import taught_azimuth_loss, truth_contrast
from common.training.judge.judge_preview import preview_sheet
from common.training.judge.judge_truth import alike_table, emoji_block, truth_table
from common.training.kit.kit_parts import INSTANCES, PAIRS, TRAIN, TURNED, TURNED_INSTANCES
from common.training.kit.kit_pictures import load_kit
from common.training.loop_config import LearningRate, LoopConfig
from common.training.pictures.augmentation import Augmentation, augment, uniform
from common.training.text.text_start import start_from_taught
from common.training.text.text_targets import taught_texts
from common.training.training import Package

RECOLOURED = Augmentation(affine=0.0, flip=0.0, recolor=1.0, opaque=0.0)
KIT_MOVES = Augmentation(
    affine=0.7, max_zoom=1.2, max_shift=0.1, max_turn_deg=6.0, flip=0.0, recolor=0.0, opaque=0.0
)
"""Mirroring is left out: it would exchange views."""
_MAX_SCALE = 100.0


class TrainJudge(Config):
    """The judge: pictures and texts to one space."""

    name: Literal["judge"] = "judge"
    size_px: Literal[64, 128] = 64
    """Side of the pictures it looks at."""
    channels: tuple[int, int, int] = (32, 96, 224)
    """Channels at a half, a quarter and an eighth of the side."""
    blocks: tuple[int, int, int] = (1, 2, 2)
    """Residual blocks there."""
    joint_channels: int = Field(128, ge=8, le=2048)
    """Features in which pictures and texts are compared."""
    sources: Literal["emoji", "emoji+kit"] = "emoji+kit"
    """What it is trained on; it is measured on both in any case."""
    num_kit_categories: int = Field(14, ge=1, le=len(CATEGORIES))
    """Kit categories in a batch, if there are any; the rest of the batch are emoji."""
    objects_per_category: int = Field(4, ge=1)
    """Kit objects of each of them, in different colours."""
    num_other_names: int = Field(160, ge=0)
    """Further emoji names a batch, and half as many nouns of kit categories, to tell apart."""
    chinese_share: float = Field(0.35, ge=0, le=1)
    """Share of the captions that are Chinese."""
    recolour_share: float = Field(0.2, ge=0, le=1)
    """Share of the emoji stills shown in other colours, of things that are known by their shape."""
    text_start: Literal["teacher", "random"] = "teacher"
    """Weights of the text side before the first step: the teacher's words in closed form (as the
    text encoder's, which the judge shares nothing else with), or random."""
    view_weight: float = Field(1.0, ge=0)
    """Weight of the loss of the azimuth; the contrast has 1."""
    turned_share: float = Field(0.5, ge=0, le=1)
    """Share of the kit's renders under a light that is turned at random. Only they teach the
    azimuth: the kit's light stands still, and shading would tell it where the shape does not."""
    loop: LoopConfig = LoopConfig(
        num_steps=6000, batch_size=112, learning_rate=LearningRate(peak=1e-3, warmup_steps=300)
    )
    """How long and in which steps to train."""

    @property
    def architecture(self) -> JudgeArchitecture:
        """Sizes of the model for the committed vocabulary."""
        return JudgeArchitecture(
            size_px=self.size_px,
            channels=self.channels,
            blocks=self.blocks,
            joint_channels=self.joint_channels,
            text=TextEncoderArchitecture(
                num_tokens=load_tokenizer().num_tokens,
                embedding_channels=48, channels=128, num_layers=2, num_heads=4,
            ),
        )  # fmt: skip

    @property
    def num_kit(self) -> int:
        """Kit pictures in a batch."""
        if self.sources == "emoji":
            return 0
        return self.num_kit_categories * self.objects_per_category

    @model_validator(mode="after")
    def _emoji_fit(self) -> "TrainJudge":
        if self.num_kit >= self.loop.batch_size:
            raise ValueError(
                f"num_kit_categories {self.num_kit_categories} x objects_per_category "
                f"{self.objects_per_category} = {self.num_kit} kit pictures leave no room for "
                f"emoji in loop.batch_size {self.loop.batch_size}"
            )
        return self


class Batch(NamedTuple):
    """Pictures and captions of one step; the kit's renders are the last pictures."""

    pictures: Float[Tensor, "b 3 h w"]
    texts: tuple[str, ...]
    truth: Int8[np.ndarray, "b t"]
    azimuths_deg: Float[Tensor, " k"]
    """Of the renders; NaN where it is not taught."""


class JudgeTraining:
    """The losses and figures of a judge.

    State: the model in training, and where its pictures and captions come from.
    """

    def __init__(
        self,
        config: TrainJudge,
        real: RealPictures,
        kit: KitSource,
        seed: int,
        device: str,
    ):
        self._config = config
        self._real = real
        self._seed = seed
        self._device = device
        self._tokenizer = load_tokenizer()
        self._emoji = emoji_source(real.emoji, real.colours)
        self._kit = kit
        self._alike = alike_table(self._emoji.meaning_of(), load_concepts())
        with initial_weights(seed, "judge"):
            self._model = on_device(Judge(config.architecture), device)

    @property
    def model(self) -> Judge:
        """The model in training."""
        return self._model

    def losses(self, forward: Callable[..., Any], draw: int) -> Mapping[str, Tensor]:
        """Contrast of pictures and captions by what is true, and the azimuth of renders."""
        batch = self.batch(draw)
        tokens = token_batch(self._tokenizer, batch.texts, self._device)
        made = forward(batch.pictures.to(self._device), *tokens)
        num_kit = len(batch.azimuths_deg)
        # Cosines near 1 need more digits than bfloat16 has.
        with torch.autocast(torch.device(self._device).type, enabled=False):
            scale = self._model.log_scale.exp().clamp(max=_MAX_SCALE)
            scores = made.pictures @ made.texts.T * scale
            truth = torch.from_numpy(batch.truth).to(self._device)
            contrast = truth_contrast(scores, truth)
            if not num_kit:
                return {"loss": contrast, "contrast": contrast}
            view = taught_azimuth_loss(
                made.azimuths[-num_kit:], batch.azimuths_deg.to(self._device)
            )
        loss = contrast + self._config.view_weight * view
        return {"loss": loss, "contrast": contrast, "view": view}

    def batch(self, draw: int) -> Batch:
        """Batch number ``draw``, on the CPU."""
        config = self._config
        rng = np.random.default_rng(stream_seed(self._seed, draw, "training judgements"))
        generator = generator_for(self._seed, draw, TRAIN_AUGMENTATION)
        emoji = draw_emoji(
            self._emoji, config.loop.batch_size - config.num_kit, config.num_other_names,
            config.chinese_share, config.recolour_share, rng,
        )  # fmt: skip
        stills = self._emoji_pictures(emoji, generator)
        meanings = self._emoji.meanings
        block = emoji_block(meanings[emoji.rows], meanings[emoji.text_rows], emoji.written_for)
        if not config.num_kit:
            return Batch(stills, emoji.texts, block, torch.zeros(0))
        kit = draw_kit(
            self._kit, config.num_kit_categories, config.objects_per_category,
            config.num_other_names // 2, config.turned_share, config.chinese_share, rng,
        )  # fmt: skip
        renders = kit_pictures(kit, generator)
        claims = np.stack([claim.codes for claim in kit.claims])
        truth = truth_table(
            block, kit.objects, claims, meanings[emoji.rows], meanings[emoji.text_rows], self._alike
        )
        texts = (*emoji.texts, *(claim.text for claim in kit.claims))
        return Batch(torch.cat([stills, renders]), texts, truth, torch.from_numpy(kit.azimuths_deg))

    def _emoji_pictures(
        self, emoji: DrawnEmoji, generator: torch.Generator
    ) -> Float[Tensor, "b 3 h w"]:
        """Stills moved at random, some in other colours, each on a random colour."""
        plain = to_unit_range(np.asarray(self._emoji.stills.pixels[emoji.rows]), "cpu")
        chosen = torch.from_numpy(emoji.recoloured)
        if bool(chosen.any()):
            plain[chosen] = augment(plain[chosen], RECOLOURED, generator)
        return on_any_colour(augment(plain, EMOJI_MOVES, generator), generator)

    def evaluate(self, model: Judge) -> dict[str, float]:
        """Ceilings and floors on real pictures that training never shows."""
        return measured(model, self._real, self._device)

    def preview(self, model: Judge) -> Picture:
        """Real pictures of the test with what the judge says of them."""
        return preview_sheet(model, self._real, self._device)

    def package(self, model: Judge) -> Package:
        """The whole judge."""
        return Package("judge", model, self._config.architecture, {})


def kit_pictures(kit: DrawnKit, generator: torch.Generator) -> Float[Tensor, "b 3 h w"]:
    """Renders moved a little, each on a random colour."""
    return on_any_colour(augment(to_unit_range(kit.pixels, "cpu"), KIT_MOVES, generator), generator)


def on_any_colour(pictures: Images, generator: torch.Generator) -> Float[Tensor, "b 3 h w"]:
    """Premultiplied pictures in [0, 1], each laid on a random colour: RGB in [-1, 1]."""
    backgrounds = uniform(3 * len(pictures), 0.0, 1.0, generator).reshape(-1, 3)
    return on_backgrounds(pictures * 2 - 1, backgrounds)


def open_judge_training(config: TrainJudge, cache: Path, seed: int, device: str) -> JudgeTraining:
    """Map the stills and renders and build the model.

    Raises:
        InputError: stills or renders are not prepared.
    """
    colours: dict[str, ColourName | None] = {k: found.sure for k, found in load_colours().items()}
    stills: EmojiStills = load_stills(cache, config.size_px)
    held_out = (
        load_kit(cache, part, config.size_px) for part in (INSTANCES, PAIRS, TURNED_INSTANCES)
    )
    real = RealPictures(stills, colours, *held_out)
    parts = (TRAIN, TURNED) if config.num_kit else ()
    kit = KitSource(*(load_kit(cache, part, config.size_px) for part in parts))
    training = JudgeTraining(config, real, kit, seed, device)
    if config.text_start == "teacher":
        start_reading(training.model, cache)
    return training


@torch.no_grad()
def start_reading(judge: Judge, cache: Path) -> None:
    """Let the text side begin with what the teacher says of words (``text_start``).

    The map to the joint space begins as the identity, as far as it reaches.

    Raises:
        InputError: the teacher is not prepared.
    """
    taught = taught_texts(cache, judge.from_read.in_features)
    start_from_taught(judge.read, load_tokenizer(), cache, taught)
    torch.nn.init.eye_(judge.from_read.weight)
    torch.nn.init.zeros_(judge.from_read.bias)
