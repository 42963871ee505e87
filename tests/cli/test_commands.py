"""The commands that run nothing, and every kind of wrong input."""

import pytest

from common.config.load import preset_names


def test_list_names_every_preset_with_a_description(command):
    done = command("list")
    assert done.code == 0
    lines = {line.split()[0]: line.split(maxsplit=1)[1:] for line in done.out.splitlines() if line}
    for name in preset_names():
        assert lines[name], f"{name} has no description"
        assert "broken" not in lines[name][0]


def test_help_and_no_arguments_show_usage(extrude):
    assert extrude("--help", outputs=False).code == 0
    bare = extrude(outputs=False)
    assert bare.code == 2
    assert "usage: python run.py" in bare.out


def test_version_is_printed(command):
    done = command("--version")
    assert done.out.startswith("extrude ")


def test_print_config_shows_every_origin(command):
    done = command("smoke/video", "seed=5", "--print-config")
    assert done.code == 0, done.err
    lines = {line.split(":")[0].strip(): line for line in done.out.splitlines()}
    assert lines["seed"].endswith("# command line")
    assert "configs/smoke/video.yaml" in lines["description"]
    assert "configs/base/run.yaml" in lines["schema_version"]
    assert lines["rescale"].endswith("# default")


def test_dry_run_says_sizes_and_leaves_nothing(command, tmp_path):
    done = command("smoke/video", "--dry-run")
    assert done.code == 0, done.err
    assert "peak memory: about" in done.out
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("key", ["video", "video.sampler", "sampler.num_steps", "seed"])
def test_explain_knows_key(command, key):
    done = command("explain", key)
    assert done.code == 0, done.err
    assert "default:" in done.out


def test_explain_names_each_app_once(command):
    done = command("explain", "guidance.guidance_scale")
    assert done.out.count("guidance.guidance_scale\n") == 1
    assert done.out.endswith("  in: image, video, evaluate, evaluate_video, kit_clip\n")


def test_explain_unknown_key_suggests(command):
    done = command("explain", "sampler.num_step")
    assert done.code == 2
    assert "did you mean 'sampler.num_steps'?" in done.err


BAD = {
    "unknown key": (["smoke/video", "sampler.num_stepz=3"], "did you mean 'num_steps'?"),
    "wrong type": (["smoke/video", "seed=many"], "must be a whole number"),
    "out of range": (["smoke/video", "num_samples=0"], "greater than or equal to 1"),
    "missing preset": (["video/text_to_vid"], "did you mean"),
    "missing file": (["gone.yaml"], "there is no such file"),
    "empty prompt": (["smoke/video", "prompt="], "is empty"),
    "blank prompt": (["smoke/video", "prompt=   "], "is empty"),
    "long prompt": (["smoke/video", "prompt=" + "x" * 10_001], "10,001 characters"),
    "control character": (["smoke/video", "prompt=a\x07b"], "U+0007"),
    "name with a slash": (["smoke/video", "name=../../up"], "cannot contain '/'"),
    "no CUDA": (["smoke/video", "device=cuda"], "no CUDA device"),
    "too much memory": (
        ["smoke/video", "batch_size=4096", "num_samples=4096", "method.height=1024",
         "method.width=1024", "method.num_frames=256"], "GiB of memory"),
    "unknown option": (["smoke/video", "--dryrun"], "did you mean '--dry-run'?"),
    "wrong number of things": (["inspect", "a", "b"], "inspect takes a file or run folder"),
    "nothing to resume": (["resume", "gone"], "no run folder"),
    "rerun of a missing file": (["rerun", "gone.mp4"], "there is no such file"),
    "inspect of a missing file": (["inspect", "gone.mp4"], "there is no such file"),
    "no equals sign": (["smoke/video", "seed"], "key=value"),
    "unknown app": (["smoke/video", "app=vidio"], "did you mean 'video'?"),
    "unknown word of the prior": (["smoke/video", "prompt=qwertyuiop"], "qwertyuiop"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_wrong_input_is_one_message_exit_2_and_no_trace(command, tmp_path, case):
    arguments, words = BAD[case]
    done = command(*arguments)
    assert done.code == 2, done.err + done.out
    assert words in done.err
    assert "Traceback" not in done.err
    assert done.out == ""
    assert list(tmp_path.rglob("*")) == []


@pytest.mark.parametrize("prompt", ["a red ball 🐱", "一个红色的球 a red ball", "red ball " * 1000])
def test_odd_prompts_and_names_run(extrude, prompt):
    done = extrude("smoke/video", f"prompt={prompt}", "name=猫 🐱")
    assert done.code == 0, done.err


@pytest.mark.parametrize(
    "content", [b"", b"\x00" * 100, b"not a video"], ids=["empty", "zeros", "text"]
)
@pytest.mark.parametrize("name", ["x.mp4", "x.png", "x.glb", "x.webp"])
@pytest.mark.parametrize("word", ["rerun", "inspect"])
def test_damaged_files_are_refused(command, tmp_path, word, name, content):
    (tmp_path / name).write_bytes(content)
    done = command(word, name)
    assert done.code == 2, done.out
    assert name in done.err
    assert "Traceback" not in done.err


def test_output_folder_that_is_a_file_is_refused(command, tmp_path):
    (tmp_path / "outputs").write_text("")
    done = command("smoke/video")
    assert done.code == 2
    assert "output_dir=" in done.err
