from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
import torch

from common.control.kinds import CONTROL_KINDS
from common.control.thing_pose import NUM_JOINTS
from common.embedded.autoencoder import Autoencoder
from common.embedded.control_net import UnionControlNet
from common.embedded.image_unet import FRONT, View, build_image_unet
from common.embedded.text_encoder import TextEncoder
from common.errors import InputError
from common.kit.captions import Facts
from common.kit.catalogue import category_named
from common.runs.state import Checkpoint, load_newest, save
from common.training.control import control_net_trainer
from common.training.control.control_net_trainer import ControlNetTraining, TrainControlNet
from common.training.control.control_source import ControlSet, control_of
from common.training.control.control_start import begin_with
from common.training.kit.kit_truths import DEPTH, LABEL, NORMALS
from common.training.loop import train
from common.training.loop_config import LearningRate, LoopConfig
from common.training.pictures.subjects import KitSubject
from common.zoo.models import Loaded
from tests.common.training.small_training import ARCHITECTURE, same_bits
from tests.common.zoo.small_zoo import CONTROL, TEXT, UNET

SIZE_PX = 64
MUG = KitSubject(Facts(category_named("mug"), "red"))


def halves(count: int, truths: bool = True) -> ControlSet:
    """Pictures that are full on the left or on the right; latents say which by their sign."""
    pixels = np.zeros((count, SIZE_PX, SIZE_PX, 4), np.uint8)
    known = np.zeros((count, SIZE_PX, SIZE_PX, 5), np.uint8)
    latents = np.zeros((count, 4, 8, 8), np.float16)
    for row in range(count):
        side = slice(0, 32) if row % 2 else slice(32, 64)
        pixels[row, :, side] = 255
        known[row, :, side] = 200
        known[row, :, side, LABEL] = 1
        latents[row] = 2.0 if row % 2 else -2.0
    return ControlSet(
        "kit" if truths else "emoji", latents, (pixels[:3], pixels[3:]),
        (known[:3], known[3:]) if truths else None, (MUG,) * count,
        np.tile(np.array([30.0, 10.0], np.float32), (count, 1)), np.full(count, 1 / count),
    )  # fmt: skip


def posed(count: int) -> ControlSet:
    """The same with a nose on the full side."""
    joints = np.full((count, NUM_JOINTS, 2), np.nan)
    joints[:, 0] = [[48.0 if row % 2 == 0 else 16.0, 32.0] for row in range(count)]
    return replace(halves(count), name="kit poses", truths=None, joints=joints)


def small(**changes: object):
    """The training on halves, with untrained frozen models."""
    loop = LoopConfig(
        num_steps=6, batch_size=8, ema_decay=0.9, precision="float32",
        learning_rate=LearningRate(peak=5e-3, warmup_steps=2),
    )  # fmt: skip
    config = TrainControlNet(**({"architecture": CONTROL, "loop": loop} | changes))
    with torch.random.fork_rng():
        torch.random.manual_seed(0)
        models = {
            "autoencoder": Autoencoder(ARCHITECTURE),
            "text_encoder": TextEncoder(TEXT),
            "image_unet": build_image_unet(UNET),
        }
    frozen = {
        kind: Loaded(model.eval().requires_grad_(False), kind[0] * 64)
        for kind, model in models.items()
    }
    sets = (halves(8), halves(8, truths=False), posed(8))
    held_out = (halves(16), posed(16))
    return config, ControlNetTraining(config, sets, (0.5, 0.2, 0.3), held_out, frozen, 0, "cpu")


def test_killed_and_resumed_training_ends_in_the_same_bits(tmp_path):
    config, whole = small()
    *_, expected = train(config.loop, whole, "cpu")
    _, first = small()
    for step in islice(train(config.loop, first, "cpu"), 3):
        save(tmp_path, Checkpoint(step.step, step.state), keep=1)
    _, second = small()
    *_, resumed = train(config.loop, second, "cpu", load_newest(tmp_path).state)
    assert same_bits(resumed.state["model"], expected.state["model"])
    assert same_bits(resumed.state["averaged"], expected.state["averaged"])


def test_training_learns_to_follow_every_kind_and_leaves_the_unet_alone():
    config, training = small()
    unet = training._models["image_unet"].model
    before = {name: weight.clone() for name, weight in unet.state_dict().items()}
    untrained = training.evaluate(training.model)
    # Zero convolutions: all errors are the U-Net's own, to the bit.
    assert len(set(untrained.values())) == 1

    loop = config.loop.model_copy(update={"num_steps": 150})
    *_, last = train(loop, training, "cpu")

    found = training.evaluate(last.averaged.eval())
    without = ("alone", "alone_posed")
    assert set(found) == {f"v_error/{kind}" for kind in (*CONTROL_KINDS, *without)}
    for kind in CONTROL_KINDS:
        assert found[f"v_error/{kind}"] < 0.8 * found["v_error/alone"], kind
    assert same_bits(unet.state_dict(), before)


def test_samples_are_told_their_view_the_front_or_none():
    _, training = small(view_share=0.4, front_share=0.4)
    views = training._drawn(200, np.random.default_rng(0)).views
    own, front = View(30.0, 10.0), FRONT
    shares = [views.count(one) / 200 for one in (own, front, None)]
    # 200 draws: a standard deviation of 0.035 at most
    assert shares == pytest.approx([0.4, 0.4, 0.2], abs=0.11)


def test_emoji_have_no_depth_and_everything_else_is_drawn():
    _, training = small()
    kinds = training._drawn(200, np.random.default_rng(0)).kinds
    assert set(kinds) == set(CONTROL_KINDS)
    assert halves(4, truths=False).kinds == ("canny", "soft_edge", "segmentation")
    with pytest.raises(ValueError, match="depth of this picture is not known"):
        halves(4, truths=False).control(0, "depth", np.random.default_rng(0))
    assert "pose" not in halves(4).kinds
    assert posed(4).kinds == ("pose",)
    with pytest.raises(ValueError, match="pose of this picture is not known"):
        halves(4).control(0, "pose", np.random.default_rng(0))


def test_further_kinds_begin_as_the_mean_of_those_that_are_known():
    _, training = small()
    unet = training._models["image_unet"].model
    known = CONTROL.model_copy(update={"kinds": ("depth", "canny")})
    with torch.random.fork_rng():
        torch.random.manual_seed(1)
        before = UnionControlNet(known, unet)
        after = UnionControlNet(CONTROL, unet)
    begin_with(after, before)
    rows, kinds = before.embed_kind.weight, after.sizes.kinds
    assert torch.equal(after.embed_kind.weight[kinds.index("canny")], rows[1])
    assert torch.equal(after.embed_kind.weight[kinds.index("depth")], rows[0])
    torch.testing.assert_close(after.embed_kind.weight[kinds.index("pose")], rows.mean(0))
    assert torch.equal(after.conv_in.weight, before.conv_in.weight)
    other = UnionControlNet(CONTROL.model_copy(update={"picture_channels": (8, 8)}), unet)
    with pytest.raises(InputError, match="start: the ControlNet has the sizes"):
        begin_with(other, before)


def test_controls_are_what_is_known_of_the_row():
    one, rng = halves(8), np.random.default_rng(0)
    for row in (0, 3):
        drawn = posed(8).control(row, "pose", rng)
        side = slice(0, 32) if row % 2 else slice(32, 64)
        assert float(drawn.sum()) > 0
        assert float(drawn.sum()) == pytest.approx(float(drawn[:, :, side].sum()))
    for row in (0, 2, 3, 7):  # on both sides of where one array ends
        side = slice(0, 32) if row % 2 else slice(32, 64)
        for kind in one.kinds:
            made = one.control(row, kind, rng)
            assert made.shape == (3, SIZE_PX, SIZE_PX)
            assert 0 <= float(made.min()) <= float(made.max()) <= 1
            if kind in ("segmentation", "depth", "normals"):
                assert float(made[:, :, side].amax()) > 0.2
                assert float(made.sum()) == pytest.approx(float(made[:, :, side].sum()))


def test_truths_are_read_by_their_channels():
    truth = np.zeros((8, 8, 5), np.uint8)
    truth[..., DEPTH], truth[..., NORMALS], truth[..., LABEL] = 51, (10, 20, 30), 2
    pixels, rng = np.full((8, 8, 4), 255, np.uint8), np.random.default_rng(0)
    depth = control_of(pixels, truth, "depth", rng)
    normals = control_of(pixels, truth, "normals", rng)
    torch.testing.assert_close(depth, torch.full((3, 8, 8), 0.2))
    torch.testing.assert_close(normals[:, 0, 0] * 255, torch.tensor([10.0, 20.0, 30.0]))


def test_previews_show_what_is_followed_beside_what_is_drawn(monkeypatch):
    monkeypatch.setattr(control_net_trainer, "SIZE_PX", SIZE_PX)
    monkeypatch.setattr(control_net_trainer, "_PREVIEW_STEPS", 2)
    _, training = small()

    sheet = training.preview(training.model.eval())

    assert sheet.ndim == 3
    assert sheet.shape[1] > 8 * SIZE_PX, "four pairs a row"


def test_the_package_records_what_it_stands_on():
    _, training = small()
    package = training.package(training.model)
    assert package.kind == "controlnet"
    assert package.requires == {
        "autoencoder": "a" * 64, "text_encoder": "t" * 64, "image_unet": "i" * 64
    }  # fmt: skip
