"""Motion modules between layouts, to the bit, end to end."""

import pytest
import safetensors.torch
import torch

from common.cli.main import main
from common.errors import InputError
from run import APPS
from tests.video.animatediff.small_adapter import adapter
from tests.video.animatediff.test_motion_file import FAMILIES, original_of
from video.animatediff.motion_family import FAMILIES as KNOWN
from video.animatediff.motion_keys import block_tables, is_position_table, to_hotshot

TITLES = [*FAMILIES, ("animatelcm", True, 4, 32)]


@pytest.fixture
def convert(tmp_path, monkeypatch, capsys):
    """Run ``video/convert``: exit code, the file that was written, and messages."""
    monkeypatch.chdir(tmp_path)

    def convert(path, *changes):
        code = main(["video/convert", f"input={path}", *changes], APPS)
        said = capsys.readouterr()
        found = [tmp_path / line for line in said.out.splitlines()]
        return code, found[0] if code == 0 else None, said.err

    return convert


def stored(tmp_path, name, middle, levels, length, dtype=torch.float16):
    """A file as its project publishes it: half precision, and its own sinusoids."""
    weights = original_of(adapter(middle, levels, length), length)
    weights = {key: value.to(dtype) for key, value in weights.items()}
    if name == "animatelcm":
        weights = {key: value for key, value in weights.items() if not is_position_table(key)}
    if name == "hotshot_xl":
        weights = {to_hotshot(key): value for key, value in weights.items()}
    path = tmp_path / f"{name}.safetensors"
    safetensors.torch.save_file(weights, path)
    return path, weights


@pytest.mark.parametrize(("name", "middle", "levels", "length"), TITLES)
def test_there_and_back_is_the_same_file_to_the_bit(
    convert, tmp_path, capsys, name, middle, levels, length
):
    path, weights = stored(tmp_path, name, middle, levels, length)
    code, folder, said = convert(path)
    assert code == 0, said
    assert main(["inspect", str(folder)], APPS) == 0
    shown = capsys.readouterr().out
    assert KNOWN[name].title in shown
    assert KNOWN[name].schedule.name in shown
    assert "layout: diffusers' MotionAdapter" in shown

    code, back, said = convert(folder.parent, "name=back")
    assert code == 0, said
    found = safetensors.torch.load_file(back)
    assert found.keys() == weights.keys()
    for key, value in weights.items():
        assert found[key].dtype == value.dtype
        assert torch.equal(found[key], value), key


def test_checkpoint_of_a_whole_unet_gives_its_motion_module(convert, tmp_path):
    weights = {f"module.{key}": value
               for key, value in original_of(adapter(), 32).items()}  # fmt: skip
    whole = {"state_dict": weights | {"module.conv_in.weight": torch.zeros(3)}, "epoch": 4}
    torch.save(whole, tmp_path / "mm.ckpt")
    code, folder, said = convert("mm.ckpt")
    assert code == 0, said
    assert "1 of its weights are of no motion module and are left out" in said
    from diffusers import MotionAdapter

    loaded = MotionAdapter.from_pretrained(folder.parent).state_dict()
    for key, value in adapter().state_dict().items():
        assert torch.equal(loaded[key], value), key


def test_what_cannot_be_converted_ends_with_code_2(convert, tmp_path):
    path, weights = stored(tmp_path, "v3", False, 4, 32)
    (tmp_path / "empty.safetensors").write_bytes(b"")
    safetensors.torch.save_file({"a": torch.zeros(2)}, tmp_path / "other.safetensors")
    key = next(key for key in weights if is_position_table(key))
    safetensors.torch.save_file(
        weights | {key: weights[key] + 1}, tmp_path / "tables.safetensors"
    )  # fmt: skip
    for given, message in (
        ((path, "to=original"), "is in the layout 'original' already: set to=diffusers"),
        (("none.ckpt",), "cannot be read"), (("empty.safetensors",), "cannot be read"),
        (("other.safetensors",), "no motion module among"),
        (("tables.safetensors",), "have different sinusoids"),
    ):  # fmt: skip
        code, _, said = convert(*given)
        assert code == 2, given
        assert message in said
        assert "Traceback" not in said
    assert not (tmp_path / "outputs").exists()


def test_sinusoids_of_one_block_are_one():
    prefix = "down_blocks.0.motion_modules.0.temporal_transformer.transformer_blocks.0."
    keys = [f"{prefix}attention_blocks.{number}.pos_encoder.pe" for number in (0, 1)]
    table = torch.randn(1, 24, 8, generator=torch.Generator().manual_seed(0))
    found = block_tables(dict.fromkeys(keys, table))
    (name,) = found
    assert name == "down_blocks.0.motion_modules.0.transformer_blocks.0.pos_embed.pe"
    with pytest.raises(InputError, match="different sinusoids"):
        block_tables({keys[0]: table, keys[1]: table + 1})
