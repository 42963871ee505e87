"""The embedded models by name: read from the zoo and checked against what they stand on."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch

from common.adapters.image_prompt_config import ImagePromptConfig
from common.adapters.lora import add_loras, check_lora_files
from common.adapters.lora_config import LoraConfig
from common.adapters.word_config import WordConfig
from common.diffusion.inflation import check_identity
from common.diffusion.lifted_unet import (
    FrameLayers,
    FrameLayersArchitecture,
    LiftedUNet,
    compile_lifted,
)
from common.embedded.autoencoder import Autoencoder, AutoencoderArchitecture
from common.embedded.clip_plan import NOTHING_KNOWN, ClipPlan
from common.embedded.concepts import load_concepts
from common.embedded.control_config import EmbeddedControlConfig
from common.embedded.controls import EmbeddedControl
from common.embedded.domain import Domain, DomainRule, KnownEmbeddings, concepts_digest
from common.embedded.frame_prior import FramePrior
from common.embedded.framing import Framing, FramingArchitecture
from common.embedded.image_unet import ImageUNetArchitecture, build_image_unet
from common.embedded.judge import Judge, JudgeArchitecture
from common.embedded.mouth import MouthFinder, MouthFinderArchitecture
from common.embedded.prior import EmbeddedPrior
from common.embedded.prior_config import EmbeddedComputeConfig
from common.embedded.seen_moves import plan_following
from common.embedded.text_encoder import TextEncoder, TextEncoderArchitecture
from common.embedded.tokenizer import load_tokenizer
from common.embedded.trajectory import Trajectories, TrajectoryArchitecture
from common.embedded.upscaler import Upscaler, UpscalerArchitecture
from common.errors import InputError
from common.zoo.control_net import load_controls
from common.zoo.few_step import frames_in_few_steps, in_few_steps
from common.zoo.ip_adapter import shown_pictures
from common.zoo.storage import (
    Manifest,
    StoredModel,
    check_requires,
    fill,
    load_model,
    read_manifest,
)
from common.zoo.words import embedded_words

ZOO = Path(__file__).parent / "weights"
"""Where the repository's own models are."""

PRIOR_KINDS = ("autoencoder", "text_encoder", "image_unet")
"""The models of the embedded prior, each after those that it stands on."""

AS_IT_IS = EmbeddedComputeConfig()

FrameKind = Literal["motion_layers", "view_layers"]
"""Layers that lift the image U-Net: to clips, or to views of one object."""


@dataclass(frozen=True)
class Loaded:
    """A model in evaluation mode, without gradients, and the identity of its weights."""

    model: Any
    identity: str


def load_autoencoder(folder: Path = ZOO, device: str = "cpu") -> Loaded:
    """The autoencoder."""
    stored = load_model(folder, "autoencoder", "autoencoder")
    model = Autoencoder(architecture_of(AutoencoderArchitecture, stored.manifest.architecture))
    return ready(model, stored, device)


def load_text_encoder(folder: Path = ZOO, device: str = "cpu") -> Loaded:
    """The text encoder.

    Raises:
        InputError: also when it was trained on another vocabulary.
    """
    stored = load_model(folder, "text_encoder", "text_encoder")
    sizes = architecture_of(TextEncoderArchitecture, stored.manifest.architecture)
    if sizes.num_tokens != load_tokenizer().num_tokens:
        raise InputError(
            f"the text encoder in {folder} knows {sizes.num_tokens} tokens, the vocabulary has "
            f"{load_tokenizer().num_tokens}: they are of different versions"
        )
    return ready(TextEncoder(sizes), stored, device)


def load_image_unet(
    autoencoder: Loaded, text_encoder: Loaded, folder: Path = ZOO, device: str = "cpu"
) -> Loaded:
    """The image U-Net that stands on these two.

    Raises:
        InputError: also when it was trained on another autoencoder or text encoder.
    """
    stored = load_model(folder, "image_unet", "image_unet")
    at_hand = {"autoencoder": autoencoder.identity, "text_encoder": text_encoder.identity}
    check_requires(stored.manifest, at_hand)
    sizes = architecture_of(ImageUNetArchitecture, stored.manifest.architecture)
    return ready(build_image_unet(sizes), stored, device)


def load_judge(folder: Path = ZOO, device: str = "cpu") -> Loaded:
    """The judge; only what scores may load it."""
    stored = load_model(folder, "judge", "judge")
    sizes = architecture_of(JudgeArchitecture, stored.manifest.architecture)
    return ready(Judge(sizes), stored, device)


def load_upscaler(folder: Path = ZOO, device: str = "cpu") -> Loaded:
    """The upscaler, which stands on no other model."""
    stored = load_model(folder, "upscaler", "upscaler")
    sizes = architecture_of(UpscalerArchitecture, stored.manifest.architecture)
    return ready(Upscaler(sizes), stored, device)


def check_embedded_prior(
    folder: Path = ZOO, layers: FrameKind | None = None
) -> dict[str, Manifest]:
    """The manifests of the embedded prior's models by kind; no weights are read.

    Args:
        folder: where they are.
        layers: the layers that are needed too, for clips or for views.

    Raises:
        InputError: some are missing, damaged, or stand on others than those in the folder.
    """
    kinds = (*PRIOR_KINDS, layers) if layers else PRIOR_KINDS
    missing = [kind for kind in kinds if not (folder / f"{kind}.json").is_file()]
    if missing:
        raise InputError(
            f"the embedded prior needs the models {', '.join(kinds)}, and {folder} has no "
            f"{' and no '.join(missing)}: set prior.models_dir to a folder that has them, train "
            f"them ({', '.join(f'python run.py train/{kind}' for kind in missing)}), or use "
            "prior.name=gaussian"
        )
    manifests = {kind: read_manifest(folder, kind) for kind in kinds}
    at_hand = {kind: manifest.identity for kind, manifest in manifests.items()}
    for manifest in manifests.values():
        check_requires(manifest, at_hand)
    return manifests


def check_prior_loras(manifests: Mapping[str, Manifest], loras: Sequence[LoraConfig]) -> None:
    """Refuse LoRAs that the embedded U-Net has no place for; no weights of it are read."""
    if not loras:
        return
    with torch.device("meta"):
        sizes = architecture_of(ImageUNetArchitecture, manifests["image_unet"].architecture)
        unet = build_image_unet(sizes)
    check_lora_files({"unet": unet}, loras)


def load_domain(text_encoder: Loaded, folder: Path = ZOO) -> Domain:
    """What was fitted to a text encoder to tell prompts that the prior knows from others.

    Raises:
        InputError: also when it was fitted to another text encoder or list of concepts.
    """
    stored = load_model(folder, "domain", "domain")
    check_requires(stored.manifest, {"text_encoder": text_encoder.identity})
    architecture = stored.manifest.architecture
    if architecture.get("concepts_sha256") != concepts_digest(load_concepts()):
        raise InputError(
            f"{folder / 'domain.json'} was fitted to another list of concepts; fit it again: "
            f"python -m common.training.facts.domain_fit {folder}"
        )
    known = KnownEmbeddings(stored.weights["centre"], stored.weights["prototypes"])
    return Domain(known, _rule(architecture["rule"]))


def load_framing(text_encoder: Loaded, folder: Path = ZOO, device: str = "cpu") -> Loaded:
    """Where first frames of clips have their things.

    Raises:
        InputError: also when it was fitted to another text encoder.
    """
    stored = load_model(folder, "framing", "framing")
    check_requires(stored.manifest, {"text_encoder": text_encoder.identity})
    sizes = architecture_of(FramingArchitecture, stored.manifest.architecture)
    return ready(Framing(sizes), stored, device)


def load_clip_plan(
    text_encoder: Loaded, folder: Path = ZOO, device: str = "cpu", noise: float | None = None
) -> ClipPlan:
    """What is known of clips before they are drawn, as far as the folder has it.

    Raises:
        InputError: also when it was fitted to another text encoder.
    """
    framing = trajectories = None
    if (folder / "framing.json").is_file():
        framing = load_framing(text_encoder, folder, device).model
    if (folder / "trajectories.json").is_file():
        stored = load_model(folder, "trajectories", "trajectories")
        check_requires(stored.manifest, {"text_encoder": text_encoder.identity})
        sizes = architecture_of(TrajectoryArchitecture, stored.manifest.architecture)
        trajectories = ready(Trajectories(sizes), stored, device).model
    return ClipPlan(framing, trajectories, noise=noise)


def check_mouth_finder(folder: Path = ZOO) -> None:
    """Refuse a folder without what finds the mouths of faces.

    Raises:
        InputError: as said.
    """
    if not (folder / "mouth_finder.json").is_file():
        raise InputError(
            f"{folder} has no mouth_finder, which mouths of a timeline need: leave out "
            "prior.models_dir, or fit one (python -m common.training.talking.mouth_fit <folder>)"
        )


def load_mouth_finder(
    autoencoder: Loaded, folder: Path = ZOO, device: str = "cpu"
) -> MouthFinder | None:
    """What finds the mouths of faces, if the folder has it.

    Raises:
        InputError: also when it was fitted to another autoencoder.
    """
    if not (folder / "mouth_finder.json").is_file():
        return None
    stored = load_model(folder, "mouth_finder", "mouth_finder")
    check_requires(stored.manifest, {"autoencoder": autoencoder.identity})
    sizes = architecture_of(MouthFinderArchitecture, stored.manifest.architecture)
    finder: MouthFinder = ready(MouthFinder(sizes), stored, device).model
    return finder


def load_embedded_prior(
    size: tuple[int, int],
    folder: Path = ZOO,
    device: str = "cpu",
    loras: Sequence[LoraConfig] = (),
    controls: Sequence[EmbeddedControlConfig] = (),
    image_prompt: ImagePromptConfig | None = None,
    embeddings: Sequence[WordConfig] = (),
    few_steps: int | None = None,
    compute: EmbeddedComputeConfig = AS_IT_IS,
) -> EmbeddedPrior:
    """The whole prior for pictures of ``(height, width)``.

    LoRAs are put into its U-Net; controls are pictures that it follows, an image prompt pictures
    that say what is drawn, embeddings words that its prompts may have; with few steps it is the
    student that was taught so many. ``compute`` is how the U-Net does its work.
    """
    check_embedded_prior(folder)
    models = load_prior_models(folder, device)
    followed = _controls(controls, models, size, folder, device)
    prior = _shown(_prior_of(models, size, followed), models, image_prompt, folder)
    if few_steps is not None:
        identities = {kind: one.identity for kind, one in models.items()}
        prior = in_few_steps(prior, few_steps, identities, folder)
    add_loras({"unet": models["image_unet"].model}, loras)
    prior = _taught(prior, models, embeddings)
    return prior.computing(compute.feature_cache, compute.compile, compute.dtype == "bfloat16")


def load_frame_prior(
    kind: FrameKind,
    num_frames: int,
    size: tuple[int, int],
    folder: Path = ZOO,
    device: str = "cpu",
    loras: Sequence[LoraConfig] = (),
    trajectory_noise: float | None = None,
    controls: Sequence[EmbeddedControlConfig] = (),
    image_prompt: ImagePromptConfig | None = None,
    embeddings: Sequence[WordConfig] = (),
    num_followed: int | None = None,
    compute: EmbeddedComputeConfig = AS_IT_IS,
    few_steps: int | None = None,
) -> FramePrior:
    """The prior of clips, or of views, with frames of ``(height, width)``.

    LoRAs change the image U-Net under the frame layers, which stay as they are; controls have a
    picture for each frame or view, or one for all: for each of ``num_followed`` frames, where a
    clip has more than are drawn together. ``compute`` and ``few_steps`` are as for pictures.

    Raises:
        InputError: models are missing, damaged or of others, or more frames than were trained on.
    """
    check_embedded_prior(folder, kind)
    models = load_prior_models(folder, device)
    layers = load_frame_layers(kind, models, folder, device)
    followed = _controls(controls, models, (num_followed or num_frames, *size), folder, device)
    pictures = _prior_of(models, size, [control.first() for control in followed])
    pictures = _taught(_shown(pictures, models, image_prompt, folder), models, embeddings)
    lifted = LiftedUNet(models["image_unet"].model, layers.model)
    pictures = pictures.computing(compute.feature_cache, False, compute.dtype == "bfloat16")
    plan = NOTHING_KNOWN
    if kind == "motion_layers":
        plan = load_clip_plan(models["text_encoder"], folder, device, trajectory_noise)
        plan = replace(plan, finder=load_mouth_finder(models["autoencoder"], folder, device))
        plan = plan_following(plan, followed)
    prior = FramePrior(pictures, lifted, num_frames, plan, followed)
    if few_steps is not None:
        identities = {name: one.identity for name, one in (models | {kind: layers}).items()}
        prior = frames_in_few_steps(prior, few_steps, identities, folder, kind)
    add_loras({"unet": models["image_unet"].model}, loras)
    if compute.compile:
        compile_lifted(lifted, device)
    return prior


def load_prior_models(folder: Path = ZOO, device: str = "cpu") -> dict[str, Loaded]:
    """The models of the image prior by kind."""
    autoencoder = load_autoencoder(folder, device)
    text_encoder = load_text_encoder(folder, device)
    unet = load_image_unet(autoencoder, text_encoder, folder, device)
    return {"autoencoder": autoencoder, "text_encoder": text_encoder, "image_unet": unet}


def load_frame_layers(
    kind: FrameKind, models: Mapping[str, Loaded], folder: Path = ZOO, device: str = "cpu"
) -> Loaded:
    """Frame layers for the image U-Net of ``models``.

    Raises:
        InputError: also when they were trained on another one, or do not leave it as it is at
            scale 0.
    """
    stored = load_model(folder, kind, kind)
    check_requires(stored.manifest, {name: one.identity for name, one in models.items()})
    sizes = architecture_of(FrameLayersArchitecture, stored.manifest.architecture)
    unet = models["image_unet"].model
    loaded = ready(FrameLayers(sizes, unet), stored, device)
    check_identity(LiftedUNet(unet, loaded.model))
    return loaded


def _prior_of(
    models: Mapping[str, Loaded], size: tuple[int, int], controls: Sequence[EmbeddedControl]
) -> EmbeddedPrior:
    autoencoder, text_encoder, unet = (models[kind].model for kind in PRIOR_KINDS)
    return EmbeddedPrior(autoencoder, text_encoder, unet, load_tokenizer(), size, controls)


def _controls(
    configs: Sequence[EmbeddedControlConfig],
    models: Mapping[str, Loaded],
    size: tuple[int, ...],
    folder: Path,
    device: str,
) -> list[EmbeddedControl]:
    identities = {kind: one.identity for kind, one in models.items()}
    return load_controls(configs, models["image_unet"].model, identities, size, folder, device)


def _shown(
    prior: EmbeddedPrior,
    models: Mapping[str, Loaded],
    image_prompt: ImagePromptConfig | None,
    folder: Path,
) -> EmbeddedPrior:
    """The prior with the pictures of an image prompt, seen by the U-Net as it is without LoRAs."""
    if image_prompt is None:
        return prior
    at_hand = {kind: one.identity for kind, one in models.items()}
    return prior.shown(shown_pictures(image_prompt, prior, at_hand, folder))


def _taught(
    prior: EmbeddedPrior, models: Mapping[str, Loaded], embeddings: Sequence[WordConfig]
) -> EmbeddedPrior:
    """The prior with learnt words, if there are any."""
    if not embeddings:
        return prior
    sizes = models["text_encoder"].model.architecture.model_dump()
    return prior.taught({"text_encoder": embedded_words(sizes, embeddings)})


def architecture_of(cls: Any, values: Any) -> Any:
    """Plain values as an architecture config; JSON has lists where configs have tuples."""
    return cls.model_validate_json(json.dumps(dict(values)))


def _rule(values: Mapping[str, Any]) -> DomainRule:
    """Plain values as a rule; JSON has lists where rules have tuples."""
    lists: dict[str, Any] = {k: tuple(v) for k, v in values.items() if isinstance(v, list)}
    return DomainRule(**(dict(values) | lists))


def ready(model: Any, stored: StoredModel, device: str) -> Loaded:
    """A model with its stored weights, on its device."""
    fill(model, stored)
    return Loaded(model.to(device).eval().requires_grad_(False), stored.manifest.identity)
