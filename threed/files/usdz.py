"""USDZ by OpenUSD: the format of Apple's viewers, one package with the picture inside.

The stage has +Y up and one unit a metre; the surface is a UsdPreviewSurface. Packages are archives
whose files are stored as they are and begin at multiples of 64 bytes, which the library sees to.
"""

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from common.errors import missing_extra
from common.media.targets import written_whole
from common.raster.color import srgb_to_linear
from threed.drawable import base_color_factor
from threed.files.losses import has_texture, map_losses
from threed.glb import ALPHA_CUTOFF, alpha_mode
from threed.open_edges import has_open_edges

if TYPE_CHECKING:
    import trimesh

EPOCH_S = 315_619_200
"""1980-01-02, the earliest day of archives in every time zone: equal meshes give equal files."""


def check_usd() -> None:
    """Refuse where OpenUSD is not installed.

    Raises:
        InputError: with how to install it.
    """
    try:
        import pxr.Usd  # noqa: F401
    except ImportError as error:
        raise missing_extra("usd-core", "usd", "reading and writing .usdz") from error


def write_usdz(path: Path, mesh: "trimesh.Trimesh") -> tuple[str, ...]:
    """Write the package, whole or not at all.

    Returns:
        What the format does not hold here, a clause each.

    Raises:
        InputError: OpenUSD is not installed, or the place cannot be written to.
    """
    check_usd()
    from pxr import Sdf

    with tempfile.TemporaryDirectory() as temporary:
        stage_file = Path(temporary) / "asset.usdc"
        _write_stage(stage_file, mesh)
        pictures = sorted(stage_file.parent.glob("*.png"))
        with written_whole(path, ".usdz") as partial:
            package = Sdf.ZipFileWriter.CreateNew(str(partial))
            for one in (stage_file, *pictures):  # the stage is the first file
                os.utime(one, (EPOCH_S, EPOCH_S))
                package.AddFile(str(one), one.name)
            if not package.Save():
                raise RuntimeError(f"OpenUSD did not write {path}")
    return tuple(map_losses(mesh))


def _write_stage(path: Path, mesh: "trimesh.Trimesh") -> None:
    from pxr import Usd, UsdGeom, UsdShade

    stage = Usd.Stage.CreateNew(str(path))
    UsdGeom.SetStageUpAxis(stage, UsdGeom.Tokens.y)
    UsdGeom.SetStageMetersPerUnit(stage, 1.0)
    root = UsdGeom.Xform.Define(stage, "/Asset")
    stage.SetDefaultPrim(root.GetPrim())
    shape = _shape(stage, mesh)
    surface = _surface(stage, mesh, path.parent)
    UsdShade.MaterialBindingAPI.Apply(shape.GetPrim()).Bind(surface)
    stage.GetRootLayer().Save()


def _shape(stage: Any, mesh: "trimesh.Trimesh") -> Any:
    from pxr import Sdf, UsdGeom, Vt

    visual: Any = mesh.visual
    shape = UsdGeom.Mesh.Define(stage, "/Asset/Mesh")
    points = np.ascontiguousarray(mesh.vertices, dtype=np.float32)
    shape.CreatePointsAttr(Vt.Vec3fArray.FromNumpy(points))
    shape.CreateExtentAttr(Vt.Vec3fArray.FromNumpy(np.stack([points.min(0), points.max(0)])))
    corners = np.ascontiguousarray(mesh.faces.ravel(), dtype=np.int32)
    shape.CreateFaceVertexIndicesAttr(Vt.IntArray.FromNumpy(corners))
    shape.CreateFaceVertexCountsAttr(Vt.IntArray(len(mesh.faces), 3))
    normals = np.ascontiguousarray(mesh.vertex_normals, dtype=np.float32)
    shape.CreateNormalsAttr(Vt.Vec3fArray.FromNumpy(normals))
    shape.SetNormalsInterpolation(UsdGeom.Tokens.vertex)
    shape.CreateSubdivisionSchemeAttr(UsdGeom.Tokens.none)
    sides = getattr(getattr(visual, "material", None), "doubleSided", None)
    shape.CreateDoubleSidedAttr(has_open_edges(mesh.triangles) if sides is None else bool(sides))
    primvars = UsdGeom.PrimvarsAPI(shape)
    if has_texture(mesh):
        kind = Sdf.ValueTypeNames.TexCoord2fArray
        st = primvars.CreatePrimvar("st", kind, UsdGeom.Tokens.vertex)
        uvs = np.ascontiguousarray(visual.uv, dtype=np.float32)
        st.Set(Vt.Vec2fArray.FromNumpy(uvs))
    elif visual.kind in ("vertex", "face"):
        by_face = visual.kind == "face"
        encoded = torch.from_numpy(
            np.asarray(visual.face_colors if by_face else visual.vertex_colors)[:, :3] / 255.0
        )
        linear = srgb_to_linear(encoded).float().numpy()
        place = UsdGeom.Tokens.uniform if by_face else UsdGeom.Tokens.vertex
        shape.CreateDisplayColorPrimvar(place).Set(Vt.Vec3fArray.FromNumpy(linear))
    return shape


def _surface(stage: Any, mesh: "trimesh.Trimesh", folder: Path) -> Any:
    """A UsdPreviewSurface whose diffuse colour is texture, vertex colours or a constant."""
    from pxr import Gf, Sdf, UsdShade

    kinds = Sdf.ValueTypeNames
    visual: Any = mesh.visual
    material: Any = getattr(visual, "material", None)
    surface = UsdShade.Material.Define(stage, "/Asset/Surface")
    shader = UsdShade.Shader.Define(stage, "/Asset/Surface/Preview")
    shader.CreateIdAttr("UsdPreviewSurface")
    rough, metal = (getattr(material, key, None) for key in ("roughnessFactor", "metallicFactor"))
    shader.CreateInput("roughness", kinds.Float).Set(1.0 if rough is None else float(rough))
    shader.CreateInput("metallic", kinds.Float).Set(0.0 if metal is None else float(metal))
    diffuse = shader.CreateInput("diffuseColor", kinds.Color3f)
    if has_texture(mesh):
        texture = _texture(stage, visual, folder)
        diffuse.ConnectToSource(texture.ConnectableAPI(), "rgb")
        mode = material.alphaMode or alpha_mode(material.baseColorTexture)
        if mode != "OPAQUE":
            opacity = shader.CreateInput("opacity", kinds.Float)
            opacity.ConnectToSource(texture.ConnectableAPI(), "a")
        if mode == "MASK":
            cutoff = material.alphaCutoff or ALPHA_CUTOFF
            shader.CreateInput("opacityThreshold", kinds.Float).Set(float(cutoff))
    elif visual.kind in ("vertex", "face"):
        reader = _reader(stage, "Color", "float3", "displayColor", kinds.Float3)
        diffuse.ConnectToSource(reader.ConnectableAPI(), "result")
    else:
        diffuse.Set(Gf.Vec3f(*base_color_factor(material)))
    surface.CreateSurfaceOutput().ConnectToSource(shader.ConnectableAPI(), "surface")
    return surface


def _texture(stage: Any, visual: Any, folder: Path) -> Any:
    from pxr import Gf, Sdf, UsdShade

    kinds = Sdf.ValueTypeNames
    image = visual.material.baseColorTexture
    mode = visual.material.alphaMode or alpha_mode(image)
    image.convert("RGB" if mode == "OPAQUE" else "RGBA").save(folder / "base_color.png", "PNG")
    texture = UsdShade.Shader.Define(stage, "/Asset/Surface/BaseColor")
    texture.CreateIdAttr("UsdUVTexture")
    texture.CreateInput("file", kinds.Asset).Set(Sdf.AssetPath("base_color.png"))
    texture.CreateInput("sourceColorSpace", kinds.Token).Set("sRGB")
    factor = (*base_color_factor(visual.material), 1.0)
    texture.CreateInput("scale", kinds.Float4).Set(Gf.Vec4f(*factor))
    for axis in ("wrapS", "wrapT"):
        texture.CreateInput(axis, kinds.Token).Set("repeat")
    reader = _reader(stage, "Coordinates", "float2", "st", kinds.Float2)
    texture.CreateInput("st", kinds.Float2).ConnectToSource(reader.ConnectableAPI(), "result")
    texture.CreateOutput("rgb", kinds.Float3)
    texture.CreateOutput("a", kinds.Float)
    return texture


def _reader(stage: Any, name: str, kind: str, primvar: str, value_type: Any) -> Any:
    from pxr import Sdf, UsdShade

    reader = UsdShade.Shader.Define(stage, f"/Asset/Surface/{name}")
    reader.CreateIdAttr(f"UsdPrimvarReader_{kind}")
    reader.CreateInput("varname", Sdf.ValueTypeNames.String).Set(primvar)
    reader.CreateOutput("result", value_type)
    return reader
