"""A cloud as a checkpoint of splatfacto, ``step-000000000.ckpt``.

It holds the model's tensors in nerfstudio's training world and no optimizer: ``ns-viewer``,
``ns-render`` and ``ns-export`` show it, and a training that loads it begins its schedules anew.
nerfstudio takes the newest ``step-*.ckpt`` of a folder (``--load-dir``), of a model with the same
``sh_degree``.
"""

from pathlib import Path

import torch

from common.media.targets import explained_write_errors, written_whole
from threed.nerfstudio.splatfacto import splatfacto_tensors
from threed.scenes.gaussian_cloud import GaussianCloud

FILE_NAME = "step-000000000.ckpt"


def write_checkpoint(path: Path, cloud: GaussianCloud) -> tuple[str, ...]:
    """Write it, whole or not at all, and return what it does not keep, a clause each.

    Clouds of degree 0 are written with degree 1, all of whose further coefficients are 0: of
    degree 0 splatfacto keeps logits, which have no place for colours outside (0, 1).

    Raises:
        InputError: values that are no numbers, an unwritable place.
    """
    losses = ["no state of a training: schedules begin anew"]
    if cloud.degree == 0:
        room = cloud.sh.new_zeros(len(cloud), 3, 3)
        cloud = GaussianCloud(cloud.means, cloud.log_scales, cloud.quaternions,
                              cloud.opacity_logits, torch.cat([cloud.sh, room], 1))  # fmt: skip
        losses.append("colours of degree 0 are written as degree 1, where they fit")
    if cloud.means.dtype != torch.float32:
        losses.append("numbers are rounded to 32 bits")
    tensors = {
        name: value.detach().to("cpu", torch.float32).contiguous()
        for name, value in splatfacto_tensors(cloud).items()
    }
    tensors["_model.device_indicator_param"] = torch.empty(0)  # every model of nerfstudio has it
    state = {"step": 0, "pipeline": tensors, "optimizers": {}, "schedulers": {}, "scalers": {}}
    with written_whole(path, ".ckpt") as partial, explained_write_errors(path):
        torch.save(state, partial)
    return tuple(losses)
