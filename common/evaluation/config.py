"""The keys of the evaluate app."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from common.config import BY_NAME, Config
from common.control.kinds import ControlKind, MapSource, ReadKind
from common.diffusion.guidance_config import CFG, Guidance
from common.diffusion.sampler_config import DPMSolverPP2M, Sampler
from common.embedded.prior_config import EmbeddedPriorConfig
from common.evaluation.frame_prompts import CLIP_SETS, ClipSetName
from common.evaluation.prompt_sets import SET_NAMES, SetName
from common.evaluation.tone import Tone
from common.runs.config import RunConfig


class EvaluateImages(Config):
    """Pictures, scored by the judge."""

    name: Literal["image_prior"] = "image_prior"
    sets: tuple[SetName, ...] = Field(SET_NAMES, min_length=1)
    """Which prompts."""
    size_px: int = Field(128, ge=64, le=256, multiple_of=8)
    """Side of the pictures."""
    memorisation: bool = False
    """Compare the samples of ``objects`` with the prepared training renders, for copies."""
    cache_dir: Path | None = None
    """Where `prepare/kit` has put the renders; null is $XDG_CACHE_HOME/extrude or
    ~/.cache/extrude. Read only for ``memorisation``."""


class EvaluateClips(Config):
    """Clips, scored by the motion measure and, frame by frame, by the judge."""

    name: Literal["motion_prior"] = "motion_prior"
    sets: tuple[ClipSetName, ...] = Field(CLIP_SETS, min_length=1)
    """Which prompts."""
    num_frames: int = Field(16, ge=16, le=64)
    """Length of the clips; the motion measure reads 16 frames or more."""
    size_px: int = Field(128, ge=64, le=256, multiple_of=8)
    """Side of the frames."""
    real_clips: bool = False
    """Compare how steady the clips are with prepared clips of the kit."""
    cache_dir: Path | None = None
    """Where `prepare/clips` has put the clips; null is $XDG_CACHE_HOME/extrude or
    ~/.cache/extrude. Read only for ``real_clips``."""


class EvaluateEdits(Config):
    """Clips made from a picture, and from another clip."""

    name: Literal["clip_edits"] = "clip_edits"
    num_frames: int = Field(16, ge=16, le=64)
    """Length of the clips; the motion measure reads 16 frames or more."""
    size_px: int = Field(128, ge=64, le=256, multiple_of=8)
    """Side of the frames."""
    strength: float = Field(1.0, gt=0, le=1)
    """Of clips that are drawn again in another colour."""
    follows: tuple[ReadKind, ...] = ("segmentation", "canny")
    """What these follow of the given clips, by the embedded ControlNet."""


class EvaluateControl(Config):
    """Pictures that follow edges, regions, depth, normals or poses of held-out objects."""

    name: Literal["control"] = "control"
    kinds: Annotated[tuple[ControlKind, ...], Field(min_length=1)] | None = None
    """What is followed; null is everything that the ControlNet follows."""
    maps: MapSource = "rendered"
    """Depth, normals and poses to follow: the true ones of the renderer, or estimated of the
    pictures."""
    weight: float = Field(1.0, ge=0, le=10)
    """How much of the ControlNet's features is added."""
    size_px: int = Field(128, ge=64, le=256, multiple_of=8)
    """Side of the pictures."""


class EvaluateStyle(Config):
    """Pictures with LoRAs that were trained on a colour style."""

    name: Literal["lora_style"] = "lora_style"
    tone: Tone = Tone()
    """The style: two colours."""
    size_px: int = Field(128, ge=64, le=256, multiple_of=8)
    """Side of the pictures."""


class EvaluateWord(Config):
    """Pictures for a learnt word, held against pictures of the thing that it stands for."""

    name: Literal["learnt_word"] = "learnt_word"
    prompt: str = Field("<thing>", min_length=1, max_length=1000)
    """What is asked for; has the word."""
    baseline: str = Field(min_length=1, max_length=1000)
    """The same in words that the prior knew before, such as what the word began with."""
    known: Path
    """Folder of the pictures that were learnt from; captions are not read."""
    held_out: Path
    """Folder of other pictures of the same thing."""
    num_samples: int = Field(32, ge=1, le=10_000)
    """How many pictures are drawn of either prompt."""
    size_px: int = Field(128, ge=64, le=256, multiple_of=8)
    """Side of the pictures."""


Method = Annotated[
    EvaluateImages | EvaluateClips | EvaluateEdits | EvaluateControl | EvaluateStyle | EvaluateWord,
    BY_NAME,
]
"""What is evaluated, chosen by its ``name``."""


class ScoringConfig(RunConfig):
    """What every evaluation of samples is told, whatever prior they are of."""

    judge_dir: Path | None = None
    """Folder of the judge and the motion measure; null is the zoo of Extrude."""
    sampler: Sampler = DPMSolverPP2M()
    """How noise becomes a sample."""
    guidance: Guidance = CFG()
    """How strongly prompts are followed."""
    max_prompts: int | None = Field(None, ge=2)
    """At most so many prompts of each set, evenly chosen; null takes all."""


class EvaluateConfig(ScoringConfig):
    """Draws for the committed prompts and has the results scored."""

    app: Literal["evaluate"] = "evaluate"
    prior: EmbeddedPriorConfig = EmbeddedPriorConfig()
    """The model that is evaluated."""
    batch_size: int = Field(32, ge=1, le=4096)
    """How many are drawn together."""
    method: Method = EvaluateImages()
    """What is drawn, and how it is scored."""
