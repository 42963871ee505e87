"""The model apart from its command: what callbacks do to its grid, opaque pictures."""

from copy import deepcopy

import pytest
import torch
from nerfstudio.engine.callbacks import TrainingCallbackAttributes
from nerfstudio.engine.optimizers import Optimizers

from common.errors import InputError
from common.media.images import read_picture, write_picture
from tests.nerfstudio.object_dataset import write_object
from threed.nerfstudio.transforms import read_transforms
from threed.nerfstudio_plugin.methods import extrude
from threed.nerfstudio_plugin.outlines import outlined_pictures
from threed.scenes.voxel_field import interpolated, node_positions


class Loop:
    """What nerfstudio's trainer does with a pipeline, without its files and its viewer."""

    def __init__(self, data, *, parser=None, **keys):
        config = deepcopy(extrude.config)
        config.pipeline.datamanager.data = data
        for name, value in (parser or {}).items():
            setattr(config.pipeline.datamanager.dataparser, name, value)
        config.pipeline.datamanager.train_num_rays_per_batch = 1024
        for name, value in keys.items():
            setattr(config.pipeline.model, name, value)
        self.pipeline = config.pipeline.setup(device="cpu", test_mode="val")
        groups = self.pipeline.get_param_groups()
        self.optimizers = Optimizers(config.optimizers, groups)
        self.attributes = TrainingCallbackAttributes(self.optimizers, None, self.pipeline, None)
        self.callbacks = self.pipeline.get_training_callbacks(self.attributes)

    @property
    def model(self):
        return self.pipeline.model

    def before(self, step):
        self.pipeline.train()
        for callback in self.callbacks:
            callback.run_callback_at_location(step, callback.where_to_run[0])

    def step(self, step):
        self.before(step)
        self.optimizers.zero_grad_all()
        _, terms, metrics = self.pipeline.get_train_loss_dict(step)
        torch.stack(list(terms.values())).sum().backward()
        self.optimizers.optimizer_step_all()
        return terms, metrics


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_object(tmp_path_factory.mktemp("model") / "object", 10)


def opaque(folder):
    """The dataset with its pictures laid on white."""
    write_object(folder, 10)
    for path in (folder / "images").iterdir():
        rgba = read_picture(path).astype(float)
        alpha = rgba[..., 3:] / 255
        write_picture(path, (rgba[..., :3] * alpha + 255 * (1 - alpha)).round().astype("uint8"))
    return folder


def test_first_step_begins_at_the_hull_and_later_ones_halve_the_cells(data):
    loop = Loop(data, num_cells=32, refine_at=(2,))
    assert tuple(loop.model.voxel_density.shape) == (17, 17, 17)  # the ball in the scene's box
    loop.step(0)
    hull = loop.model.field()
    assert max(hull.density.shape) == 17
    assert hull.high != (0.6, 0.6, 0.6)  # a box about the object, of cubic cells
    assert hull.cell_m == pytest.approx([hull.cell_m[0]] * 3)
    assert not bool(loop.model.voxel_allowed.all())
    loop.step(1)
    before = loop.model.field()
    loop.before(2)
    after = loop.model.field()
    assert max(after.density.shape) == 33
    assert (after.low, after.high) == (before.low, before.high)
    allowed = loop.model.voxel_allowed.flatten()
    points = node_positions(after).reshape(-1, 3)[allowed]
    raw = interpolated(before.density[..., None].detach(), before, points)[:, 0]
    assert torch.allclose(after.density.flatten()[allowed], raw, atol=1e-4)
    for group, optimizer in loop.optimizers.optimizers.items():
        (parameter,) = optimizer.param_groups[0]["params"]
        assert parameter is getattr(loop.model, f"voxel_{group}")
        assert not optimizer.state  # moments of the old grid are gone
    loop.step(2)


def test_outlines_come_premultiplied_with_our_cameras(data):
    dataset = Loop(data).pipeline.datamanager.train_dataset
    pictures = outlined_pictures(dataset)
    assert len(pictures.rgba) == 9
    assert bool((pictures.rgba[..., :3] <= pictures.rgba[..., 3:] + 1e-6).all())
    posed = read_transforms(data)
    kept = [view for view in range(10) if view != 4]
    turned = posed.cameras.w2c[kept][:, :3, :3].float()
    assert torch.allclose(pictures.cameras.w2c[:, :3, :3], turned, atol=1e-5)


def test_opaque_pictures_are_fitted_from_a_ball(tmp_path):
    with pytest.raises(InputError, match="opaque all over"):
        Loop(opaque(tmp_path / "opaque"))
    left = {"centred": False, "half_side": 4.0}
    loop = Loop(tmp_path / "opaque", parser=left, num_cells=32, refine_at=())
    assert outlined_pictures(loop.pipeline.datamanager.train_dataset) is None
    psnr = [float(loop.step(step)[1]["psnr"]) for step in range(12)]
    assert bool(loop.model.voxel_allowed.all())
    assert psnr[-1] > psnr[0] + 1
