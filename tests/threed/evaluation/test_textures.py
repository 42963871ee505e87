"""Evaluation of textures, on untrained models."""

import json

from common.cli.main import main
from run import APPS

SMALL = (
    "evaluate/texture", "max_prompts=2", "method.ways=[synchronised, projected]",
    "method.painting.size_px=64", "method.painting.sampler.num_steps=1", "num_threads=1",
    "method.painting.texture_px=256", "method.painting.upscale=1",
    "method.painting.extra_views=[]", "method.painting.num_views=2",
    "method.painting.controls=[]",
)  # fmt: skip


def test_run_scores_every_way_on_the_same_meshes(view_zoo, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    code = main([*SMALL, f"prior.models_dir={view_zoo}", f"judge_dir={view_zoo}"], APPS)

    said = capsys.readouterr()
    assert code == 0, said.err
    paths = [tmp_path / line for line in said.out.splitlines()]
    found = json.loads(next(path for path in paths if path.name == "figures.json").read_text())
    for way in ("synchronised", "projected"):
        part = f"held_out_{way}"
        assert 0 <= found[f"{part}/front_top1"] <= found[f"{part}/front_top5"] <= 1
        assert 0 < found[f"{part}/guessed"] < 1
        assert found[f"{part}/shown_again_db"] > 5
        assert (paths[0].parent / f"{part}.png").is_file()
    assert 0 <= found["held_out_grey/front_top1"] <= 1
