"""The keys that every run has."""

import unicodedata
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from common.config import Config
from common.seeding import MAX_SEED

MAX_PROMPT = 10_000


def _check_name(name: str) -> str:
    bad = sorted({repr(c) for c in name if c in "/\\" or unicodedata.category(c)[0] == "C"})
    if bad:
        raise ValueError(f"a name becomes a folder and cannot contain {', '.join(bad)}")
    if not name.strip() or name != name.strip() or name.startswith(".") or name == "latest":
        raise ValueError(
            f"{name!r} cannot name a folder: no leading dot or outer spaces, not empty or 'latest'"
        )
    if len(name.encode()) > 120:
        raise ValueError(f"a name takes at most 120 bytes, this one {len(name.encode())}")
    return name


def _check_prompt(prompt: str) -> str:
    if len(prompt) > MAX_PROMPT:
        raise ValueError(f"has {len(prompt):,} characters; at most {MAX_PROMPT:,} are read")
    control = sorted({f"U+{ord(c):04X}" for c in prompt if unicodedata.category(c) in ("Cc", "Cs")})
    if control:
        raise ValueError(f"contains control characters ({', '.join(control[:5])}); remove them")
    return prompt


def not_blank(prompt: str) -> str:
    """The prompt, if it says something; ValueError if not."""
    if not prompt.strip():
        raise ValueError("is empty; say what to generate")
    return prompt


RunName = Annotated[str, AfterValidator(_check_name)]
"""Names the run's folder."""

PromptText = Annotated[str, AfterValidator(_check_prompt)]
"""At most 10,000 characters without control characters; may be empty."""

Prompt = Annotated[str, AfterValidator(_check_prompt), AfterValidator(not_blank)]
"""A prompt that says something."""


class CheckpointConfig(Config):
    """When a run saves what it needs to continue."""

    every_s: float = Field(20.0, ge=0)
    """Seconds between checkpoints; 0 saves after every step."""
    keep: int = Field(2, ge=1, le=100)
    """How many of the newest checkpoints to keep."""


class RunConfig(Config):
    """What every run has, whichever app it is for."""

    schema_version: Literal[1] = 1
    """Version of the config format."""
    description: str = Field("", max_length=500)
    """One line for `run.py list`."""
    name: RunName
    """Name of the run; results go to <output_dir>/<name>/<time>/."""
    seed: int = Field(0, ge=0, le=MAX_SEED)
    """All randomness derives from it; the same seed gives the same bytes on a CPU."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where to compute; auto takes CUDA when there is one."""
    num_threads: int | None = Field(None, ge=1, le=1024)
    """CPU threads of tensor operations; null leaves it to torch. Results depend on it to 1e-4."""
    output_dir: Path = Path("outputs")
    """Folder that collects all runs."""
    embed_provenance: bool = True
    """Write prompt, config, seed and versions into each artefact, for `run.py rerun`."""
    checkpoint: CheckpointConfig = CheckpointConfig()
    """When to save what `run.py resume` continues from."""
