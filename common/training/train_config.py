"""The keys of the train app."""

from pathlib import Path
from typing import Annotated, Literal

from common.config import BY_NAME, Config
from common.runs.config import RunConfig
from common.training.autoencoder_trainer import TrainAutoencoder
from common.training.frame_layers_trainer import TrainMotionLayers, TrainViewLayers
from common.training.image_unet_trainer import TrainImageUNet
from common.training.ip_adapter_trainer import TrainIPAdapter
from common.training.judge_trainer import TrainJudge
from common.training.text_encoder_trainer import TrainTextEncoder
from common.training.upscaler_trainer import TrainUpscaler

Method = Annotated[
    TrainAutoencoder
    | TrainTextEncoder
    | TrainImageUNet
    | TrainJudge
    | TrainMotionLayers
    | TrainViewLayers
    | TrainUpscaler
    | TrainIPAdapter,
    BY_NAME,
]
"""What the train app can train, chosen by its ``name``."""


class StorageConfig(Config):
    """How the result is stored."""

    precision: Literal["bfloat16", "int8", "float32"] = "bfloat16"
    """Of weights with two or more axes; int8 has one scale for each output channel."""


class TrainConfig(RunConfig):
    """Trains one of the embedded models from prepared data."""

    app: Literal["train"] = "train"
    method: Method = TrainAutoencoder()
    """What to train, and how."""
    cache_dir: Path | None = None
    """Where `prepare/*` has put the data; null is $XDG_CACHE_HOME/extrude or ~/.cache/extrude."""
    init_from: Path | None = None
    """A run folder of the same method whose newest checkpoint gives the first weights."""
    storage: StorageConfig = StorageConfig()
    """How the result is stored."""
