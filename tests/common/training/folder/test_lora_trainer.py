"""Learning from a folder, end to end on untrained models: embedded, and a tiny checkpoint."""

import shutil

import numpy as np
import pytest
import torch
from safetensors import safe_open

from common.adapters.low_rank import LowRank, LowRankConfig
from common.cli.main import main
from common.embedded.prior_config import EmbeddedPriorConfig
from common.media.images import read_picture, write_picture
from common.pretrained.build import build_pretrained_prior
from common.pretrained.config import PretrainedPriorConfig
from common.runs.folder import RunFolder
from common.training.build import training_estimate
from common.training.folder.folder_estimate import saved_bytes
from common.training.folder.lora_trainer import TrainLora
from common.training.gradient_checkpointing import keep_beginnings
from common.training.loop_config import LoopConfig
from run import APPS
from tests.common.pretrained.conftest import checkpoints, pipelines  # noqa: F401
from tests.common.training.small_folder import SMALL, write_folder
from tests.common.zoo.small_zoo import store_prior

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation")
FULL = ("method.change={name: full}", "storage.precision=float32")


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    store_prior(folder)
    return folder


@pytest.fixture
def teach(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    pictures = write_folder(tmp_path / "pictures")

    def teach(preset, *changes):
        code = main([f"train/{preset}", f"method.folder={pictures}", *SMALL, *changes], APPS)
        said = capsys.readouterr()
        return code, [tmp_path / line for line in said.out.splitlines()], said.err

    return teach


def embedded(models):
    return f"method.prior={{name: embedded, models_dir: {models}}}"


def pretrained(folder):
    return f"method.prior={{name: pretrained, path: {folder}}}"


def drawn(models, tmp_path, *changes):
    """The pixels of one picture."""
    code = main(
        ["image/text_to_image", f"prior={{name: embedded, models_dir: {models}}}",
         "prompt=a disk", "sampler.num_steps=2", "device=cpu", *changes],
        APPS,
    )  # fmt: skip
    assert code == 0
    return read_picture(RunFolder(tmp_path / "outputs/text_to_image/latest").samples / "000.png")


def test_a_lora_of_the_embedded_prior_is_learnt_stored_and_drawn_with(
    teach, models, tmp_path, capsys
):  # fmt: skip
    code, paths, said = teach("lora", embedded(models))
    assert code == 0, said
    lora, report = paths
    assert (lora.name, report.name) == ("lora.safetensors", "report.html")
    assert (lora.parents[1] / "previews" / "step-000004.png").is_file()
    with safe_open(lora, framework="pt") as file:
        assert "error/pictures_gain" in file.metadata()["extrude_figures"]
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    ups = [tensor for key, tensor in tensors.items() if "lora_up" in key]
    assert ups
    assert all(float(up.abs().max()) > 0 for up in ups)
    plain = drawn(models, tmp_path)
    changed = drawn(models, tmp_path, f"prior.loras=[{{path: {lora}, scale: 3}}]")
    off = drawn(models, tmp_path, f"prior.loras=[{{path: {lora}, scale: 0}}]")
    assert np.array_equal(off, plain)
    assert not np.array_equal(changed, plain)


@pytest.mark.parametrize("method", ["lora", "dreambooth"])
def test_a_resumed_run_ends_in_the_same_bytes(teach, models, method):
    keep = (embedded(models), "checkpoint={every_s: 0.0, keep: 9}")
    kept = ("method.preservation.num_pictures=2", "method.preservation.num_steps=2")
    code, paths, said = teach(method, *keep, *(kept if method == "dreambooth" else ()))
    assert code == 0, said
    lora, folder = paths[0], paths[0].parents[1]
    expected = lora.read_bytes()
    for step in (3, 4):
        shutil.rmtree(folder / "checkpoints" / f"step-{step:06d}")
    shutil.rmtree(folder / "samples")
    RunFolder(folder).set_status("running")
    assert main(["resume", str(folder)], APPS) == 0
    assert lora.read_bytes() == expected


def test_the_loss_of_a_picture_falls_with_training(teach, models):
    loop = "method.loop.num_steps=60"
    code, paths, said = teach("lora", embedded(models), loop, "method.text_dropout=0")
    assert code == 0, said
    with safe_open(paths[0], framework="pt") as file:
        import json

        figures = json.loads(file.metadata()["extrude_figures"])
    assert figures["error/pictures_gain"] > 0.05 * figures["error/pictures"]


@pytest.mark.parametrize("family", ["sd15", "sdxl"])
def test_a_lora_of_a_checkpoint_is_read_back(teach, checkpoints, tmp_path, family):  # noqa: F811
    code, paths, said = teach("lora", pretrained(checkpoints[family]), "method.loop.batch_size=2")
    assert code == 0, said
    config = {"path": str(checkpoints[family])}
    loras = ({"path": paths[0]},)
    plain, changed = (
        build_pretrained_prior(PretrainedPriorConfig(**config | more), (64, 64))
        for more in ({}, {"loras": loras})
    )
    name = "up_blocks.0.attentions.0.transformer_blocks.0.attn2.to_v.weight"
    before, after = (dict(one.unet.named_parameters())[name] for one in (plain, changed))
    assert float((before - after).abs().max()) > 1e-4


def test_dreambooth_with_all_weights_writes_a_checkpoint(
    teach, checkpoints, tmp_path  # noqa: F811
):  # fmt: skip
    kept = ("method.preservation.num_pictures=2", "method.preservation.num_steps=2")
    code, paths, said = teach("dreambooth", pretrained(checkpoints["sd15"]), *FULL, *kept)
    assert code == 0, said
    assert paths[0].name == "model_index.json"
    folder = paths[0].parent
    old, new = (
        build_pretrained_prior(PretrainedPriorConfig(path=str(path)), (64, 64))
        for path in (checkpoints["sd15"], folder)
    )
    moved = [not torch.equal(a, b) for a, b in
             zip(old.unet.parameters(), new.unet.parameters(), strict=True)]  # fmt: skip
    assert sum(moved) > 0.9 * len(moved)
    text = old.embed(["a red cat"]).states
    assert torch.equal(text, new.embed(["a red cat"]).states), "everything else is the base's"
    from diffusers import StableDiffusionPipeline

    theirs = StableDiffusionPipeline.from_pretrained(folder, safety_checker=None).unet
    assert all(torch.equal(a, b) for a, b in
               zip(theirs.parameters(), new.unet.parameters(), strict=True))  # fmt: skip


@pytest.mark.parametrize(("preset", "changes", "message"), [
    ("lora", ("method.folder=nowhere",), "no such folder"),
    ("lora", ("storage.precision=int8",), "int8 is for the models of the zoo"),
    ("lora", ("method.loop.compile=true",), "hooked into the U-Net"),
    ("lora", ("method.height=320",), "64 to 256"),
    ("lora", ("method.guidance.name=perp_neg",), "use cfg"),
    ("dreambooth", ("method.change={name: full}",), "use change.name low_rank"),
    ("dreambooth", ("method.caption=a dog",), "needs a word of its own"),
])  # fmt: skip
def test_what_cannot_be_learnt_is_refused_before_a_folder_exists(
    teach, models, tmp_path, preset, changes, message
):  # fmt: skip
    code, paths, said = teach(preset, embedded(models), *changes)
    assert (code, paths) == (2, [])
    assert message in " ".join(said.split())
    assert "Traceback" not in said
    assert not (tmp_path / "outputs").exists()


def test_a_picture_that_is_too_small_leaves_nothing_behind(teach, models, tmp_path):
    write_picture(tmp_path / "pictures" / "3.png", np.zeros((20, 20, 3), np.uint8))
    code, paths, said = teach("lora", embedded(models))
    assert (code, paths) == (2, [])
    assert "3.png is 20 x 20" in said
    assert not list((tmp_path / "outputs").rglob("config.yaml"))


@pytest.mark.parametrize("preset", ["lora", "dreambooth", "textual_inversion"])
def test_checkpointed_gradients_are_the_same_bits(teach, models, checkpoints, preset):  # noqa: F811
    """Of a low-rank change in all kinds of layers, of all weights, and of a word."""
    changes = {
        "lora": (embedded(models), "method.change.rank=2",
                 "method.change.targets=[attention, feed_forward, convolutions, embeddings]"),
        "dreambooth": (pretrained(checkpoints["sd15"]), *FULL, "method.preservation=null"),
        "textual_inversion": (embedded(models), "method.word=<disk>", "method.start=red cat"),
    }[preset]  # fmt: skip
    made = []
    for switch in ("false", "true"):
        code, paths, said = teach(preset, f"method.gradient_checkpointing={switch}", *changes)
        assert code == 0, said
        weights = [*paths[0].parent.rglob("*.safetensors")]
        made.append({path.name: path.read_bytes() for path in weights})
    assert made[0] == made[1]
    assert made[0]


def test_checkpointing_keeps_less_for_the_gradient(checkpoints):  # noqa: F811
    """Counted on the meta device, and of a real backward pass the blocks are computed twice."""
    config = PretrainedPriorConfig(path=str(checkpoints["sd15"]))
    unet = build_pretrained_prior(config, (64, 64)).unet
    with torch.device("meta"):
        shadow = type(unet).from_config(unet.config)
    change = LowRank(shadow, LowRankConfig(rank=2), torch.Generator()).to("meta")
    plain, less = (
        saved_bytes(shadow, change, torch.empty(4, 4, 8, 8, device="meta"), switch)
        for switch in (False, True)
    )
    assert less < 0.6 * plain
    calls, learnt = [], LowRank(unet, LowRankConfig(rank=2), torch.Generator())
    # the second computing ends with the last tensor that is needed, maybe within the block
    unet.up_blocks[0].resnets[0].register_forward_pre_hook(lambda *_: calls.append(1))
    keep_beginnings(unet, learnt)
    latents = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    with learnt.applied(unet):
        made = unet(latents, 5.0, torch.zeros(1, 77, 32)).sample
    made.sum().backward()
    assert len(calls) == 2
    assert any(bool(up.grad.abs().max() > 0) for up in learnt.ups)


def test_estimate_grows_with_the_batch(models, checkpoints, tmp_path):  # noqa: F811
    write_folder(tmp_path / "pictures", 1)
    for prior in (
        EmbeddedPriorConfig(models_dir=models), PretrainedPriorConfig(path=str(checkpoints["sdxl"]))
    ):  # fmt: skip
        few, many = (
            training_estimate(TrainLora(folder=tmp_path / "pictures", prior=prior, loop=loop))
            for loop in (LoopConfig(batch_size=1), LoopConfig(batch_size=9))
        )
        assert few.sizes["learnt numbers"] == many.sizes["learnt numbers"]
        per_sample = (many.memory_bytes - few.memory_bytes) / 8
        assert per_sample > 2**18
