"""From a training config to what the loop trains, and what it will take."""

from pathlib import Path
from typing import assert_never

from torch import nn

from common.control.estimated_maps import SIZE_PX
from common.diffusion.lifted_unet import FrameLayers
from common.embedded.autoencoder import DOWNSAMPLING, Autoencoder
from common.embedded.control_net import UnionControlNet
from common.embedded.few_step import FewStep
from common.embedded.few_step_frames import FewStepFrames
from common.embedded.geometry_estimator import FOLD, GeometryEstimator
from common.embedded.image_prompt import ImagePrompt
from common.embedded.image_unet import ImageUNetArchitecture, build_image_unet
from common.embedded.judge import Judge
from common.embedded.noisy_classifier import NoisyClassifier
from common.embedded.pose_estimator import PoseEstimator
from common.embedded.upscaler import Upscaler
from common.runs.app import Estimate
from common.training.autoencoder.autoencoder_trainer import TrainAutoencoder, open_training
from common.training.classifier.noisy_classifier_trainer import (
    TrainNoisyClassifier,
    open_noisy_classifier_training,
)
from common.training.control.control_net_trainer import TrainControlNet, open_control_training
from common.training.folder.folder_estimate import folder_estimate
from common.training.folder.lora_trainer import (
    FullConfig,
    TrainDreambooth,
    TrainLora,
    open_lora_training,
)
from common.training.folder.textual_inversion_trainer import (
    TrainTextualInversion,
    open_textual_inversion,
)
from common.training.frames.few_step_frames_config import TrainFewStepMotion, TrainFewStepViews
from common.training.frames.frame_few_step_trainer import open_few_step_frames
from common.training.frames.frame_layers_trainer import (
    TOLD,
    TrainMotionLayers,
    TrainViewLayers,
    open_frame_training,
)
from common.training.geometry.geometry_trainer import (
    TrainGeometryEstimator,
    open_geometry_training,
)
from common.training.image.few_step_trainer import TrainFewStep, open_few_step_training
from common.training.image.image_unet_trainer import TrainImageUNet, open_image_training
from common.training.image.ip_adapter_trainer import TrainIPAdapter, open_ip_adapter_training
from common.training.judge.judge_trainer import TrainJudge, open_judge_training
from common.training.kit.clip_parts import NUM_FRAMES
from common.training.pose.pose_trainer import TrainPoseEstimator, open_pose_training
from common.training.text.text_encoder_trainer import Student, TrainTextEncoder, open_text_training
from common.training.train_config import Method, OfExtrude
from common.training.training import Training
from common.training.upscaler.upscaler_trainer import TrainUpscaler, open_upscaler_training

_LIBRARIES_BYTES = 700 * 2**20
_CELLS = 256
"""Of a latent of 128 px."""
_COPIES = 5
"""Float32 copies of the weights: trained, averaged, gradient and two moments."""


def build_training(method: Method, cache: Path, seed: int, device: str) -> Training:
    """Open the data and build the model.

    Raises:
        InputError: data that the method needs is not prepared.
    """
    match method:
        case TrainAutoencoder():
            return open_training(method, cache, seed, device)
        case TrainTextEncoder():
            return open_text_training(method, cache, seed, device)
        case TrainImageUNet():
            return open_image_training(method, cache, seed, device)
        case TrainJudge():
            return open_judge_training(method, cache, seed, device)
        case TrainMotionLayers() | TrainViewLayers():
            return open_frame_training(method, cache, seed, device)
        case TrainControlNet():
            return open_control_training(method, cache, seed, device)
        case TrainUpscaler():
            return open_upscaler_training(method, cache, seed, device)
        case TrainIPAdapter():
            return open_ip_adapter_training(method, cache, seed, device)
        case TrainLora() | TrainDreambooth():
            return open_lora_training(method, cache, seed, device)
        case TrainTextualInversion():
            return open_textual_inversion(method, cache, seed, device)
        case TrainFewStep():
            return open_few_step_training(method, cache, seed, device)
        case TrainFewStepViews() | TrainFewStepMotion():
            return open_few_step_frames(method, seed, device)
        case TrainNoisyClassifier():
            return open_noisy_classifier_training(method, cache, seed, device)
        case TrainGeometryEstimator():
            return open_geometry_training(method, cache, seed, device)
        case TrainPoseEstimator():
            return open_pose_training(method, cache, seed, device)
        case _:
            assert_never(method)


def training_estimate(method: Method) -> Estimate:
    """Sizes, memory and steps."""
    if isinstance(method, TrainTextualInversion):
        return folder_estimate(method, None, 0)
    if isinstance(method, TrainLora | TrainDreambooth):
        change = None if isinstance(method.change, FullConfig) else method.change
        return folder_estimate(method, change, -1 if change is None else 0)
    num_weights, numbers = _size(method)
    batch = method.loop.batch_size
    sizes = {
        "parameters": f"{num_weights:,}",
        "batch_size": f"{batch} x {method.loop.num_accumulated}",
        "samples": f"{batch * method.loop.num_accumulated * method.loop.num_steps:,}",
    }
    memory = _LIBRARIES_BYTES + 4 * (_COPIES * num_weights + batch * numbers)
    return Estimate(sizes, memory, method.loop.num_steps)


def _size(method: OfExtrude) -> tuple[int, int]:
    """How many weights there are, and about how many numbers a sample keeps for the gradient."""
    match method:
        case TrainAutoencoder():
            sizes = method.architecture
            # Most of them are the blocks' at a quarter and at half of the side.
            return _num_weights(Autoencoder(sizes)), 40 * sizes.middle_channels * (
                method.size_px // 4
            ) ** 2
        case TrainTextEncoder():
            return _num_weights(Student(method.architecture)), 64 * 40 * method.channels
        case TrainImageUNet():
            latent = (method.size_px // DOWNSAMPLING) ** 2
            unet = build_image_unet(method.architecture)
            return _num_weights(unet), 60 * method.architecture.block_channels[0] * latent
        case TrainJudge():
            half = (method.size_px // 2) ** 2
            return _num_weights(Judge(method.architecture)), 24 * method.channels[0] * half
        case TrainMotionLayers() | TrainViewLayers():
            # The zoo's own U-Net has the default sizes; the layers' share is about as much again.
            lifted = ImageUNetArchitecture()
            layers = FrameLayers(method.architecture, build_image_unet(lifted))
            frames = method.num_views if isinstance(method, TrainViewLayers) else NUM_FRAMES
            return _num_weights(layers), 120 * lifted.block_channels[0] * _CELLS * frames
        case TrainControlNet():
            steered = ImageUNetArchitecture()
            net = UnionControlNet(method.architecture, build_image_unet(steered))
            return _num_weights(net), 120 * steered.block_channels[0] * _CELLS
        case TrainUpscaler():
            upscaler = method.architecture
            cells = (method.patch_px // 4) ** 2
            features = 4 * upscaler.num_blocks * upscaler.channels * cells
            return _num_weights(Upscaler(upscaler)), features + 60 * method.patch_px**2
        case TrainIPAdapter():
            lifted = ImageUNetArchitecture()
            adapter = ImagePrompt(method.architecture, build_image_unet(lifted))
            return _num_weights(adapter), 60 * lifted.block_channels[0] * _CELLS
        case TrainFewStep():
            taught = ImageUNetArchitecture()
            student = FewStep(method.architecture, build_image_unet(taught), taught.text_channels)
            return _num_weights(student), 120 * taught.block_channels[0] * _CELLS
        case TrainFewStepViews() | TrainFewStepMotion():
            return _few_step_frames_size(method)
        case TrainNoisyClassifier():
            classifier = method.architecture
            features = 4 * sum(classifier.num_blocks) * classifier.widths[0] * _CELLS
            return _num_weights(NoisyClassifier(classifier)), features
        case TrainGeometryEstimator():
            estimator = method.architecture
            finest = estimator.widths[0] * (SIZE_PX // FOLD) ** 2
            # Blocks keep four times their width, on both ways; coarser levels a part of that.
            features = 16 * max(estimator.num_blocks) * finest + 40 * SIZE_PX**2
            return _num_weights(GeometryEstimator(estimator)), features
        case TrainPoseEstimator():
            poses = method.architecture
            finest = poses.widths[0] * (SIZE_PX // FOLD) ** 2
            return _num_weights(PoseEstimator(poses)), 32 * finest + 20 * SIZE_PX**2
        case _:
            assert_never(method)


def _few_step_frames_size(method: TrainFewStepViews | TrainFewStepMotion) -> tuple[int, int]:
    """As `_size`; the frame layers are those of the zoo."""
    taught = ImageUNetArchitecture()
    if isinstance(method, TrainFewStepViews):
        lifted, available = TrainViewLayers().architecture, method.num_views
    else:
        lifted, available = TrainMotionLayers().architecture, method.num_frames
    layers = FrameLayers(lifted, build_image_unet(taught))
    student = FewStepFrames(method.architecture, layers, width=TOLD)
    frames = min(method.frames_at_once, available)
    return _num_weights(student), 120 * taught.block_channels[0] * _CELLS * frames


def _num_weights(model: nn.Module) -> int:
    return sum(weight.numel() for weight in model.parameters())
