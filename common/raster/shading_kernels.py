"""The shading of `common.raster.shading.shade`, fused over the samples of a picture.

One sample costs a fraction of a microsecond here and a hundred times that as torch operations on
whole pictures; training data needs billions. The tests hold both to the same values.
"""

import math
from typing import NamedTuple, no_type_check

import numpy as np
from numpy.typing import NDArray

from common.raster.barycentric_kernels import edge_planes
from common.raster.jit import kernel
from common.raster.texture_kernels import sample_pixel, uv_slopes


class SurfaceArrays(NamedTuple):
    """A mesh as arrays; optional ones are empty. Colours and texels are linear."""

    vertices: NDArray
    faces: NDArray[np.int32]
    facing: NDArray
    normals: NDArray
    normal_faces: NDArray[np.int32]
    uvs: NDArray
    uv_faces: NDArray[np.int32]
    vertex_colors: NDArray
    face_colors: NDArray
    roughness: NDArray
    metallic: NDArray
    texels: NDArray
    starts: NDArray[np.int64]
    sizes: NDArray[np.int64]


class LightArrays(NamedTuple):
    """Lights in the world, float64."""

    up: NDArray
    sky: NDArray
    ground: NDArray
    toward: NDArray
    """Unit directions, (lights, 3)."""
    colors: NDArray
    """(lights, 3)."""


class ViewArrays(NamedTuple):
    """One view of the surface."""

    points: NDArray
    """Camera-space vertices."""
    position: NDArray
    """Camera centre in the world."""
    k: NDArray
    """fx, skew, cx, fy, cy."""


@kernel
@no_type_check
def shade_rows(start, stop, surface, light, view, seen, barycentric, fold, rgba):
    """Mean linear premultiplied colour and alpha of ``fold x fold`` samples a pixel, encoded."""
    # Taking the tuples apart once spares counting references to all their arrays at every sample.
    mesh = (surface.vertices, surface.faces, surface.facing, surface.normals, surface.normal_faces)
    vertices, faces, facing, normals, normal_faces = mesh
    uvs, uv_faces, texels = surface.uvs, surface.uv_faces, surface.texels
    starts, sizes, points, k = surface.starts, surface.sizes, view.points, view.k
    vertex_colors, face_colors = surface.vertex_colors, surface.face_colors
    roughness, metallic, position = surface.roughness, surface.metallic, row3(view.position)
    up, sky, ground = row3(light.up), row3(light.sky), row3(light.ground)
    key, key_color = row3(light.toward[0]), row3(light.colors[0])
    fill, fill_color = row3(light.toward[1]), row3(light.colors[1])
    texel = np.ones(3)
    for row in range(start, stop):
        for column in range(rgba.shape[1]):
            total, count = (0.0, 0.0, 0.0), 0
            for i in range(row * fold, row * fold + fold):
                for j in range(column * fold, column * fold + fold):
                    f = seen[i, j]
                    if f < 0:
                        continue
                    b = (barycentric[i, j, 0], barycentric[i, j, 1], barycentric[i, j, 2])
                    normal, viewer = orient(
                        f, b, vertices, faces, facing, normals, normal_faces, position
                    )
                    if len(texels):
                        level = footprint_level(f, i, j, points, faces, k, uvs, uv_faces, sizes)
                        u, v = uv_mean(f, b, uvs, uv_faces)
                        sample_pixel(texels, starts, sizes, u, v, level, True, texel)
                    albedo = (texel[0], texel[1], texel[2])
                    if len(vertex_colors):
                        albedo = times(albedo, corner_mean(f, b, vertex_colors, faces))
                    if len(face_colors):
                        albedo = times(albedo, table_row(f, face_colors))
                    metal = np.float64(metallic[f]) if len(metallic) else 0.0
                    rough = np.float64(roughness[f]) if len(roughness) else -1.0
                    color = ambient(normal, viewer, albedo, rough, metal, up, sky, ground)
                    total = plus(total, color)
                    color = lamp(normal, viewer, albedo, rough, metal, key, key_color)
                    total = plus(total, color)
                    color = lamp(normal, viewer, albedo, rough, metal, fill, fill_color)
                    total = plus(total, color)
                    count += 1
            alpha = count / (fold * fold)
            for c in range(3):
                straight = 0.0 if count == 0 else min(max(total[c] / count, 0.0), 1.0)
                rgba[row, column, c] = encode_srgb(straight) * alpha
            rgba[row, column, 3] = alpha


@kernel
@no_type_check
def normal_rows(start, stop, surface, view, seen, barycentric, shown):
    """Unit world normals toward the viewer; zeros where nothing is seen."""
    mesh = (surface.vertices, surface.faces, surface.facing, surface.normals, surface.normal_faces)
    vertices, faces, facing, normals, normal_faces = mesh
    position = row3(view.position)
    for row in range(start, stop):
        for column in range(seen.shape[1]):
            f, normal = seen[row, column], (0.0, 0.0, 0.0)
            if f >= 0:
                b = row3(barycentric[row, column])
                normal, _ = orient(f, b, vertices, faces, facing, normals, normal_faces, position)
            for c in range(3):
                shown[row, column, c] = normal[c]


@kernel
@no_type_check
def orient(f, b, vertices, faces, facing, normals, normal_faces, position):
    """Unit shading normal on the viewer's side, and unit direction to the viewer, at a point.

    The side is that of the flat triangle. A smooth normal of length zero (opposite neighbours)
    leaves the triangle's own.
    """
    flat = table_row(f, facing)
    viewer = plus(position, scaled(corner_mean(f, b, vertices, faces), -1.0))
    normal = corner_mean(f, b, normals, normal_faces)
    length = math.sqrt(dot(normal, normal))
    if length < 1e-6:
        normal, length = flat, 1.0
    side = -1.0 if dot(viewer, flat) < 0.0 else 1.0
    return scaled(normal, side / length), scaled(viewer, 1.0 / math.sqrt(dot(viewer, viewer)))


@kernel
@no_type_check
def footprint_level(f, row, column, points, faces, k, uvs, uv_faces, sizes):
    """The mip level at which the longer side of a sample's footprint is one texel."""
    slopes = uv_slopes(f, edge_planes(f, points, faces), row, column, k, uvs, uv_faces)
    height, width = sizes[0, 0], sizes[0, 1]
    across = (slopes[0] * width) ** 2 + (slopes[2] * height) ** 2
    down = (slopes[1] * width) ** 2 + (slopes[3] * height) ** 2
    return max(0.5 * math.log2(max(across, down, 1e-30)), 0.0)


@kernel
@no_type_check
def ambient(normal, viewer, albedo, rough, metal, up, sky, ground):
    """Matte and glossy reflection of the hemisphere; negative ``rough``: matte only."""
    height = dot(normal, up)
    light = blend(ground, sky, 0.5 + 0.5 * height)
    matte = times(scaled(albedo, 1.0 - metal), light)
    if rough < 0.0:
        return matte
    n_v = max(dot(normal, viewer), 0.0)
    scale, bias = environment_fit(n_v, rough)
    around = blend(ground, sky, 0.5 + 0.5 * (2.0 * n_v * height - dot(viewer, up)))
    base = blend((0.04, 0.04, 0.04), albedo, metal)
    return plus(matte, times(plus(scaled(base, scale), (bias, bias, bias)), around))


@kernel
@no_type_check
def lamp(normal, viewer, albedo, rough, metal, toward, color):
    """Matte and glossy reflection of one directional light; negative ``rough``: matte only."""
    n_l = dot(normal, toward)
    if n_l <= 0.0:
        return 0.0, 0.0, 0.0
    reflected = scaled(albedo, 1.0 - metal)
    if rough >= 0.0:
        strength, miss = glossy_lobe(dot(normal, viewer), n_l, dot(toward, viewer), rough)
        fresnel = blend(blend((0.04, 0.04, 0.04), albedo, metal), (1.0, 1.0, 1.0), miss)
        reflected = plus(reflected, scaled(fresnel, strength))
    return times(scaled(reflected, n_l), color)


@kernel
@no_type_check
def row3(values):
    """Three numbers as float64 scalars."""
    return np.float64(values[0]), np.float64(values[1]), np.float64(values[2])


@kernel
@no_type_check
def table_row(f, values):
    """One row of a table as scalars."""
    return np.float64(values[f, 0]), np.float64(values[f, 1]), np.float64(values[f, 2])


@kernel
@no_type_check
def corner_mean(f, b, values, corners):
    """Three channels interpolated between a triangle's corners."""
    p, q, r = corners[f, 0], corners[f, 1], corners[f, 2]
    x = b[0] * values[p, 0] + b[1] * values[q, 0] + b[2] * values[r, 0]
    y = b[0] * values[p, 1] + b[1] * values[q, 1] + b[2] * values[r, 1]
    z = b[0] * values[p, 2] + b[1] * values[q, 2] + b[2] * values[r, 2]
    return np.float64(x), np.float64(y), np.float64(z)


@kernel
@no_type_check
def uv_mean(f, b, uvs, corners):
    """Texture coordinates interpolated between a triangle's corners."""
    p, q, r = corners[f, 0], corners[f, 1], corners[f, 2]
    u = b[0] * uvs[p, 0] + b[1] * uvs[q, 0] + b[2] * uvs[r, 0]
    v = b[0] * uvs[p, 1] + b[1] * uvs[q, 1] + b[2] * uvs[r, 1]
    return np.float64(u), np.float64(v)


@kernel
@no_type_check
def plus(a, b):
    """Sum."""
    return a[0] + b[0], a[1] + b[1], a[2] + b[2]


@kernel
@no_type_check
def times(a, b):
    """Product of each channel."""
    return a[0] * b[0], a[1] * b[1], a[2] * b[2]


@kernel
@no_type_check
def scaled(a, factor):
    """Multiple."""
    return a[0] * factor, a[1] * factor, a[2] * factor


@kernel
@no_type_check
def blend(a, b, t):
    """``a`` at t = 0, ``b`` at t = 1."""
    return a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1]), a[2] + t * (b[2] - a[2])


@kernel
@no_type_check
def dot(a, b):
    """Scalar product."""
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


@kernel
@no_type_check
def glossy_lobe(n_v, n_l, l_v, rough):
    """Pi times GGX distribution times Smith visibility, and Schlick's ``(1 - v.h)^5``."""
    half = math.sqrt(max(2.0 + 2.0 * l_v, 1e-12))
    n_h = min(max((n_l + n_v) / half, 0.0), 1.0)
    v_h = min(max((1.0 + l_v) / half, 0.0), 1.0)
    n_v, n_l = min(max(n_v, 1e-4), 1.0), min(max(n_l, 1e-4), 1.0)
    a2 = max(rough, 0.05) ** 4
    spread = n_h * n_h * (a2 - 1.0) + 1.0
    masking = n_l * math.sqrt(n_v * n_v * (1.0 - a2) + a2)
    masking += n_v * math.sqrt(n_l * n_l * (1.0 - a2) + a2)
    miss = 1.0 - v_h
    return a2 / (spread * spread) * 0.5 / masking, miss * miss * miss * miss * miss


@kernel
@no_type_check
def environment_fit(n_v, rough):
    """Scale and bias of the base reflectance under even light (Karis 2014)."""
    r0, r1 = 1.0 - rough, 0.0425 - 0.0275 * rough
    r2, r3 = 1.04 - 0.572 * rough, -0.04 + 0.022 * rough
    a004 = min(r0 * r0, 2.0 ** (-9.28 * n_v)) * r0 + r1
    return -1.04 * a004 + r2, 1.04 * a004 + r3


@kernel
@no_type_check
def encode_srgb(linear):
    """IEC 61966-2-1."""
    if linear <= 0.0031308:
        return 12.92 * linear
    return 1.055 * linear ** (1.0 / 2.4) - 0.055
