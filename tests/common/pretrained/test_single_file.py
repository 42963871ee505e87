"""Single files: the models of a folder to the bit, and one message for whatever is wrong."""

import re
import shutil
import warnings

import pytest
import torch

from common.diffusion.schedule_config import ScaledLinearSchedule
from common.errors import InputError
from common.pretrained.build import build_pretrained_prior
from common.pretrained.check import check_pretrained
from common.pretrained.checkpoint import read_checkpoint
from common.pretrained.config import ComputeConfig, PretrainedPriorConfig
from common.pretrained.memory import pretrained_need
from common.pretrained.notes import pretrained_notes
from tests.common.pretrained import single_files, tiny_transformers
from tests.common.pretrained.damage import change_json, change_tensors, copied, with_one, without
from tests.common.pretrained.test_parity import SAMPLERS, drawn, noise_of
from tests.common.pretrained.tiny_pipelines import SIZE, store

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation")


@pytest.fixture(scope="module")
def files(pipelines, checkpoints, tmp_path_factory):
    """For each family a single file, and a folder of its own without weights."""
    folder = tmp_path_factory.mktemp("single")
    tensors = {
        "sd15": single_files.of_sd(pipelines["sd15"]),
        "sd21": single_files.of_sd(pipelines["sd21"], open_clip=True),
        "sdxl": single_files.of_sdxl(pipelines["sdxl"]),
    }
    made = {}
    for family, content in tensors.items():
        components = shutil.copytree(
            checkpoints[family], folder / family, ignore=shutil.ignore_patterns("*.safetensors")
        )
        path = single_files.stored(content, folder / f"{family}.safetensors")
        made[family] = (path, components)
    return made


def of(file, **settings):
    path, components = file
    return PretrainedPriorConfig(path=str(path), components=components, **settings)


def changed(file, tmp_path, change):
    """The file with other tensors."""
    path = shutil.copy(file[0], tmp_path / "changed.safetensors")
    change_tensors(path, change)
    return path, file[1]


def same_models(ours, theirs):
    for model, other in zip(ours, theirs, strict=True):
        state = other.state_dict()
        assert model.state_dict().keys() == state.keys()
        for name, value in model.state_dict().items():
            assert torch.equal(value, state[name]), name


@pytest.mark.parametrize("family", ["sd15", "sd21", "sdxl"])
def test_latents_are_those_of_the_folder_to_the_bit(files, checkpoints, family):
    folder = build_pretrained_prior(PretrainedPriorConfig(path=str(checkpoints[family])), SIZE)
    single = build_pretrained_prior(of(files[family]), SIZE)
    noise = noise_of(folder)
    config = SAMPLERS["euler"][0]
    ours, theirs = drawn(single, config, noise), drawn(folder, config, noise)
    assert torch.equal(ours, theirs)
    assert float(theirs.std()) > 0.1
    assert torch.equal(single.decode(ours), folder.decode(theirs))
    pictures = torch.rand(1, 3, *SIZE, generator=torch.Generator().manual_seed(0)) * 2 - 1
    assert torch.equal(single.encode(pictures), folder.encode(pictures))


@pytest.mark.parametrize("family", ["sd3", "flux"])
def test_transformers_are_those_of_the_folder_to_the_bit(tmp_path, family):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pipeline = getattr(tiny_transformers, family)()
    if family == "sd3":  # whose first CLIP projects by the identity where it is not stored
        square = torch.nn.Linear(24, 24, bias=False)
        torch.nn.init.eye_(square.weight)
        pipeline.text_encoder.text_projection = square
        pipeline.text_encoder.config.projection_dim = 24
        rebuilt = pipeline.transformer.time_text_embed.text_embedder.linear_1
        wider = torch.nn.Linear(24 + 12, rebuilt.out_features)
        pipeline.transformer.time_text_embed.text_embedder.linear_1 = wider
        pipeline.transformer.register_to_config(pooled_projection_dim=24 + 12)
    components = store(pipeline, tmp_path / "folder")
    content = getattr(single_files, f"of_{family}")(pipeline)
    path = single_files.stored(content, tmp_path / f"{family}.safetensors")
    prior = build_pretrained_prior(of((path, components)), SIZE)
    same_models([prior.network], [pipeline.transformer])
    same_models([prior.autoencoder], [pipeline.vae])
    folder = build_pretrained_prior(PretrainedPriorConfig(path=str(components)), SIZE)
    ours, theirs = prior.embed(["a red cat"]), folder.embed(["a red cat"])
    assert torch.equal(ours.states, theirs.states)
    assert torch.equal(ours.pooled, theirs.pooled)
    notes = pretrained_notes(of((path, components)), "a cat", "", SIZE)
    # FLUX.1 was published as a transformer alone.
    assert any("has no vae: it is folder's" in note for note in notes) == (family == "flux")


def test_diffusers_reads_the_same_file_alike(files, pipelines):
    """The inverse map of these tests is right by diffusers' own loader of single files."""
    from diffusers.loaders import single_file_utils as theirs
    from safetensors.torch import load_file

    for family in ("sd15", "sd21", "sdxl"):
        tensors, pipeline = load_file(files[family][0]), pipelines[family]
        unet = theirs.convert_ldm_unet_checkpoint(dict(tensors), dict(pipeline.unet.config))
        vae = theirs.convert_ldm_vae_checkpoint(dict(tensors), dict(pipeline.vae.config))
        for model, found in ((pipeline.unet, unet), (pipeline.vae, vae)):
            state = model.state_dict()
            assert state.keys() == found.keys()
            assert all(torch.equal(value, found[name]) for name, value in state.items())


def test_half_precision_files_are_read_and_reckoned(files, tmp_path):
    half = changed(files["sdxl"], tmp_path, lambda t: {k: v.half() for k, v in t.items()})
    prior = build_pretrained_prior(of(half), SIZE)
    exact = build_pretrained_prior(of(files["sdxl"]), SIZE)
    for model, other in zip(
        (prior.unet, *(e.model for e in prior.text.encoders)),
        (exact.unet, *(e.model for e in exact.text.encoders)), strict=True,
    ):  # fmt: skip
        for name, value in model.state_dict().items():
            wanted = other.state_dict()[name].half().float()
            assert torch.equal(value, wanted), name
    need = pretrained_need(of(half, compute=ComputeConfig(dtype="float16")), SIZE, 2)
    full = pretrained_need(of(half), SIZE, 2)
    # The autoencoder says that it overflows in float16.
    assert 0.5 * full.weights_bytes < need.weights_bytes < 0.6 * full.weights_bytes


def test_file_says_what_it_predicts(files, tmp_path):
    marks = {"v_pred": torch.tensor(1.0), "ztsnr": torch.tensor(1.0)}
    file = changed(files["sdxl"], tmp_path, lambda t: t | marks)
    spec = build_pretrained_prior(of(file), SIZE).spec
    assert spec.prediction == "v"
    assert read_checkpoint(of(file)).schedule == ScaledLinearSchedule(zero_terminal_snr=True)
    assert read_checkpoint(of(files["sdxl"])).prediction == "eps"


def test_models_that_the_file_leaves_out_are_the_folders(files, checkpoints, tmp_path, pipelines):
    file = changed(
        files["sd15"], tmp_path,
        lambda t: {k: v for k, v in t.items() if not k.startswith("first_stage_model.")},
    )  # fmt: skip
    with pytest.raises(InputError, match=r"has no vae \(no 'first_stage_model\.\.\.\.'\), so it"):
        build_pretrained_prior(of(file), SIZE)
    whole = of((file[0], checkpoints["sd15"]))
    same_models([build_pretrained_prior(whole, SIZE).autoencoder], [pipelines["sd15"].vae])
    notes = pretrained_notes(whole, "a cat", "", SIZE)
    assert any("changed.safetensors has no vae: it is sd15's" in note for note in notes)
    assert any("tensors of betas, model_ema belong to none" in note for note in notes)


def test_components_of_a_folder_have_no_effect(checkpoints, files):
    config = PretrainedPriorConfig(path=str(checkpoints["sd15"]), components=files["sd15"][1])
    notes = pretrained_notes(config, "a cat", "", SIZE)
    assert "prior.components has no effect: prior.path is no single file" in notes


CUT = "model.diffusion_model.input_blocks.1.0.in_layers.2.weight"
WRONG = {
    "a layer too many": (
        with_one("model.diffusion_model.input_blocks.9.0.op.weight", lambda t: torch.ones(2)),
        "holds 'model.diffusion_model.input_blocks.9.0.op.weight'",
    ),
    "a missing key": (without(CUT), r"has no 'down_blocks\.0\.resnets\.0\.conv1\.weight'"),
    "a wrong shape": (
        with_one(CUT, lambda t: t[CUT][:, :3].clone()), f"'{re.escape(CUT)}' is 16 x 3 x 3 x 3"
    ),
    "quantised": (
        with_one(CUT, lambda t: t[CUT].to(torch.float8_e4m3fn)), "quantised weights are not read"
    ),
    "a LoRA": (
        lambda t: {"lora_unet_down_blocks_0.lora_up.weight": torch.ones(2, 2)},
        "holds no U-Net or transformer as Stable Diffusion",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_wrong_files_get_one_message_that_names_the_key(files, tmp_path, what):
    change, message = WRONG[what]
    file = changed(files["sd15"], tmp_path, change)
    with pytest.raises(InputError, match=message) as refused:
        check_pretrained(of(file), SIZE)
    assert "changed.safetensors" in str(refused.value)


def test_pickled_and_damaged_files_are_refused(files, tmp_path, checkpoints):
    torch.save({}, tmp_path / "model.ckpt")
    with pytest.raises(InputError, match=r"model\.ckpt is a pickle, which can run code.*convert"):
        check_pretrained(of((tmp_path / "model.ckpt", files["sd15"][1])), SIZE)
    (tmp_path / "cut.safetensors").write_bytes(files["sd15"][0].read_bytes()[:5000])
    with pytest.raises(InputError, match=r"cut\.safetensors holds no safetensors"):
        check_pretrained(of((tmp_path / "cut.safetensors", files["sd15"][1])), SIZE)


def test_folder_of_components_is_needed_and_must_fit(files, checkpoints, tmp_path):
    path, _ = files["sd15"]
    with pytest.raises(InputError, match=r"set prior\.components to a folder .* family \(sd\)"):
        check_pretrained(PretrainedPriorConfig(path=str(path)), SIZE)
    with pytest.raises(InputError, match=r"is of the family sd, and prior\.components .* of sdxl"):
        check_pretrained(of((path, checkpoints["sdxl"])), SIZE)
    with pytest.raises(InputError, match=r"prior\.components: .* is no folder"):
        check_pretrained(of((path, tmp_path / "gone")), SIZE)
    folder = copied(files["sd15"][1], tmp_path)
    change_json(folder / "unet/config.json", layers_per_block=[1, 2])
    with pytest.raises(InputError, match=r"layers_per_block is '\[1, 2\]'"):
        check_pretrained(of((path, folder)), SIZE)
