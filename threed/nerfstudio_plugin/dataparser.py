"""``extrude-data``: posed pictures of one object (``transforms.json``) for nerfstudio's trainings.

Reads what ``export.dataset_views`` writes, and any other dataset that ``threed/reconstruct`` reads.
The object comes to stand about the origin with its front where it was, within half a unit; every
eighth picture is kept for evaluation, the same as of ``threed/reconstruct``.

nerfstudio loads this module whenever any of its commands starts, so it imports nothing but
nerfstudio; the rest is imported when a dataset is read.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from nerfstudio.data.dataparsers.base_dataparser import (
    DataParser,
    DataParserConfig,
    DataparserOutputs,
)
from nerfstudio.data.scene_box import SceneBox
from nerfstudio.plugins.registry_dataparser import DataParserSpecification

if TYPE_CHECKING:
    from threed.nerfstudio.transforms import PosedPictures


@dataclass
class ExtrudeDataParserConfig(DataParserConfig):
    """Posed pictures of one object."""

    _target: type = field(default_factory=lambda: ExtrudeDataParser)
    data: Path = Path("dataset")
    """The dataset's folder, or the transforms.json in it."""
    hold_out: int = 8
    """Every so manieth picture is for evaluation; 0 trains on all, and evaluates on them."""
    centred: bool = True
    """Bring the object, as transparent pictures show it, about the origin; False leaves it."""
    half_side: float = 0.6
    """The scene's box reaches so far from the origin along each axis, in training units."""


class ExtrudeDataParser(DataParser):
    """Reads the dataset of its config."""

    config: ExtrudeDataParserConfig

    def _generate_dataparser_outputs(
        self, split: str = "train", **kwargs: dict[str, Any] | None
    ) -> DataparserOutputs:
        """Pictures, cameras and box of one split: train, val or test (the last two are the same).

        Raises:
            InputError: foreign or damaged data, masks of some frames only, nothing to train on.
        """
        from threed.nerfstudio.training_world import training_world
        from threed.nerfstudio.transforms import read_transforms
        from threed.nerfstudio_plugin.cameras import theirs

        posed = read_transforms(self.config.data)
        world = training_world(posed, centred=self.config.centred)
        chosen = _chosen(posed, self.config.hold_out, split)
        reach = self.config.half_side
        return DataparserOutputs(
            image_filenames=[posed.pictures[view] for view in chosen],
            cameras=theirs(world.cameras[chosen]),
            scene_box=SceneBox(aabb=torch.tensor([[-reach] * 3, [reach] * 3])),
            mask_filenames=_masks(posed, chosen),
            dataparser_transform=world.transform.float(),
            dataparser_scale=world.scale,
        )


def _chosen(posed: "PosedPictures", hold_out: int, split: str) -> list[int]:
    from common.errors import InputError
    from threed.capture.posed_object import held_out_of

    if hold_out < 0:
        raise InputError(f"hold_out is {hold_out}; give 0 or more")
    held = held_out_of(len(posed), hold_out)
    kept = [view for view in range(len(posed)) if view not in set(held)]
    if not kept:
        raise InputError(f"hold_out={hold_out} leaves none of {len(posed)} pictures to train on")
    return kept if split == "train" or not held else held


def _masks(posed: "PosedPictures", chosen: list[int]) -> list[Path] | None:
    from common.errors import InputError

    masks = [posed.masks[view] for view in chosen]
    given = [mask for mask in masks if mask is not None]
    if given and len(given) < len(masks):
        raise InputError(
            f"{len(given)} of {len(masks)} frames have a mask_path; nerfstudio needs all or none"
        )
    return given or None


extrude_data = DataParserSpecification(
    config=ExtrudeDataParserConfig(),
    description="Posed pictures of one object, as Extrude writes them.",
)
