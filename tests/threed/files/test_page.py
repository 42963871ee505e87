"""The page of an asset in a real browser: three.js, inside the viewer, against our own renderer."""

import html
import io
import re

import numpy as np
import pytest
import torch
from PIL import Image
from skimage.metrics import structural_similarity

from common.cameras import orbit_cameras
from common.kit.catalogue import category_named
from common.kit.instances import instance
from common.kit.textured import textured_mesh
from common.raster.render import render_mesh
from common.raster.shading import FLAT_LIGHTING
from common.report.viewer_page import viewer_page
from tests.common.report.chromium_driver import Chromium
from threed.glb import glb_bytes
from threed.textured_trimesh import textured_trimesh

SIZE, DISTANCE_M, FOVY_DEG = 320, 3.6, 25.0
SET_CAMERA = f"""(async () => {{
  const viewer = document.querySelector("model-viewer");
  viewer.style.cssText = "flex: none; width: {SIZE}px; height: {SIZE}px; background: white";
  viewer.minCameraOrbit = "auto 0deg 0.1m";
  viewer.maxCameraOrbit = "auto 180deg 100m";
  viewer.minFieldOfView = "1deg";
  viewer.cameraTarget = "0m 0m 0m";
  viewer.fieldOfView = "{FOVY_DEG}deg";
  viewer.cameraOrbit = "%sdeg %sdeg {DISTANCE_M}m";
  await viewer.updateComplete;
  viewer.jumpCameraToGoal();
  await new Promise(requestAnimationFrame);
  await new Promise(requestAnimationFrame);
}})()"""


@pytest.fixture(scope="module")
def duck():
    """Neither up and down nor front and back look alike."""
    return textured_mesh(instance(category_named("duck"), 3).parts)


def test_page_holds_all_it_needs_and_shows_names_as_text():
    glb = glb_bytes(textured_trimesh(textured_mesh(instance(category_named("duck"), 3).parts)))
    page = viewer_page(glb, "<script>alert(1)</script>", "flat")
    assert "<script>alert(1)" not in page
    assert not re.search(r"""(?:src|href)\s*=\s*["'](?!data:)""", page.split("<script")[0])
    assert 'data-light="flat"' in page
    assert "default-src 'none'" in html.unescape(page)
    assert "Apache License" in page


@pytest.mark.chromium
@pytest.mark.slow
def test_browser_shows_the_asset_upright_facing_front_in_its_own_colours(chromium, duck, tmp_path):
    path = tmp_path / "duck.html"
    path.write_text(viewer_page(glb_bytes(textured_trimesh(duck)), "a duck", "flat"))
    browser = Chromium(chromium)
    try:
        page = browser.open(path, 640, 480)
        page.wait_for("document.body.dataset.viewer === 'loaded'", 240)
        for azimuth, elevation in ((0.0, 0.0), (60.0, 25.0)):
            page.evaluate(SET_CAMERA % (azimuth, 90 - elevation))
            clip = {"x": 0, "y": 0, "width": SIZE, "height": SIZE}
            shown = Image.open(io.BytesIO(page.screenshot(clip=clip))).convert("RGB")
            cameras = orbit_cameras(azimuth, elevation, DISTANCE_M, FOVY_DEG, SIZE, SIZE)
            rgba = render_mesh(duck, cameras, lighting=FLAT_LIGHTING).rgba[0]
            ours = (rgba[..., :3] + 1 - rgba[..., 3:]) * 255
            wanted = torch.round(ours).byte().numpy()
            agreement = structural_similarity(np.asarray(shown), wanted, channel_axis=-1)
            assert agreement >= 0.95
            turned = structural_similarity(np.asarray(shown)[::-1], wanted, channel_axis=-1)
            assert turned < agreement - 0.05
        page.evaluate("document.querySelector('input[value=studio]').click()")
        page.wait_for("document.body.dataset.viewer === 'loaded'", 240)
        assert page.evaluate("document.body.dataset.light") == "studio"
        assert page.problems() == []
        assert page.requested_urls() == [path.as_uri()]
    finally:
        browser.close()
