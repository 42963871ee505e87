"""The outlines that a dataset of nerfstudio shows, small: for the hull that a fit begins at."""

import torch
from nerfstudio.data.datasets.base_dataset import InputDataset

from threed.nerfstudio.training_world import OUTLINE_PX
from threed.nerfstudio_plugin.cameras import ours
from threed.texturing.bake import Pictures
from threed.texturing.picture_size import resized_cameras, resized_picture, size_within


def outlined_pictures(dataset: InputDataset) -> Pictures | None:
    """The pictures, premultiplied, and their cameras in our axes.

    None where there are no outlines to begin at: opaque pictures, or cameras that are no pinholes
    of one size.
    """
    cameras = ours(dataset.cameras)
    if cameras is None:
        return None
    size = size_within(cameras, OUTLINE_PX)
    small = []
    for index in range(len(dataset)):
        image = dataset[index]["image"].float()
        if image.shape[-1] != 4 or bool((image[..., 3] > 0.99).all()):
            return None
        rgba = torch.cat([image[..., :3] * image[..., 3:], image[..., 3:]], -1)
        small.append(resized_picture(rgba, size))
    return Pictures(torch.stack(small), resized_cameras(cameras, size))
