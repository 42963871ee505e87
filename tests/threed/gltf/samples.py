"""glTF files for tests: one that has no flaw, and ways to give it exactly one."""

import io
import json
import struct
from collections.abc import Callable
from functools import cache

import numpy as np
import torch
import trimesh
from PIL import Image

from common.raster.mesh import TriangleMesh
from threed.glb import glb_bytes
from threed.textured_trimesh import textured_trimesh
from threed.texturing.texels import texels_of, texture_from
from threed.texturing.unwrap import unwrap

SIZE = 256


@cache
def unwrapped_ball() -> TriangleMesh:
    ball = trimesh.creation.icosphere(3, radius=0.5)
    return unwrap(
        TriangleMesh(
            torch.from_numpy(np.array(ball.vertices, np.float32)),
            torch.from_numpy(np.array(ball.faces, np.int32)),
        ),
        SIZE,
        padding_texels=8,
    )


@cache
def painted_ball() -> TriangleMesh:
    """A closed ball whose colours are a smooth function of the place, gutters filled."""
    page = unwrapped_ball()
    texels = texels_of(page, SIZE)
    colours = (texels.positions + 0.5).clamp(0, 1)
    return TriangleMesh(
        page.vertices, page.faces, uvs=page.uvs, uv_faces=page.uv_faces,
        texture=texture_from(texels, colours),
    )  # fmt: skip


def magenta_gutters(*, upside_down: bool = False) -> trimesh.Trimesh:
    """The ball with plain magenta between its charts, perhaps with its picture upside down."""
    ball = painted_ball()
    owned = texels_of(unwrapped_ball(), SIZE).owned
    picture = torch.where(owned[..., None], ball.texture, torch.tensor([1.0, 0.0, 1.0]))
    mesh = textured_trimesh(ball)
    pixels = (picture * 255).round().byte().numpy()
    shown = pixels[::-1] if upside_down else pixels
    mesh.visual.material.baseColorTexture = Image.fromarray(np.ascontiguousarray(shown))
    return mesh


@cache
def clean() -> bytes:
    return glb_bytes(textured_trimesh(painted_ball()))


def split(data: bytes) -> tuple[dict, bytearray]:
    """Document and binary chunk of a GLB."""
    (length,) = struct.unpack_from("<I", data, 12)
    return json.loads(data[20 : 20 + length]), bytearray(data[28 + length :])


def joined(tree: dict, binary: bytes) -> bytes:
    text = json.dumps(tree).encode()
    text += b" " * (-len(text) % 4)
    binary = bytes(binary) + b"\0" * (-len(binary) % 4)
    body = struct.pack("<II", len(text), 0x4E4F534A) + text
    body += struct.pack("<II", len(binary), 0x004E4942) + binary
    return struct.pack("<4sII", b"glTF", 2, 12 + len(body)) + body


def changed(act: Callable[[dict, bytearray], None], data: bytes | None = None) -> bytes:
    """A GLB after a change of its document and binary chunk."""
    tree, binary = split(clean() if data is None else data)
    act(tree, binary)
    return joined(tree, binary)


def appended(tree: dict, binary: bytearray, values: np.ndarray, kind: str, component: int) -> int:
    """A new accessor of these values; its index."""
    binary += b"\0" * (-len(binary) % 4)
    data = values.tobytes()
    tree["bufferViews"].append({"buffer": 0, "byteOffset": len(binary), "byteLength": len(data)})
    binary += data
    tree["buffers"][0]["byteLength"] = len(binary)
    tree["accessors"].append(
        {"bufferView": len(tree["bufferViews"]) - 1, "componentType": component,
         "count": len(values), "type": kind}
    )  # fmt: skip
    return len(tree["accessors"]) - 1


def with_picture(tree: dict, binary: bytearray, picture: Image.Image) -> None:
    """Replace the base colour picture."""
    encoded = io.BytesIO()
    picture.save(encoded, "PNG")
    pixels = np.frombuffer(encoded.getvalue(), np.uint8)
    index = appended(tree, binary, pixels, "SCALAR", 5121)
    tree["images"][0]["bufferView"] = tree["accessors"].pop(index)["bufferView"]
