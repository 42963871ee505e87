"""A real embedded prior, small enough that a run takes a second: untrained models in a folder."""

from pathlib import Path

import torch

from common.diffusion.frame_attention import FrameTransformerSizes
from common.diffusion.lifted_unet import FrameLayers, FrameLayersArchitecture
from common.embedded.autoencoder import Autoencoder
from common.embedded.class_names import load_class_names
from common.embedded.concepts import load_concepts
from common.embedded.control_net import ControlNetArchitecture, UnionControlNet
from common.embedded.few_step import FewStep, FewStepArchitecture
from common.embedded.few_step_frames import FewStepFrames, FewStepFramesArchitecture
from common.embedded.image_prompt import ImagePrompt, ImagePromptArchitecture
from common.embedded.image_unet import NUM_VIEW_FEATURES, ImageUNetArchitecture, build_image_unet
from common.embedded.noisy_classifier import NoisyClassifier, NoisyClassifierArchitecture
from common.embedded.text_encoder import TextEncoder, TextEncoderArchitecture
from common.embedded.tokenizer import load_tokenizer
from common.training.facts.domain_fit import fit_domain
from common.zoo.few_step import OF_FRAMES
from common.zoo.models import (
    FrameKind,
    check_embedded_prior,
    load_autoencoder,
    load_frame_layers,
    load_prior_models,
    load_text_encoder,
)
from common.zoo.storage import read_manifest, save_model
from tests.common.training.small_training import ARCHITECTURE

TEXT = TextEncoderArchitecture(
    num_tokens=load_tokenizer().num_tokens, embedding_channels=8, channels=32, num_layers=1,
    num_heads=2,
)  # fmt: skip
UNET = ImageUNetArchitecture(
    latent_channels=4, text_channels=32, block_channels=(16, 32), head_channels=16, norm_groups=4
)

TRANSFORMER = FrameTransformerSizes(
    num_heads=2, norm_groups=4, feedforward_factor=1, told_places=True, condition_channels=8
)
FRAMES = FrameLayersArchitecture(
    transformer=TRANSFORMER, spans=("place", "everywhere"), max_frames=16,
    condition_channels=32 + 7, first_alone=True, shared_noise=0.5,
)  # fmt: skip
VIEWS = FRAMES.model_copy(update={
    "transformer": TRANSFORMER.model_copy(update={"ordered": False}), "first_alone": False,
    "shared_noise": 0.0,
})  # fmt: skip

CONTROL = ControlNetArchitecture(
    block_channels=(8, 16), picture_channels=(4, 8), embedding_channels=16, norm_groups=4
)


def store(folder: Path, kind: str, model, sizes, requires=None) -> str:
    """Store an untrained model; its identity."""
    return save_model(
        folder, kind, model.state_dict(), "int8", kind=kind,
        architecture=sizes.model_dump(mode="json"), requires=requires or {}, figures={},
    ).identity  # fmt: skip


def store_prior(folder: Path, seed: int = 0) -> None:
    """The three models of the prior, their weights drawn from ``seed``."""
    with torch.random.fork_rng():
        torch.random.manual_seed(seed)
        stands_on = {
            "autoencoder": store(folder, "autoencoder", Autoencoder(ARCHITECTURE), ARCHITECTURE),
            "text_encoder": store(folder, "text_encoder", TextEncoder(TEXT), TEXT),
        }
        store(folder, "image_unet", build_image_unet(UNET), UNET, stands_on)


def store_frame_layers(folder: Path, kind: FrameKind, seed: int = 0) -> None:
    """Frame layers with random weights everywhere, on the folder's prior."""
    models = load_prior_models(folder)
    sizes = FRAMES if kind == "motion_layers" else VIEWS
    with torch.random.fork_rng():
        torch.random.manual_seed(seed)
        layers = FrameLayers(sizes, models["image_unet"].model)
        for weight in layers.parameters():
            torch.nn.init.normal_(weight, std=0.1)
    store(folder, kind, layers, sizes, {name: one.identity for name, one in models.items()})


def store_ip_adapter(folder: Path, seed: int = 0) -> None:
    """Image prompts with random weights everywhere, for the folder's prior."""
    models = load_prior_models(folder)
    sizes = ImagePromptArchitecture(latent_channels=4, text_channels=32)
    with torch.random.fork_rng():
        torch.random.manual_seed(seed)
        adapter = ImagePrompt(sizes, models["image_unet"].model)
        for weight in adapter.parameters():
            torch.nn.init.normal_(weight, std=0.3)
    store(folder, "ip_adapter", adapter, sizes, {n: one.identity for n, one in models.items()})


def store_few_step(folder: Path, seed: int = 0) -> None:
    """A student of 1, 2 or 4 steps with random weights everywhere, on the folder's prior."""
    models = load_prior_models(folder)
    sizes = FewStepArchitecture(rank=2, num_steps=(1, 2, 4))
    with torch.random.fork_rng():
        torch.random.manual_seed(seed)
        student = FewStep(sizes, models["image_unet"].model, TEXT.channels)
        for weight in student.parameters():
            torch.nn.init.normal_(weight, std=0.2)
    store(folder, "few_step", student, sizes, {n: one.identity for n, one in models.items()})


def store_few_step_frames(folder: Path, kind: FrameKind, seed: int = 0) -> None:
    """A student of clips or views with random weights everywhere, over that of pictures."""
    manifests = check_embedded_prior(folder, kind)
    models = load_prior_models(folder)
    layers = load_frame_layers(kind, models, folder).model
    sizes = FewStepFramesArchitecture(rank=2, num_steps=(1, 2, 4))
    with torch.random.fork_rng():
        torch.random.manual_seed(seed)
        student = FewStepFrames(sizes, layers, width=TEXT.channels + NUM_VIEW_FEATURES)
        for weight in student.parameters():
            torch.nn.init.normal_(weight, std=0.2)
    requires = {name: one.identity for name, one in manifests.items()}
    requires["few_step"] = read_manifest(folder, "few_step").identity
    store(folder, OF_FRAMES[kind], student, sizes, requires)


def store_domain(folder: Path) -> None:
    """What is fitted to the folder's text encoder."""
    fit_domain(load_text_encoder(folder), load_tokenizer(), folder, load_concepts())


def store_control_net(folder: Path, sizes: ControlNetArchitecture = CONTROL) -> None:
    """A ControlNet with random weights everywhere, on the folder's prior."""
    models = load_prior_models(folder)
    with torch.random.fork_rng():
        torch.random.manual_seed(0)
        net = UnionControlNet(sizes, models["image_unet"].model)
        for weight in net.parameters():
            torch.nn.init.normal_(weight, std=0.2)
    store(folder, "controlnet", net, sizes, {name: one.identity for name, one in models.items()})


def store_classifier(folder: Path, **changes) -> None:
    """A noisy classifier with random weights everywhere, of the folder's latents."""
    names = load_class_names()
    values = {
        "latent_channels": 4, "num_whats": len(names.whats), "num_colours": len(names.colours),
        "names_sha256": names.digest, "widths": (8,), "num_blocks": (1,), "level_channels": 8,
        "hidden_channels": 8,
    }  # fmt: skip
    sizes = NoisyClassifierArchitecture(**(values | changes))
    with torch.random.fork_rng():
        torch.random.manual_seed(0)
        network = NoisyClassifier(sizes)
        for weight in network.parameters():
            torch.nn.init.normal_(weight, std=0.3)
    requires = {"autoencoder": load_autoencoder(folder).identity}
    store(folder, "noisy_classifier", network, sizes, requires)
