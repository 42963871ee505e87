"""What is refused before a prior learns from a folder, and what is said of it."""

from common.errors import InputError
from common.generation.picture_switches import refuse_offload
from common.generation.priors import check_prior
from common.pretrained.config import PretrainedPriorConfig
from common.pretrained.location import is_single_file
from common.training.folder.captioned_folder import read_folder
from common.training.folder.folder_config import FolderPrior, FolderTraining
from common.training.folder.lora_trainer import FullConfig, TrainDreambooth
from common.training.folder.preservation import check_preservation
from common.training.folder.textual_inversion_trainer import TrainTextualInversion


def check_folder_training(config: FolderTraining) -> list[str]:
    """Refuse wrong folders and priors; notes on what is probably not meant.

    Raises:
        InputError: see `read_folder` and `check_prior`.
    """
    caption = config.word if isinstance(config, TrainTextualInversion) else config.caption
    files = read_folder(config.folder, caption)
    if isinstance(config, TrainDreambooth) and isinstance(config.change, FullConfig):
        _check_base(config.prior)
    check_prior(config.prior, config.size)
    refuse_offload(config.prior, "trainings")
    notes = []
    if isinstance(config, TrainDreambooth) and config.preservation is not None:
        check_preservation(config, config.preservation)
        class_words = set(config.preservation.prompt.split())
        if all(set(one.caption.split()) <= class_words for one in files):
            notes.append(
                "no caption has a word that method.preservation.prompt lacks: what is learnt and "
                "the class will be the same to the model"
            )
    return notes


def _check_base(prior: FolderPrior) -> None:
    """Refuse a base that has no folder to write the trained U-Net into a copy of.

    Raises:
        InputError: it is a single file.
    """
    if isinstance(prior, PretrainedPriorConfig) and is_single_file(prior):
        raise InputError(
            f"method.change full writes a copy of the checkpoint's folder, and {prior.path} is a "
            "single file: name a folder in diffusers' format, or train a LoRA (change.name "
            "low_rank)"
        )
