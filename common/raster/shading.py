"""Light on surfaces: a hemisphere of ambient light, two directional lights, glTF's material model.

Everything is in linear light. A light's colour is what a white matte surface facing it sends back,
so that a picture stays within [0, 1] while the lights add up to about one.
"""

import math
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from common.cameras import Cameras, opengl_c2w

Rgb = tuple[float, float, float]


@dataclass(frozen=True)
class DirectionalLight:
    """Parallel light."""

    toward: tuple[float, float, float]
    """Direction from the surface toward the light; any length but zero."""
    color: Rgb
    """Linear light sent back by a white matte surface facing the light."""


@dataclass(frozen=True)
class Lighting:
    """The light of a render."""

    sky: Rgb = (0.42, 0.42, 0.44)
    """Ambient light on surfaces that face up."""
    ground: Rgb = (0.22, 0.21, 0.20)
    """Ambient light on surfaces that face down; in between it is mixed."""
    key: DirectionalLight = DirectionalLight((0.45, 0.75, 0.75), (0.56, 0.55, 0.53))
    """The main light."""
    fill: DirectionalLight = DirectionalLight((-0.8, 0.25, -0.35), (0.16, 0.17, 0.18))
    """The weaker light that opens the shadows."""
    frame: Literal["world", "camera"] = "world"
    """What lights are fixed to: the object, or the camera (+X right, +Y up, +Z to the viewer)."""


FLAT_LIGHTING = Lighting(
    sky=(1.0, 1.0, 1.0),
    ground=(1.0, 1.0, 1.0),
    key=DirectionalLight((0.0, 0.0, 1.0), (0.0, 0.0, 0.0)),
    fill=DirectionalLight((0.0, 0.0, 1.0), (0.0, 0.0, 0.0)),
)
"""No shading at all: matte surfaces show their own colour."""


def light_frame(lighting: Lighting, camera: Cameras) -> Float[Tensor, "3 3"]:
    """Rotation from the lights' frame to the world, for the first of ``camera``'s views."""
    if lighting.frame == "world":
        return torch.eye(3, dtype=camera.w2c.dtype)
    return opengl_c2w(camera)[0, :3, :3]


def lights_in_world(
    lighting: Lighting, turn: Float[Tensor, "3 3"]
) -> tuple[Float[Tensor, "3"], Float[Tensor, "light 3"], Float[Tensor, "light 3"]]:
    """The hemisphere's up, and unit directions and colours of the lights, in ``turn``'s dtype."""
    sources = (lighting.key, lighting.fill)
    toward = turn.new_tensor([source.toward for source in sources])
    toward = torch.nn.functional.normalize(toward, dim=-1)
    return turn[:, 1], toward @ turn.T, turn.new_tensor([source.color for source in sources])


def shade(
    albedo: Float[Tensor, "r 3"],
    normal: Float[Tensor, "r 3"],
    view: Float[Tensor, "r 3"],
    lighting: Lighting,
    turn: Float[Tensor, "3 3"],
    *,
    roughness: Float[Tensor, " r"] | None = None,
    metallic: Float[Tensor, " r"] | None = None,
) -> Float[Tensor, "r 3"]:
    """Linear light sent to the viewer, at least 0, not limited above; differentiable.

    Lambert's law for the ambient and directional light; if ``roughness`` is given also the
    specular part of glTF 2.0's material (appendix B: GGX distribution, Smith visibility, Schlick
    Fresnel), with the ambient hemisphere as its environment.

    Args:
        albedo: base colour, linear, in [0, 1].
        normal: unit normals, on the viewer's side of the surface.
        view: unit directions from the surface to the viewer.
        lighting: the lights.
        turn: rotation from the lights' frame to the world, from `light_frame`.
        roughness: perceptual roughness in [0, 1]; None: no specular reflection.
        metallic: in [0, 1]; None: 0.
    """
    up, directions, colors = lights_in_world(lighting, turn)
    diffuse = albedo if metallic is None else albedo * (1 - metallic[:, None])
    light = diffuse * _ambient(normal @ up, lighting)
    base = torch.full_like(albedo, 0.04)
    if metallic is not None:
        base = torch.lerp(base, albedo, metallic[:, None])
    if roughness is not None:
        light = light + _ambient_specular(normal, view, up, base, roughness, lighting)
    for toward, color in zip(directions, colors, strict=True):
        reflected = diffuse
        if roughness is not None:
            reflected = diffuse + math.pi * _specular(normal, view, toward, base, roughness)
        light = light + reflected * (normal @ toward).clamp_min(0)[:, None] * color
    return light


def _ambient(height: Tensor, lighting: Lighting) -> Tensor:
    """Hemisphere light for the cosine between a direction and up."""
    sky, ground = height.new_tensor(lighting.sky), height.new_tensor(lighting.ground)
    return torch.lerp(ground, sky, (0.5 + 0.5 * height)[:, None])


def _specular(
    normal: Tensor, view: Tensor, toward: Tensor, base: Tensor, roughness: Tensor
) -> Tensor:
    """Fresnel times distribution times visibility: the specular BRDF."""
    half = torch.nn.functional.normalize(view + toward, dim=-1)
    a2 = roughness.clamp_min(0.05) ** 4  # alpha is roughness squared; 0 would be a point of light
    n_h = (normal * half).sum(-1).clamp(0, 1)
    n_v = (normal * view).sum(-1).clamp(1e-4, 1)
    n_l = (normal @ toward).clamp(1e-4, 1)
    v_h = (view * half).sum(-1).clamp(0, 1)
    distribution = a2 / (math.pi * (n_h * n_h * (a2 - 1) + 1) ** 2)
    visibility = 0.5 / (
        n_l * (n_v * n_v * (1 - a2) + a2).sqrt() + n_v * (n_l * n_l * (1 - a2) + a2).sqrt()
    )
    fresnel = base + (1 - base) * ((1 - v_h) ** 5)[:, None]
    return fresnel * (distribution * visibility)[:, None]


def _ambient_specular(
    normal: Tensor, view: Tensor, up: Tensor, base: Tensor, roughness: Tensor, lighting: Lighting
) -> Tensor:
    """The hemisphere's reflection: Karis' fit of the environment BRDF (Unreal mobile, 2014).

    The hemisphere is so smooth that its blur by roughness does not matter.
    """
    n_v = (normal * view).sum(-1).clamp(0, 1)
    mirrored = 2 * n_v[:, None] * normal - view
    r = roughness[:, None] * roughness.new_tensor([-1.0, -0.0275, -0.572, 0.022])
    r = r + roughness.new_tensor([1.0, 0.0425, 1.04, -0.04])
    a004 = torch.minimum(r[:, 0] ** 2, torch.exp2(-9.28 * n_v)) * r[:, 0] + r[:, 1]
    scale, bias = -1.04 * a004 + r[:, 2], 1.04 * a004 + r[:, 3]
    return (base * scale[:, None] + bias[:, None]) * _ambient(mirrored @ up, lighting)
