"""Prior preservation: pictures of the class, drawn by the model itself before it learns.

Ruiz et al. 2023, "DreamBooth" (arXiv 2208.12242), section 3.3: while a model learns one thing under
an identifier and the class's name, it is also shown what it made of the class alone, so that the
class keeps its variety. The latents it drew are kept as they are, without decoding and encoding.
"""

from pydantic import Field

from common.config import Config
from common.errors import InputError
from common.training.folder.folder_config import FolderTraining
from common.training.folder.folder_pictures import LearntPictures
from common.training.folder.taught_prior import Taught, drawn

_STREAM = "/class"


class PreservationConfig(Config):
    """Pictures of the class that are learnt beside the user's."""

    prompt: str = Field(min_length=1, max_length=2000)
    """The class without the identifier, such as: a dog."""
    num_pictures: int = Field(64, ge=1, le=10_000)
    """How many are drawn before training. A resumed run draws them again, to the same bits."""
    weight: float = Field(1.0, gt=0, le=100)
    """Of their loss, beside the user's pictures with 1."""
    num_steps: int = Field(25, ge=1, le=1000)
    """Sampler steps of each."""


def check_preservation(config: FolderTraining, preservation: PreservationConfig) -> None:
    """Refuse a class that is what all pictures are called: it would hold the identifier back."""
    if config.caption is not None and config.caption.strip() == preservation.prompt.strip():
        raise InputError(
            f"method.preservation.prompt and method.caption are both '{preservation.prompt}': the "
            "caption needs a word of its own for what is learnt, such as 'a sks dog' for 'a dog'"
        )


def class_pictures(
    config: FolderTraining, preservation: PreservationConfig, prior: Taught, seed: int
) -> LearntPictures:
    """What the prior draws of the class."""
    prompts = (preservation.prompt,) * preservation.num_pictures
    latents = drawn(prior, prompts, config.guidance, preservation.num_steps, seed, _STREAM)
    return LearntPictures(latents, prompts)
