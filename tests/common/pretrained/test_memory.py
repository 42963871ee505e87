import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import nn

from common.pretrained.activation_memory import peak_activation_bytes
from common.pretrained.config import ComputeConfig, PretrainedPriorConfig
from common.pretrained.memory import pretrained_need
from tests.common.pretrained.damage import UNET, change_tensors, copied
from tests.common.pretrained.tiny_pipelines import SIZE

ROOT = Path(__file__).parents[3]
KIB = 2**10


def need_of(folder, size=SIZE, together=1, **compute):
    config = PretrainedPriorConfig(path=str(folder), compute=ComputeConfig(**compute))
    return pretrained_need(config, size, together)


def largest_tensor(*files):
    return max(t.nbytes for path in files for t in load_file(path).values())


def on_meta(*shape):
    return torch.empty(shape, device="meta")


def test_activations_of_a_chain_are_its_two_largest_neighbours():
    model = nn.Sequential(nn.Linear(8, 1024), nn.ReLU(), nn.Linear(1024, 8)).to("meta")
    inputs = on_meta(64, 8)
    # The hidden layer before and after the ReLU: 64 rows of 1024 floats each.
    assert peak_activation_bytes(model, lambda: model(inputs)) == 2 * 64 * 1024 * 4


def test_weights_and_views_of_them_do_not_count():
    model = nn.Linear(512, 4, bias=False).to("meta")
    inputs = on_meta(2, 512)
    assert peak_activation_bytes(model, lambda: model(inputs)) == 2 * 4 * 4


def test_convolutions_lay_their_data_out_anew():
    model = nn.Conv2d(3, 8, 3, padding=1).to("meta")
    inputs = on_meta(1, 3, 16, 16)
    made, taken = 8 * 256 * 4, 3 * 256 * 4
    assert made > taken
    assert peak_activation_bytes(model, lambda: model(inputs)) == made + made


def test_fused_attention_has_no_scores():
    query = on_meta(1, 4, 100, 16)
    nothing = nn.Identity()
    fused = peak_activation_bytes(
        nothing, lambda: F.scaled_dot_product_attention(query, query, query)
    )
    plain = peak_activation_bytes(nothing, lambda: (query @ query.mT).softmax(-1) @ query)
    assert fused == 4 * 100 * 16 * 4
    assert plain == 2 * 4 * 100 * 100 * 4  # scores before and after the softmax


def test_what_is_freed_does_not_count():
    nothing = nn.Identity()

    def one_after_the_other():
        for _ in range(10):
            on_meta(256) + 1

    assert peak_activation_bytes(nothing, one_after_the_other) <= 2 * KIB


def test_weights_are_those_of_the_files_in_their_type(checkpoints):
    for family, parts in (("sd15", 3), ("sdxl", 4)):
        folder = checkpoints[family]
        files = list(folder.glob("*/*.safetensors"))
        stored = sum(path.stat().st_size for path in files)
        assert len(files) == parts
        whole, half = need_of(folder), need_of(folder, dtype="bfloat16")
        # Headers take the rest.
        assert 0.9 * stored < whole.weights_bytes < stored
        assert half.weights_bytes == whole.weights_bytes / 2
        assert whole.reading_bytes == 0
        assert half.reading_bytes == largest_tensor(*files)
        mixed = need_of(folder, dtype="float16")
        assert half.weights_bytes < mixed.weights_bytes < whole.weights_bytes


def test_compiled_weights_are_there_twice_on_a_cpu(checkpoints, monkeypatch):
    folder = checkpoints["sd15"]
    denoiser = sum(path.stat().st_size for path in (folder / "unet").glob("*.safetensors"))
    more = {}
    for cuda in (False, True):
        monkeypatch.setattr(torch.cuda, "is_available", lambda cuda=cuda: cuda)
        compiled = need_of(folder, compile=True).weights_bytes
        more[cuda] = compiled - need_of(folder).weights_bytes
    assert 0.9 * denoiser < more[False] < denoiser  # headers take the rest
    assert more[True] == 0


def test_tensors_are_converted_one_by_one(checkpoints, tmp_path):
    folder = copied(checkpoints["sd15"], tmp_path)
    change_tensors(folder / UNET, lambda tensors: {k: v.half() for k, v in tensors.items()})
    need = need_of(folder)
    assert need.reading_bytes == largest_tensor(folder / UNET)
    assert need.weights_bytes == need_of(checkpoints["sd15"]).weights_bytes
    assert need.peak_bytes == need.weights_bytes + max(need.reading_bytes, need.activation_bytes)


def test_activations_grow_with_the_picture_and_the_batch(checkpoints):
    folder = checkpoints["sd15"]
    small, large = need_of(folder, (64, 64)), need_of(folder, (128, 128))
    assert 3.5 < large.activation_bytes / small.activation_bytes < 4.5
    many = need_of(folder, (64, 64), together=64)
    assert many.activation_bytes > small.activation_bytes, "the U-Net's then, not the decoder's"
    tiled = need_of(folder, (256, 256), vae_tiling=True)
    assert tiled.activation_bytes < need_of(folder, (256, 256)).activation_bytes / 2


def test_plain_attention_takes_more_than_fused_and_sliced(checkpoints):
    fused, plain, sliced = (
        need_of(checkpoints["sd15"], (256, 256), 8, attention=kind).activation_bytes
        for kind in ("sdpa", "plain", "sliced")
    )
    assert plain > sliced >= fused


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can start a new peak")
def test_counted_activations_are_those_of_a_real_run():
    # A process of its own: growth inside of blocks that other tests freed would not show.
    # Its large blocks come from the system and go back at once.
    command = [sys.executable, "-m", "tests.common.pretrained.measured_activations"]
    environment = os.environ | {"MALLOC_MMAP_THRESHOLD_": str(2**16)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    measured = json.loads(done.stdout)
    assert len(measured) == 2
    for counted, grown in measured:
        assert counted > 15 * 2**20
        assert grown == pytest.approx(counted, rel=0.1)
