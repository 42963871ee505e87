"""The causal autoencoder from disk, checked against the autoencoder that it stands on."""

from pathlib import Path

from common.errors import InputError
from common.zoo.models import ZOO, Loaded, architecture_of, ready
from common.zoo.storage import Manifest, check_requires, load_model, read_manifest
from video.causal_autoencoder.architecture import CausalAutoencoderArchitecture
from video.causal_autoencoder.model import CausalAutoencoder

CAUSAL_AUTOENCODER = "causal_autoencoder"


def load_causal_autoencoder(autoencoder: Loaded, folder: Path = ZOO, device: str = "cpu") -> Loaded:
    """The causal autoencoder that stands on this one.

    Raises:
        InputError: it is missing, damaged, of another kind, does not fit its architecture, or was
            trained on another autoencoder.
    """
    check_causal_autoencoder(autoencoder.identity, folder)
    stored = load_model(folder, CAUSAL_AUTOENCODER, CAUSAL_AUTOENCODER)
    return ready(CausalAutoencoder(causal_sizes(stored.manifest)), stored, device)


def check_causal_autoencoder(autoencoder: str, folder: Path = ZOO) -> Manifest:
    """Its manifest; no weights are read.

    Args:
        autoencoder: identity of the one at hand.
        folder: where it is.

    Raises:
        InputError: it is missing, of another kind, or was trained on another autoencoder.
    """
    if not (folder / f"{CAUSAL_AUTOENCODER}.json").is_file():
        raise InputError(
            f"{folder} has no {CAUSAL_AUTOENCODER}.json: train one (python run.py prepare/emoji, "
            f"prepare/clips, then train/{CAUSAL_AUTOENCODER}) and put it there"
        )
    manifest = read_manifest(folder, CAUSAL_AUTOENCODER)
    if manifest.kind != CAUSAL_AUTOENCODER:
        raise InputError(
            f"{folder / CAUSAL_AUTOENCODER}.json describes a model of kind {manifest.kind}, not "
            f"{CAUSAL_AUTOENCODER}"
        )
    check_requires(manifest, {"autoencoder": autoencoder})
    return manifest


def causal_sizes(manifest: Manifest) -> CausalAutoencoderArchitecture:
    """Its sizes, as its manifest says."""
    found: CausalAutoencoderArchitecture = architecture_of(
        CausalAutoencoderArchitecture, manifest.architecture
    )
    return found
