"""The spacetime DiT from disk, checked against what it stands on."""

from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import assert_never

from common.diffusion.compiled import compile_parts
from common.diffusion.computing import Computing
from common.diffusion.reuse import WHOLE
from common.embedded.autoencoder import DOWNSAMPLING
from common.embedded.clip_coding import ClipCoding, CodingKind
from common.embedded.clip_plan import NOTHING_KNOWN
from common.embedded.frame_coding import FrameCoding
from common.embedded.prior_config import EmbeddedComputeConfig
from common.embedded.spacetime_dit_config import SpacetimeDiTPriorConfig
from common.embedded.tokenizer import MAX_TOKENS, load_tokenizer
from common.errors import InputError
from common.generation.estimate import FEATURES_PER_PIXEL, Need
from common.zoo.models import (
    ZOO,
    Loaded,
    architecture_of,
    load_autoencoder,
    load_clip_plan,
    load_text_encoder,
    ready,
)
from common.zoo.storage import Manifest, check_requires, load_model, read_manifest
from video.causal_autoencoder.coding import CausalCoding
from video.causal_autoencoder.groups import num_groups
from video.causal_autoencoder.load import (
    CAUSAL_AUTOENCODER,
    causal_sizes,
    check_causal_autoencoder,
    load_causal_autoencoder,
)
from video.spacetime_dit.architecture import SpacetimeDiTArchitecture
from video.spacetime_dit.block_cache import check_levels, reusing_blocks
from video.spacetime_dit.flops import evaluation_flops
from video.spacetime_dit.memory import drawing_bytes
from video.spacetime_dit.model import SpacetimeDiT
from video.spacetime_dit.patches import grid_of
from video.spacetime_dit.prior import SpacetimeDiTPrior, check_clip_size

KIND = "spacetime_dit"
_BASES = ("autoencoder", "text_encoder")
_WIDENED = 4
"""Bytes in memory for a stored byte: int8 becomes float32."""


def check_spacetime_dit(config: SpacetimeDiTPriorConfig, size: tuple[int, int, int]) -> list[str]:
    """Refuse, before anything runs, models that are missing or do not belong together, and sizes.

    A note where frames are larger than those of training.

    Args:
        config: the prior's.
        size: frames, height and width of the clips.

    Raises:
        InputError: with what to do.
    """
    sizes = _architecture(_manifests(config))
    check_clip_size(size, sizes)
    if config.compute.feature_cache is not None:
        check_levels(sizes.num_blocks, config.compute.feature_cache.levels)
    return _size_notes(size, sizes.trained_px)


def _size_notes(size: tuple[int, int, int], trained_px: int | None) -> list[str]:
    side = max(size[1:])
    if trained_px is None or side <= trained_px:
        return []
    return [
        f"this spacetime DiT was trained on frames of {trained_px} pixels, and {side} are asked "
        f"for: draw {trained_px} and enlarge them (export.upscale)"
    ]


def load_spacetime_dit(
    config: SpacetimeDiTPriorConfig, size: tuple[int, int, int], device: str
) -> SpacetimeDiTPrior:
    """The prior of clips of ``size``.

    Raises:
        InputError: models are missing, damaged or of others, or the size is none that is drawn.
    """
    check_spacetime_dit(config, size)
    bases = config.bases_dir or ZOO
    autoencoder, text = load_autoencoder(bases, device), load_text_encoder(bases, device)
    stored = load_model(config.models_dir or ZOO, KIND, KIND)
    at_hand = {"autoencoder": autoencoder.identity, "text_encoder": text.identity}
    sizes = _architecture({KIND: stored.manifest})
    coding, identities = load_coding(sizes.coding, autoencoder, bases, device)
    check_requires(stored.manifest, at_hand | identities)
    model = ready(SpacetimeDiT(sizes), stored, device).model
    plan = NOTHING_KNOWN
    if sizes.coding == "frames":
        plan = load_clip_plan(text, bases, device, config.trajectory_noise)
    return SpacetimeDiTPrior(
        autoencoder.model, text.model, model, load_tokenizer(), size,
        _computing(model, config.compute, device), plan, coding,
    )  # fmt: skip


def load_coding(
    kind: CodingKind, autoencoder: Loaded, folder: Path = ZOO, device: str = "cpu"
) -> tuple[ClipCoding, dict[str, str]]:
    """What codes clips, and the identities of the models that it has beside the autoencoder.

    Raises:
        InputError: there is no causal autoencoder in the folder, or it is of another autoencoder.
    """
    match kind:
        case "frames":
            return FrameCoding(autoencoder.model), {}
        case "causal":
            causal = load_causal_autoencoder(autoencoder, folder, device)
            coding = CausalCoding(autoencoder.model, causal.model)
            return coding, {CAUSAL_AUTOENCODER: causal.identity}
        case _:
            assert_never(kind)


def coding_of(config: SpacetimeDiTPriorConfig) -> CodingKind:
    """What a model draws: latents of every frame, or codes of several.

    Raises:
        InputError: there is no model, or it is of others than those at hand.
    """
    return _architecture(_manifests(config)).coding


def _computing(dit: SpacetimeDiT, compute: EmbeddedComputeConfig, device: str) -> Computing:
    reuse, cache = WHOLE, compute.feature_cache
    if compute.compile:
        compile_parts(dit.blocks, device)
    if cache is not None:
        reuse = reusing_blocks(dit, cache.every, cache.levels)
    return Computing(reuse, compute.dtype == "bfloat16")


def spacetime_dit_need(
    config: SpacetimeDiTPriorConfig, size: tuple[int, int, int], together: int
) -> Need:
    """Latent shape and memory of drawing ``together`` clips at once."""
    manifests = _manifests(config)
    sizes = _architecture(manifests)
    cells = _cells(size, manifests)
    bases = _WIDENED * sum(one.num_bytes for kind, one in manifests.items() if kind != KIND)
    decoding = 4 * FEATURES_PER_PIXEL * prod(size)
    return Need(
        (sizes.latent_channels, *cells), bases + decoding + drawing_bytes(sizes, cells, together)
    )


def spacetime_dit_sizes(
    config: SpacetimeDiTPriorConfig, size: tuple[int, int, int], prompt: str, num_evaluations: int
) -> dict[str, str]:
    """Tokens of a clip, and the arithmetic of so many evaluations of one.

    Clips that begin with their moved first frame take less.
    """
    manifests = _manifests(config)
    sizes, cells = _architecture(manifests), _cells(size, manifests)
    said = min(len(load_tokenizer().encode(prompt)), MAX_TOKENS)
    flops = num_evaluations * evaluation_flops(sizes, cells, said)
    return {
        "tokens": " x ".join(map(str, grid_of(*cells, sizes.patch))),
        "attention": sizes.attention,
        "arithmetic": f"at most {flops / 1e12:.3g} TFLOP",
    }


def _cells(size: tuple[int, int, int], manifests: Mapping[str, Manifest]) -> tuple[int, int, int]:
    """Frames, rows and columns of the latent."""
    frames, height, width = size
    if CAUSAL_AUTOENCODER in manifests:
        frames = num_groups(frames, causal_sizes(manifests[CAUSAL_AUTOENCODER]).frames_per_code)
    return frames, height // DOWNSAMPLING, width // DOWNSAMPLING


def _manifests(config: SpacetimeDiTPriorConfig) -> dict[str, Manifest]:
    folder, bases = config.models_dir or ZOO, config.bases_dir or ZOO
    if not (folder / f"{KIND}.json").is_file():
        raise InputError(
            f"{folder} has no {KIND}.json: train one (python run.py prepare/emoji, prepare/clips, "
            "then train/spacetime_dit) and set prior.models_dir to the samples folder of that run, "
            "or use prior.name=embedded"
        )
    manifests = {kind: read_manifest(bases, kind) for kind in _BASES}
    at_hand = {kind: manifest.identity for kind, manifest in manifests.items()}
    manifests[KIND] = read_manifest(folder, KIND)
    if manifests[KIND].kind != KIND:
        raise InputError(
            f"{folder / KIND}.json describes a model of kind {manifests[KIND].kind}, not {KIND}"
        )
    if _architecture(manifests).coding == "causal":
        manifests[CAUSAL_AUTOENCODER] = check_causal_autoencoder(at_hand["autoencoder"], bases)
        at_hand[CAUSAL_AUTOENCODER] = manifests[CAUSAL_AUTOENCODER].identity
    check_requires(manifests[KIND], at_hand)
    return manifests


def _architecture(manifests: Mapping[str, Manifest]) -> SpacetimeDiTArchitecture:
    found: SpacetimeDiTArchitecture = architecture_of(
        SpacetimeDiTArchitecture, manifests[KIND].architecture
    )
    return found
