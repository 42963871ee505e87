import json

import pytest
import torch

from common.cli.main import main
from common.control.preprocess import preprocessed
from common.control.thing_pose import thing_skeleton
from common.evaluation.control_scores import edge_f1, silhouette_iou
from common.training.control.control_truth import control_truth
from run import APPS
from tests.common.zoo.small_zoo import store_control_net


@pytest.fixture
def evaluate(zoo, tmp_path, monkeypatch, capsys):
    if not (zoo / "controlnet.json").is_file():
        store_control_net(zoo)
    monkeypatch.chdir(tmp_path)

    def evaluate(*changes):
        arguments = [
            "evaluate/control", f"prior.models_dir={zoo}", f"judge_dir={zoo}",
            "method.size_px=64", "max_prompts=2", "sampler.num_steps=2",
            "method.kinds=[canny, depth]", *changes,
        ]  # fmt: skip
        code = main(arguments, APPS)
        said = capsys.readouterr()
        return code, [tmp_path / line for line in said.out.splitlines()], said.err

    return evaluate


def square(left: int, top: int, side: int = 24) -> torch.Tensor:
    """A white square on nothing."""
    picture = torch.full((4, 64, 64), -1.0)
    picture[:, top : top + side, left : left + side] = 1.0
    return picture


def test_run_measures_every_variant_and_shows_it(evaluate):
    code, paths, said = evaluate()

    assert code == 0, said
    path = next(p for p in paths if p.name == "figures.json")
    figures = json.loads(path.read_text())
    for source in ("instance", "category"):
        for kind in ("canny", "depth"):
            for score in ("iou", "edge_f1", "top1", "top5"):
                assert 0 <= figures[f"{source}/{kind} {score}"] <= 1
        assert f"none against {source} iou" in figures
    assert {p.name for p in path.parent.glob("*.png")} == {
        f"{source}_{kind}.png" for source in ("instance", "category") for kind in ("canny", "depth")
    }


def test_poses_are_followed_by_what_has_one_and_their_joints_are_measured(evaluate):
    code, paths, said = evaluate("method.kinds=[pose]")

    assert code == 0, said
    path = next(p for p in paths if p.name == "figures.json")
    figures = json.loads(path.read_text())
    for source in ("instance", "category"):
        for label in (f"{source}/pose", f"none/pose against {source}", f"true {source}"):
            assert figures[f"{label} joint_error"] > 0
            assert 0 <= figures[f"{label} joint_pck"] <= 1
        # The drawings are noise; the objects are what the estimator knows.
        assert figures[f"true {source} joint_error"] < figures[f"{source}/pose joint_error"]
    assert "none top1" not in figures
    assert {p.name for p in path.parent.glob("*.png")} == {"instance_pose.png", "category_pose.png"}


def test_poses_are_those_of_the_object():
    known = control_truth("cat face", ("depth", "pose"), 0, 64)
    told = control_truth("cat face", ("depth", "pose"), 0, 64, "estimated")
    assert torch.equal(
        known.controls["pose"], thing_skeleton(known.pose.joints, (64, 64))
    )  # fmt: skip
    assert torch.equal(told.controls["pose"], preprocessed((known.picture + 1) / 2, "pose"))
    assert control_truth("car", ("depth",), 0, 64).pose is None


def test_controls_of_the_prior_are_refused(evaluate, tmp_path):
    code, paths, said = evaluate("prior.controls=[{kind: depth, image: depth.png}]")
    assert (code, paths) == (2, [])
    assert "leave prior.controls out" in said


def test_iou_is_of_what_is_half_opaque():
    one, other = square(10, 10), square(22, 10)
    assert silhouette_iou(one, one) == 1.0
    assert silhouette_iou(one, other) == pytest.approx(12 / 36)
    faint = one.clone()
    faint[3, 40:, :] = -0.5
    assert silhouette_iou(faint, one) == 1.0
    assert silhouette_iou(torch.full((4, 8, 8), -1.0), torch.full((4, 8, 8), -1.0)) == 1.0


@pytest.mark.parametrize(("moved", "low", "high"), [
    (0, 1.0, 1.0), (2, 1.0, 1.0),
    # moved by 6 pixels along rows: the upper and lower edges still meet, the sides do not
    (6, 0.35, 0.65),
])  # fmt: skip
def test_edges_within_two_pixels_are_the_same(moved, low, high):
    assert low <= edge_f1(square(10 + moved, 10), square(10, 10)) <= high


def test_edges_elsewhere_or_missing_are_none_of_them():
    assert edge_f1(square(2, 2, 10), square(40, 40, 10)) == 0.0
    assert edge_f1(torch.full((4, 64, 64), -1.0), square(10, 10)) == 0.0


def test_estimated_maps_are_those_of_the_picture():
    kinds = ("segmentation", "depth", "normals")
    rendered, estimated = (
        control_truth("car", kinds, 0, 64, maps) for maps in ("rendered", "estimated")
    )  # fmt: skip
    assert torch.equal(estimated.picture, rendered.picture)
    assert torch.equal(estimated.controls["segmentation"], rendered.controls["segmentation"])
    for kind in ("depth", "normals"):
        made = estimated.controls[kind]
        assert torch.equal(made, preprocessed((rendered.picture + 1) / 2, kind))
        assert not torch.equal(made, rendered.controls[kind])


def test_truths_are_held_out_seen_from_anywhere_and_always_the_same():
    kinds = ("segmentation", "depth", "normals")
    one, again, next_one = (
        control_truth("car", kinds, place, 64) for place in (0, 0, 1)
    )  # fmt: skip
    assert torch.equal(one.picture, again.picture)
    assert not torch.equal(one.picture, next_one.picture)
    inside = one.picture[3] > 0
    for kind in ("depth", "segmentation"):
        shown = one.controls[kind].sum(0) > 0
        # Truths are at pixel centres, alpha is averaged over pixels.
        assert float((shown == inside).float().mean()) > 0.97, kind
