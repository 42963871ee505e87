import dataclasses
import json
import math

import pytest
import torch

from common.cli.main import main
from common.embedded.image_unet import FRONT
from common.embedded.orbit import cameras_on_orbit
from common.media.images import read_picture
from common.report.asset_check import check_glb
from common.runs.checkpoints import Checkpoints
from common.runs.interrupts import Interrupted
from common.training.kit.asset_truth import true_object, true_shapes, true_views
from run import APPS
from threed.evaluation.picture_look import UNSEEN, extruded, look_figures, placed_object
from threed.front_place import front_place, on_orbit
from threed.measures.silhouettes import silhouette_iou, silhouettes

PRESET = "evaluate/image_to_3d"
FAST = ("method.asset.texture_px=256", "method.asset.outline_steps=2", "method.picture_px=96")


def front_of(mesh, size_px):
    (rgba,) = true_views(mesh, cameras_on_orbit([FRONT], size_px))
    return rgba.permute(2, 0, 1).contiguous()


def test_object_in_a_colour_has_the_true_shape():
    (shape,), one = true_shapes("mushroom", 1), true_object("mushroom", "purple")
    assert torch.equal(shape.vertices, one.vertices)
    assert one.texture is not None
    assert not torch.equal(one.texture, true_object("mushroom", "green").texture)


def test_placed_object_is_where_its_picture_is_put():
    """Of an object that is neither centred nor a metre long."""
    whole = true_object("mushroom", "purple")
    moved = whole.vertices * 0.8 + torch.tensor([0.1, -0.05, 0.0])
    picture = front_of(dataclasses.replace(whole, vertices=moved), 256)

    placed = placed_object(dataclasses.replace(whole, vertices=moved), front_place(picture), 256)

    seen = silhouettes(placed, cameras_on_orbit([FRONT], 128))
    # boxes of pictures are whole pixels, of which an object has 120
    assert float(silhouette_iou(seen, on_orbit(picture, 128)[None, 3])) > 0.97
    assert float(placed.vertices[:, 1].max() - placed.vertices[:, 1].min()) == pytest.approx(
        1.0, abs=0.08
    )


def test_true_object_is_like_itself_and_an_extrusion_is_not():
    truth = true_object("mushroom", "purple")
    picture = front_of(truth, 128)
    placed = placed_object(truth, front_place(picture), 128)

    own = look_figures(placed, picture, placed, 64)
    lump = dataclasses.replace(extruded(picture), vertex_colors=None)
    from_front = silhouettes(lump, cameras_on_orbit([FRONT], 96))

    assert own["unseen_iou"] == 1.0
    assert own["given_db"] > 15  # unlit against lit
    assert float(silhouette_iou(from_front, on_orbit(picture, 96)[None, 3])) > 0.93
    assert len(set(UNSEEN)) == 15
    assert not any(math.isclose(one.azimuth_deg, 0) and one == FRONT for one in UNSEEN)


def figures_of(paths):
    return json.loads(next(path for path in paths if path.name == "figures.json").read_text())


def test_run_scores_pictures_and_unseen_sides_and_shows_them(evaluate):
    code, paths, said = evaluate(PRESET, *FAST)

    assert code == 0, said
    figures, samples = figures_of(paths), paths[0].parent
    assert [row["prompt"] for row in figures["each"]] == [
        "a brown soccer ball",
        "a black palm tree",
    ]
    for key in ("unseen_iou", "ellipsoid_iou", "extruded_iou", "true_views_unseen_iou"):
        assert 0 < figures[f"held_out/{key}"] < 1
    assert figures["held_out/given_db"] > 5
    for part in ("fronts", "true fronts", "other sides", "true other sides"):
        assert 0 <= figures[f"held_out/{part}/top1"] <= 1
    assert read_picture(samples / "held_out_01.png").shape == (96, 96, 4)
    check_glb(samples / "held_out_01.glb")
    assert read_picture(samples / "held_out.png").ndim == 3


@pytest.mark.parametrize("where", ["inside", "between"])
def test_run_that_is_stopped_ends_in_the_same_figures(evaluate, monkeypatch, tmp_path, where):
    fast = (*FAST, "method.fit_true_views=false")
    _, paths, _ = evaluate(PRESET, *fast, "name=whole")
    offer, save = Checkpoints.offer, Checkpoints.save

    def stopping_offer(self, step, state):
        if where == "inside" and step == 4:
            save(self, step, state)
            raise Interrupted
        offer(self, step, state)

    def stopping_save(self, step, state):
        save(self, step, state)
        if where == "between" and step == 1:
            raise Interrupted

    with monkeypatch.context() as patch:
        patch.setattr(Checkpoints, "offer", stopping_offer)
        patch.setattr(Checkpoints, "save", stopping_save)
        assert evaluate(PRESET, *fast, "name=stopped")[0] == 130
    (folder,) = (tmp_path / "outputs" / "stopped").glob("2*")

    assert main(["resume", str(folder)], APPS) == 0

    assert json.loads((folder / "samples" / "figures.json").read_text()) == figures_of(paths)
    assert not (folder / "parts").exists()
