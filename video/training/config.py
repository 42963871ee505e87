"""The keys of the train_video app."""

from typing import Annotated, Literal

from common.config import BY_NAME
from common.training.training_config import TrainingConfig
from video.training.causal_autoencoder_trainer import TrainCausalAutoencoder
from video.training.spacetime_dit_trainer import TrainSpacetimeDiT

Method = Annotated[TrainSpacetimeDiT | TrainCausalAutoencoder, BY_NAME]
"""What the train_video app can train, chosen by its ``name``."""


class TrainVideoConfig(TrainingConfig):
    """Trains the models that only clips need."""

    app: Literal["train_video"] = "train_video"
    method: Method = TrainSpacetimeDiT()
    """What to train, and how."""
