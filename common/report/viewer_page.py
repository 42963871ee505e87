"""One HTML file that shows one 3-D asset, with no network and no other file."""

import base64
import hashlib
from typing import Literal

from jinja2 import Environment
from markupsafe import Markup

from common.report.html import page_environment, page_script_of, read_page_file, viewer_library

Light = Literal["studio", "flat"]
"""Lit by a studio, or every point in its own colour, as pictures with their light baked in need."""


def viewer_page(glb: bytes, title: str, light: Light) -> str:
    """The page: the asset, a viewer that can be dragged, and a switch between both lights.

    Args:
        glb: a self-contained binary glTF file, +Y up, front +Z.
        title: shown literally.
        light: which light it opens in.
    """
    environment: Environment = page_environment()
    scripts = [page_script_of("asset.js"), viewer_library()]
    digests = [base64.b64encode(hashlib.sha256(one.encode()).digest()).decode() for one in scripts]
    hashes = " ".join(f"'sha256-{one}'" for one in digests)
    # The viewer compiles the mesh decoder that it contains, which is WebAssembly.
    policy = (
        f"default-src 'none'; script-src {hashes} 'wasm-unsafe-eval'; style-src 'unsafe-inline'; "
        "img-src data: blob:; connect-src data: blob:; base-uri 'none'; form-action 'none'"
    )
    return environment.get_template("asset.html").render(
        title=title,
        policy=policy,
        light=light,
        asset=Markup(base64.b64encode(glb).decode("ascii")),
        scripts=[Markup(one) for one in scripts],
        licences=read_page_file("vendor/model-viewer.LICENSES.txt"),
    )
