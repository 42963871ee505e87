"""Flaws of baked textures: coordinates upside down, and colours that bleed into charts.

Viewers show distant textures through mip maps. At level 3 a texel is the mean of 8 x 8: whatever
lies between charts, or in the next chart, is mixed into their borders.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from threed.gltf.charts import Charts, charts_of
from threed.gltf.document import GltfFile
from threed.gltf.findings import Finding, listed
from threed.gltf.images import image_rgba, texture_image
from threed.gltf.primitives import Primitive, base_color_texture

BLOCK = 8
"""Texels along each side that one texel of mip level 3 stands for."""
LARGEST_PAGE = 2048
"""Larger textures are looked at every second or fourth texel."""
VISIBLE = 0.1
"""Difference of colours, of 1, that is seen."""
FEW = 0.02
"""Share of blocks that may be bad without a finding."""


@dataclass(frozen=True, eq=False)
class Page:
    """A texture with the charts that look it up."""

    pixels: NDArray[np.uint8]
    """``h w 4``."""
    charts: Charts
    block: int
    """Texels of this page along the side of a texel of mip level 3."""


def chart_findings(file: GltfFile, parts: list[Primitive]) -> Iterator[Finding]:
    """Everything about charts on base colour textures."""
    flipped, unfilled, tight = [], [], []
    for image, page in _pages(file, parts):
        if _looks_flipped(page):
            flipped.append(image)
        elif _gutters_bleed(page):
            unfilled.append(image)
        if _charts_touch(page):
            tight.append(image)
    if flipped:
        yield Finding(
            "flipped-v", "warning",
            f"charts of {listed('images', flipped)} lie on empty background, and would not if "
            "the picture were upside down: V was probably flipped twice, or not at all (suspected)",
            "write v = 1 - v of coordinates that count from the bottom, exactly once",
        )  # fmt: skip
    if unfilled:
        yield Finding(
            "gutter-bleed", "warning",
            f"between the charts of {listed('images', unfilled)} is one plain colour, which "
            "bleeds into their borders from mip level 3 on: seams show from afar",
            "fill every texel between charts with the nearest colour of a chart",
        )  # fmt: skip
    if tight:
        yield Finding(
            "charts-too-close", "warning",
            f"charts of {listed('images', tight)} with different colours are less than "
            f"{BLOCK} texels apart, so that they mix from mip level 3 on",
            f"pack charts with {BLOCK} texels or more between them",
        )  # fmt: skip


def _pages(file: GltfFile, parts: list[Primitive]) -> Iterator[tuple[int, Page]]:
    """Each base colour picture with all charts on it; none for textures that repeat."""
    using: dict[int, list[Primitive]] = {}
    for part in parts:
        texture = base_color_texture(file, part.material)
        image = texture_image(file, texture, part.name) if texture else None
        if image is not None and part.uvs is not None:
            using.setdefault(image, []).append(part)
    for image, users in using.items():
        arrays = [part.uvs for part in users if part.uvs is not None]
        uvs = np.concatenate(arrays)
        if uvs.min() < -1e-4 or uvs.max() > 1 + 1e-4:
            continue
        starts = np.cumsum([0, *map(len, arrays)])
        faces = np.concatenate(
            [part.faces + start for part, start in zip(users, starts[:-1], strict=True)]
        )
        positions = np.concatenate([part.positions for part in users])
        yield image, _page(image_rgba(file, image), positions, uvs, faces)


def _page(
    pixels: NDArray[np.uint8],
    positions: NDArray[np.float32],
    uvs: NDArray[np.float32],
    faces: NDArray[np.int64],
) -> Page:
    step = 1
    while max(pixels.shape[:2]) > step * LARGEST_PAGE:
        step *= 2
    fewer = np.ascontiguousarray(pixels[step // 2 :: step, step // 2 :: step])
    charts = charts_of(positions, uvs.clip(0, 1), faces, *fewer.shape[:2])
    return Page(fewer, charts, max(BLOCK // step, 1))


def _looks_flipped(page: Page) -> bool:
    """Whether one colour is what charts would leave free if the picture were upside down."""
    covered, plain = page.charts.covered, _most_common(page.pixels, None)
    if not covered.any() or not plain.any():
        return False
    turned = covered[::-1]
    leaves_free = not turned.all() and plain[~turned].mean() > 0.6
    return bool(leaves_free and plain[turned].mean() < 0.02 and plain[covered].mean() > 0.05)


def _gutters_bleed(page: Page) -> bool:
    """Whether one plain colour stands beside charts and changes what mip level 3 shows of them."""
    from scipy import ndimage

    covered = page.charts.covered
    if covered.all() or not covered.any():
        return False
    near = ~covered & (ndimage.distance_transform_edt(~covered) <= page.block)
    plain = _most_common(page.pixels, near)
    if plain[near].mean() < 0.5:
        return False
    shown = _colour(page.pixels)
    whole = _block_sums(np.concatenate([shown, np.ones_like(shown[..., :1])], -1), page.block)
    held = np.concatenate([shown, np.ones_like(shown[..., :1])], -1) * covered[..., None]
    own = _block_sums(held, page.block)
    partly = (own[..., 3] > 0) & (own[..., 3] < whole[..., 3])
    means = [one[partly][:, :3] / one[partly][:, 3:] for one in (whole, own)]
    off = np.abs(means[0] - means[1]).max(1) > VISIBLE
    return bool(off.mean() > FEW) if len(off) else False


def _charts_touch(page: Page) -> bool:
    """Whether texels of two charts with different colours are averaged at mip level 3."""
    rows, columns = np.nonzero(page.charts.covered)
    if not len(rows):
        return False
    across = -(-page.pixels.shape[1] // page.block)
    block = (rows // page.block) * across + columns // page.block
    owner = page.charts.owner[rows, columns].astype(np.int64)
    pairs, inverse = np.unique(block * (owner.max() + 1) + owner, return_inverse=True)
    colours = _colour(page.pixels)[rows, columns]
    count = np.bincount(inverse)
    means = np.stack([np.bincount(inverse, colours[:, c]) / count for c in range(3)], 1)
    home = pairs // (owner.max() + 1)
    starts = np.flatnonzero(np.r_[True, home[1:] != home[:-1]])
    spread = np.maximum.reduceat(means, starts) - np.minimum.reduceat(means, starts)
    return bool((spread.max(1) > VISIBLE).mean() > FEW)


def _colour(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    return pixels[..., :3].astype(np.float32) / np.float32(255)


def _most_common(pixels: NDArray[np.uint8], among: NDArray[np.bool_] | None) -> NDArray[np.bool_]:
    """Where the most common exact colour is: of all texels, or of some."""
    words = np.ascontiguousarray(pixels).view(np.uint32)[..., 0]
    values, count = np.unique(words if among is None else words[among], return_counts=True)
    return words == values[count.argmax()]


def _block_sums(values: NDArray[np.float32], block: int) -> NDArray[np.float32]:
    """Sums over ``block x block`` texels; those that the edge cuts are smaller."""
    for axis in (0, 1):
        starts = np.arange(0, values.shape[axis], block)
        values = np.add.reduceat(values, starts, axis)
    return values
