"""The keys of the train app."""

from typing import Annotated, Literal

from common.config import BY_NAME
from common.training.autoencoder.autoencoder_trainer import TrainAutoencoder
from common.training.classifier.noisy_classifier_trainer import TrainNoisyClassifier
from common.training.control.control_net_trainer import TrainControlNet
from common.training.folder.lora_trainer import TrainDreambooth, TrainLora
from common.training.folder.textual_inversion_trainer import TrainTextualInversion
from common.training.frames.few_step_frames_config import TrainFewStepMotion, TrainFewStepViews
from common.training.frames.frame_layers_trainer import TrainMotionLayers, TrainViewLayers
from common.training.geometry.geometry_trainer import TrainGeometryEstimator
from common.training.image.few_step_trainer import TrainFewStep
from common.training.image.image_unet_trainer import TrainImageUNet
from common.training.image.ip_adapter_trainer import TrainIPAdapter
from common.training.judge.judge_trainer import TrainJudge
from common.training.pose.pose_trainer import TrainPoseEstimator
from common.training.text.text_encoder_trainer import TrainTextEncoder
from common.training.training_config import TrainingConfig
from common.training.upscaler.upscaler_trainer import TrainUpscaler

OfExtrude = (
    TrainAutoencoder
    | TrainTextEncoder
    | TrainImageUNet
    | TrainJudge
    | TrainMotionLayers
    | TrainViewLayers
    | TrainControlNet
    | TrainUpscaler
    | TrainIPAdapter
    | TrainFewStep
    | TrainFewStepViews
    | TrainFewStepMotion
    | TrainNoisyClassifier
    | TrainGeometryEstimator
    | TrainPoseEstimator
)
"""The embedded models, from prepared data."""

Method = Annotated[OfExtrude | TrainLora | TrainDreambooth | TrainTextualInversion, BY_NAME]
"""What the train app can train, chosen by its ``name``."""


class TrainConfig(TrainingConfig):
    """Trains an embedded model from prepared data, or teaches a prior a user's pictures."""

    app: Literal["train"] = "train"
    method: Method = TrainAutoencoder()
    """What to train, and how."""
