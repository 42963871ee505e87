"""The union ControlNet on the embedded prior, untrained: what it adds, and to what."""

from pathlib import Path

import diffusers
import numpy as np
import pytest
import torch
from einops import rearrange
from torch import Tensor

from common.control.followed import Followed
from common.embedded.control_config import EmbeddedControlConfig
from common.embedded.control_net import ControlNetArchitecture, UnionControlNet
from common.embedded.controls import EmbeddedControl
from common.embedded.image_unet import ImageUNetArchitecture, View, build_image_unet
from common.errors import InputError
from common.media.clips import write_clip
from common.media.images import write_picture
from common.zoo.control_net import check_kinds, followed_kinds
from common.zoo.models import load_embedded_prior, load_frame_prior, load_prior_models
from tests.common.zoo.small_zoo import (
    CONTROL,
    UNET,
    store_control_net,
    store_frame_layers,
    store_prior,
)

SIZE = (64, 64)
AROUND = tuple(View(90.0 * step, 12.0) for step in range(3))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("zoo")
    store_prior(folder)
    store_frame_layers(folder, "motion_layers")
    store_frame_layers(folder, "view_layers")
    store_control_net(folder)
    return folder


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two pictures, and a clip of three frames."""
    folder, rng = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0)
    for number in range(2):
        noise = rng.integers(0, 256, (*SIZE, 3)).astype(np.uint8)
        write_picture(folder / f"{number}.png", noise)
    write_clip(folder / "clip.webp", rng.integers(0, 256, (3, *SIZE, 3)).astype(np.uint8), 8.0)
    return folder


def untrained(seed: int = 0) -> tuple[UnionControlNet, object]:
    with torch.random.fork_rng():
        torch.random.manual_seed(seed)
        unet = build_image_unet(UNET)
        return UnionControlNet(CONTROL, unet).eval(), unet


def noised(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(3))


def predicted(folder: Path, *controls: EmbeddedControlConfig, time: float = 500.0) -> Tensor:
    prior = load_embedded_prior(SIZE, folder, controls=controls)
    return prior.predict(noised(2, 4, 8, 8), torch.full((2,), time), prior.embed(["mug", "car"]))


def test_untrained_it_leaves_the_unet_as_it_is_to_the_bit(folder: Path) -> None:
    net, _ = untrained()
    plain = load_embedded_prior(SIZE, folder)
    picture = torch.rand(1, 3, *SIZE, generator=torch.Generator().manual_seed(0))
    followed = Followed(picture, torch.ones(1), (0.0, 1.0))
    times, latents = torch.tensor([20.0, 900.0]), noised(2, 4, 8, 8)
    for kind in CONTROL.kinds:
        prior = load_embedded_prior(SIZE, folder)
        prior.controls = (EmbeddedControl(net, kind, followed),)
        cond = prior.embed(["mug", "car"])
        assert torch.equal(prior.predict(latents, times, cond), plain.predict(latents, times, cond))


def test_its_features_have_the_layout_of_diffusers_control_nets() -> None:
    unet = build_image_unet(ImageUNetArchitecture())
    net = UnionControlNet(ControlNetArchitecture(), unet)
    theirs = diffusers.ControlNetModel.from_unet(unet, conditioning_embedding_out_channels=(8, 8))
    latents, times, vector = noised(2, 8, 16, 16), torch.tensor([3.0, 800.0]), noised(2, 263)

    ours = net(latents, times, vector, torch.rand(2, 3, 128, 128), torch.tensor([0, 4]))

    down, middle = theirs(
        latents, times, encoder_hidden_states=noised(2, 5, 256), class_labels=vector,
        controlnet_cond=torch.rand(2, 3, 32, 32), return_dict=False,
    )  # fmt: skip
    assert ours.down is not None
    assert ours.middle is not None
    assert [one.shape for one in ours.down] == [one.shape for one in down]
    assert ours.middle.shape == middle.shape


def test_its_features_are_added_where_diffusers_adds_them() -> None:
    net, unet = untrained()
    for weight in net.parameters():
        torch.nn.init.normal_(weight, std=0.2, generator=torch.Generator().manual_seed(0))
    latents, times, vector = noised(1, 4, 8, 8), torch.tensor([300.0]), noised(1, 39)
    added = net(latents, times, vector, torch.rand(1, 3, *SIZE), torch.tensor([1]))
    assert added.down is not None
    states = noised(1, 5, 32)
    seen = []
    hooks = [
        block.resnets[0].register_forward_pre_hook(lambda _, given: seen.append(given[0]))
        for block in unet.up_blocks
    ]
    for more in ({}, {"down_block_additional_residuals": added.down,
                      "mid_block_additional_residual": added.middle}):  # fmt: skip
        unet(latents, times, states, class_labels=vector, **more)
    for hook in hooks:
        hook.remove()
    # The first layer up sees the middle and the last skip connection, joined by channels.
    moved = seen[2] - seen[0]
    expected = torch.cat([added.middle, added.down[-1]], 1)
    torch.testing.assert_close(moved, expected, rtol=1e-4, atol=1e-4)


def test_kinds_pictures_weights_and_intervals_count(folder: Path, given: Path) -> None:
    def control(**settings: object) -> EmbeddedControlConfig:
        return EmbeddedControlConfig(**{"kind": "depth", "image": given / "0.png"} | settings)

    plain, made = predicted(folder), predicted(folder, control())
    others = [
        control(kind="normals"), control(image=given / "1.png"), control(weight=0.5)
    ]  # fmt: skip
    assert float((made - plain).abs().max()) > 1e-2
    for other in others:
        assert float((predicted(folder, other) - made).abs().max()) > 1e-3, other
    assert torch.equal(predicted(folder, control(weight=0.0)), plain)
    late = control(interval=(0.7, 1.0))
    assert torch.equal(predicted(folder, late), plain)
    assert torch.equal(
        predicted(folder, late, time=900.0), predicted(folder, control(), time=900.0)
    )


def test_several_controls_add_up(folder: Path, given: Path) -> None:
    one = EmbeddedControlConfig(kind="depth", image=given / "0.png", weight=0.6)
    other = EmbeddedControlConfig(kind="canny", image=given / "1.png", weight=0.4)
    both = predicted(folder, one, other)
    assert float((both - predicted(folder, one)).abs().max()) > 1e-3
    # Sums in another order.
    torch.testing.assert_close(predicted(folder, other, one), both, rtol=1e-4, atol=1e-5)
    half = one.model_copy(update={"weight": 0.3})
    torch.testing.assert_close(
        predicted(folder, half, half), predicted(folder, one), rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("kind", ["motion_layers", "view_layers"])
def test_with_layers_for_frames_each_frame_follows_its_own_picture(
    folder: Path, given: Path, kind: str
) -> None:
    def made(**settings: object) -> Tensor:
        controls = []
        if settings:
            controls = [EmbeddedControlConfig(**{"kind": "depth"} | settings)]
        prior = load_frame_prior(kind, 3, SIZE, folder, controls=controls)  # type: ignore[arg-type]
        views = [AROUND] * 2 if kind == "view_layers" else None
        cond = prior.embed(["mug", "car"], views)
        return prior.predict(noised(2, 4, 3, 8, 8), torch.tensor([300.0, 700.0]), cond)

    plain, clip = made(), made(image=given / "clip.webp")
    still = made(image=given / "0.png")
    assert float((clip - plain).abs().max()) > 1e-2
    assert float((clip - still).abs().max()) > 1e-3
    assert torch.equal(made(image=given / "clip.webp", weight=(0.0, 0.0, 0.0)), plain)
    assert torch.equal(made(image=given / "0.png", weight=(1.0, 1.0, 1.0)), still)
    last = made(image=given / "clip.webp", weight=(0.0, 0.0, 1.0)) - plain
    assert float(last[:, :, 2].abs().mean()) > 2 * float(last[:, :, 0].abs().mean())


def test_without_frame_layers_the_lifted_unet_with_control_is_the_unet_with_control(
    folder: Path, given: Path
) -> None:
    """Control and frame layers as a pair: at scale 0 each frame is as if drawn alone."""
    controls = [EmbeddedControlConfig(kind="canny", image=given / "0.png")]
    clips = load_frame_prior("motion_layers", 3, SIZE, folder, controls=controls)
    alone = load_embedded_prior(SIZE, folder, controls=controls)
    for layer in clips.lifted.layers.modules():
        if hasattr(layer, "proj_out"):
            torch.nn.init.zeros_(layer.proj_out.weight)
            torch.nn.init.zeros_(layer.proj_out.bias)
    latents = noised(1, 4, 3, 8, 8)

    made = clips.predict(latents, torch.tensor([400.0]), clips.embed(["mug"]))

    frames = rearrange(latents, "1 c f h w -> f c h w")
    single = alone.predict(frames, torch.full((3,), 400.0), alone.embed(["mug"] * 3))
    # Rounding of convolutions at other batch shapes.
    torch.testing.assert_close(
        rearrange(made, "1 c f h w -> f c h w"), single, rtol=1e-4, atol=1e-4
    )


def test_first_frames_follow_the_first_picture(folder: Path, given: Path) -> None:
    controls = [EmbeddedControlConfig(kind="depth", image=given / "clip.webp")]
    prior = load_frame_prior("motion_layers", 3, SIZE, folder, controls=controls)
    clip = prior.controls[0].followed.pictures
    assert torch.equal(prior.pictures.controls[0].followed.pictures, clip[:1])
    assert torch.equal(prior.of_first_frames().controls[0].followed.pictures, clip[:1])
    assert prior.moving(torch.zeros(1, 3, 5)).controls == prior.controls


def test_wrong_kinds_and_preprocessors_are_refused(given: Path) -> None:
    with pytest.raises(ValueError, match="'canny', 'soft_edge', 'segmentation'"):
        EmbeddedControlConfig(kind="scribble", image=given / "0.png")
    with pytest.raises(ValueError, match="makes pictures of kind pose, not depth"):
        EmbeddedControlConfig(kind="depth", image=given / "0.png", preprocessor="pose")
    with pytest.raises(ValueError, match="keypoints of people in JSON are for"):
        EmbeddedControlConfig(kind="pose", image=given / "0.json", preprocessor="pose")
    with pytest.raises(ValueError, match="makes pictures of kind canny, not depth"):
        EmbeddedControlConfig(kind="depth", image=given / "0.png", preprocessor="canny")


def test_control_nets_of_another_unet_are_refused(
    folder: Path, given: Path, tmp_path: Path
) -> None:
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    store_prior(tmp_path, seed=1)
    control = EmbeddedControlConfig(kind="depth", image=given / "0.png")
    with pytest.raises(InputError, match="this controlnet was trained on the"):
        load_embedded_prior(SIZE, tmp_path, controls=[control])


def test_a_missing_control_net_and_an_unknown_kind_are_named(given: Path, tmp_path: Path) -> None:
    store_prior(tmp_path)
    control = EmbeddedControlConfig(kind="depth", image=given / "0.png")
    with pytest.raises(InputError, match=r"has no controlnet: .*train/controlnet"):
        load_embedded_prior(SIZE, tmp_path, controls=[control])
    store_control_net(tmp_path, CONTROL.model_copy(update={"kinds": ("canny",)}))
    with pytest.raises(InputError, match="follows canny, not depth"):
        load_embedded_prior(SIZE, tmp_path, controls=[control])
    assert followed_kinds(tmp_path) == ("canny",)
    check_kinds(("canny",), tmp_path)
    with pytest.raises(InputError, match="follows canny, not pose"):
        check_kinds(("canny", "pose"), tmp_path)


def test_the_default_fits_the_zoo_budget() -> None:
    net = UnionControlNet(ControlNetArchitecture(), build_image_unet(ImageUNetArchitecture()))
    weights = net.state_dict().values()
    # int8 with a float32 scale a row; vectors stay in float32.
    stored = sum(w.numel() + 4 * len(w) if w.ndim > 1 else 4 * w.numel() for w in weights)
    assert stored < 2.5e6


def test_levels_must_be_those_of_the_unet(folder: Path) -> None:
    unet = load_prior_models(folder)["image_unet"].model
    with pytest.raises(ValueError, match="has 3 levels, the U-Net 2"):
        UnionControlNet(ControlNetArchitecture(), unet)
