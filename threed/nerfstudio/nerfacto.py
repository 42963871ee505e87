"""nerfacto's checkpoints: the field of density and colour, where its layout is known.

What a checkpoint holds: ``field.`` aabb, max_res, num_levels, log2_hashmap_size, the embeddings of
the pictures' looks, and the weights of hash grid and networks; ``proposal_networks.``, which only
choose where to sample and are not needed here; ``camera_optimizer.``.

Weights made with PyTorch (``implementation="torch"``) are read and evaluated as nerfstudio does:

    p in [0, 1]^3: contracted (x, or (2 - 1/|x|) x/|x| beyond |x| = 1, largest norm; (x + 2)/4),
                   or within the box
    features:      levels of 2^log2 entries, resolution floor(base growth^level), trilinear
    density:       average_init_density exp(h_0),  0 outside the box
    colour:        sigmoid of a network of Y((d + 1)/2) to degree 3, h_1.., a look

``Y`` of (d + 1)/2, rather than of d, and without the Condon-Shortley phase, is nerfstudio's own.
Weights made with tiny-cuda-nn are one flat tensor in the order of its kernels' tiles, with its own
rules for small levels: they are refused by name.
"""

import math
from dataclasses import dataclass
from itertools import product

import torch
from einops import rearrange
from jaxtyping import Float, Int
from torch import Tensor

from common.errors import InputError
from threed.nerfstudio.checkpoint import NerfstudioCheckpoint, tensor_of
from threed.scenes.spherical_harmonics import sh_basis

_PRIMES = (1, 2654435761, 805459861)
_HARMONIC_DEGREE = 3


@dataclass(frozen=True)
class NerfactoSettings:
    """What a checkpoint does not say of its field, but its run's config; nerfstudio's defaults."""

    base_res: int = 16
    """Resolution of the coarsest level."""
    average_init_density: float = 1.0
    scene_contraction: bool = True
    """Off with ``disable_scene_contraction``: the field ends at its box."""
    average_look: bool = True
    """The mean of the pictures' looks (``use_average_appearance_embedding``), or zeros."""


@dataclass(frozen=True, eq=False)
class NerfactoField:
    """A field in nerfstudio's training world (+Z up)."""

    aabb: Float[Tensor, "2 3"]
    hash_table: Float[Tensor, "e _"]
    """All levels' entries, one level after another."""
    resolutions: Float[Tensor, " l"]
    base_layers: tuple[tuple[Tensor, Tensor], ...]
    """Weight and bias of each layer."""
    head_layers: tuple[tuple[Tensor, Tensor], ...]
    look: Float[Tensor, " _"]
    """What stands for a picture's own look."""
    settings: NerfactoSettings

    def density_and_features(
        self, points: Float[Tensor, "n 3"]
    ) -> tuple[Float[Tensor, " n"], Float[Tensor, "n _"]]:
        """Density per unit of the training world, and what the colour's network is given."""
        places = self._places(points)
        inside = ((places > 0) & (places < 1)).all(-1)
        hidden = _network(self._grid(places * inside[:, None]), self.base_layers)
        density = self.settings.average_init_density * hidden[:, 0].exp()
        return density * inside, hidden[:, 1:]

    def colour(
        self, directions: Float[Tensor, "n 3"], features: Float[Tensor, "n _"]
    ) -> Float[Tensor, "n 3"]:
        """sRGB-encoded colour in (0, 1), seen along unit directions."""
        degrees = torch.tensor([_order(k) for k in range((_HARMONIC_DEGREE + 1) ** 2)])
        phase = (1 - 2 * (degrees % 2)).to(directions)
        seen = sh_basis((directions + 1) / 2, _HARMONIC_DEGREE) * phase
        look = self.look.to(directions).expand(len(directions), -1)
        return _network(torch.cat([seen, features, look], -1), self.head_layers).sigmoid()

    def _places(self, points: Tensor) -> Tensor:
        if not self.settings.scene_contraction:
            return (points - self.aabb[0]) / (self.aabb[1] - self.aabb[0])
        size = points.abs().amax(-1, keepdim=True)
        return (torch.where(size < 1, points, (2 - 1 / size) * (points / size)) + 2) / 4

    def _grid(self, places: Float[Tensor, "n 3"]) -> Float[Tensor, "n _"]:
        """Features of all levels, trilinear between hashed corners."""
        scaled = places[:, None] * self.resolutions[:, None]
        low, high = scaled.floor(), scaled.ceil()
        share = scaled - low
        total = torch.zeros(())
        for corner in product((False, True), repeat=3):
            upper = torch.tensor(corner)
            weight = torch.where(upper, share, 1 - share).prod(-1)
            index = self._hashed(torch.where(upper, high, low).long())
            total = total + weight[..., None] * self.hash_table[index]
        return rearrange(total, "n l d -> n (l d)")

    def _hashed(self, corners: Int[Tensor, "n l 3"]) -> Int[Tensor, "n l"]:
        size = len(self.hash_table) // len(self.resolutions)
        x, y, z = (corners * torch.tensor(_PRIMES)).unbind(-1)
        return (x ^ y ^ z) % size + torch.arange(len(self.resolutions)) * size


def nerfacto_field(
    checkpoint: NerfstudioCheckpoint, settings: NerfactoSettings | None = None
) -> NerfactoField:
    """The field of a checkpoint that was trained with ``implementation="torch"``.

    Raises:
        InputError: not of nerfacto, made with tiny-cuda-nn, or of other shapes than its own numbers
            say.
    """
    settings = settings or NerfactoSettings()
    _refuse_tcnn(checkpoint)
    table = tensor_of(
        checkpoint, _first(checkpoint, "mlp_base.model.0.", "mlp_base.0.", "hash_table")
    )
    levels, size, finest = (
        int(tensor_of(checkpoint, f"field.{name}"))
        for name in ("num_levels", "log2_hashmap_size", "max_res")
    )
    if not 1 <= levels <= 64 or not 1 <= size <= 30 or len(table) != levels << size:
        raise InputError(f"the hash grid has {len(table)} entries, not {levels} x 2^{size}")
    growth = 1.0
    if levels > 1:
        growth = math.exp((math.log(finest) - math.log(settings.base_res)) / (levels - 1))
    steps = torch.arange(levels)
    base = _layers(checkpoint, _first(checkpoint, "mlp_base.model.1.", "mlp_base.1.", "layers."))
    head = _layers(checkpoint, "field.mlp_head.layers.")
    look = _look(checkpoint, settings)
    needed = (_HARMONIC_DEGREE + 1) ** 2 + len(base[-1][0]) - 1 + len(look)
    if base[0][0].shape[1] != levels * table.shape[1] or head[0][0].shape[1] != needed:
        raise InputError(
            f"the networks take {base[0][0].shape[1]} and {head[0][0].shape[1]} features, not "
            f"{levels * table.shape[1]} and {needed}"
        )
    return NerfactoField(
        tensor_of(checkpoint, "field.aabb"), table,
        torch.floor(settings.base_res * growth**steps).float(), base, head, look, settings,
    )  # fmt: skip


def _refuse_tcnn(checkpoint: NerfstudioCheckpoint) -> None:
    flat = [name for name in checkpoint.tensors
            if name.startswith("field.mlp") and name.endswith("params")]  # fmt: skip
    if flat:
        raise InputError(
            f"{flat[0]} holds the weights of tiny-cuda-nn in the order of its kernels, which is "
            "not read; train with --pipeline.model.implementation torch"
        )


def _first(checkpoint: NerfstudioCheckpoint, new: str, old: str, name: str) -> str:
    """The name in use: nerfstudio 1.1 put ``model.`` between."""
    full = f"field.{new}{name}"
    known = any(key.startswith(full) for key in checkpoint.tensors)
    return full if known else f"field.{old}{name}"


def _layers(checkpoint: NerfstudioCheckpoint, prefix: str) -> tuple[tuple[Tensor, Tensor], ...]:
    count = sum(name.startswith(prefix) and name.endswith(".weight") for name in checkpoint.tensors)
    if not count:
        raise InputError(f"this checkpoint lacks {prefix}0.weight; it is of {checkpoint.method}")
    return tuple(
        (
            tensor_of(checkpoint, f"{prefix}{i}.weight"),
            tensor_of(checkpoint, f"{prefix}{i}.bias"),
        )
        for i in range(count)
    )


def _look(checkpoint: NerfstudioCheckpoint, settings: NerfactoSettings) -> Float[Tensor, " _"]:
    name = "field.embedding_appearance.embedding.weight"
    if name not in checkpoint.tensors:
        return torch.zeros(0)
    looks = tensor_of(checkpoint, name)
    return looks.mean(0) if settings.average_look else torch.zeros(looks.shape[1])


def _network(values: Tensor, layers: tuple[tuple[Tensor, Tensor], ...]) -> Tensor:
    for index, (weight, bias) in enumerate(layers):
        values = torch.nn.functional.linear(values, weight, bias)
        if index < len(layers) - 1:
            values = values.relu()
    return values


def _order(k: int) -> int:
    """``|m|`` of the k-th harmonic."""
    degree = math.isqrt(k)
    return abs(k - degree * degree - degree)
