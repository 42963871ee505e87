"""nerfacto's field as nerfstudio defines it, a point and a level at a time, on plain numbers."""

import math

import torch

LEVELS, LOG2_SIZE, FEATURES, BASE, FINEST, LOOKS = 4, 6, 2, 4, 32, 5


def state(seed=0, *, model=".model", implementation="torch"):
    """A pipeline's tensors with weights large enough that everything shows."""
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape, scale=1.0):
        return scale * torch.randn(*shape, generator=generator)

    def layer(name, rows, columns):
        return {f"_model.field.{name}.weight": normal(rows, columns, scale=columns**-0.5),
                f"_model.field.{name}.bias": normal(rows, scale=0.3)}  # fmt: skip

    tensors = {
        "_model.field.aabb": torch.tensor([[-1.0, -1, -1], [1, 1, 1]]),
        "_model.field.max_res": torch.tensor(FINEST),
        "_model.field.num_levels": torch.tensor(LEVELS),
        "_model.field.log2_hashmap_size": torch.tensor(LOG2_SIZE),
        "_model.field.embedding_appearance.embedding.weight": normal(7, LOOKS),
        "_model.camera_optimizer.pose_adjustment": torch.zeros(7, 6),
    }
    if implementation == "tcnn":
        tensors["_model.field.mlp_base.model.params"] = normal(1000)
        return tensors
    tensors[f"_model.field.mlp_base{model}.0.hash_table"] = normal(LEVELS << LOG2_SIZE, FEATURES)
    tensors |= layer(f"mlp_base{model}.1.layers.0", 16, LEVELS * FEATURES)
    tensors |= layer(f"mlp_base{model}.1.layers.1", 16, 16)
    tensors |= layer("mlp_head.layers.0", 16, 16 + 15 + LOOKS)
    tensors |= layer("mlp_head.layers.1", 16, 16)
    return tensors | layer("mlp_head.layers.2", 3, 16)


def contracted(point):
    size = max(abs(c) for c in point)
    return [c if size < 1 else (2 - 1 / size) * c / size for c in point]


def grid_features(table, place):
    """Trilinear in cells of each level, corners by the hash of instant-ngp."""
    found = []
    growth = math.exp((math.log(FINEST) - math.log(BASE)) / (LEVELS - 1))
    for level in range(LEVELS):
        scaled = [c * math.floor(BASE * growth**level) for c in place]
        low = [math.floor(c) for c in scaled]
        total = torch.zeros(FEATURES)
        for corner in range(8):
            x, y, z = (low[a] + (corner >> a & 1) for a in range(3))
            share = math.prod(
                (scaled[a] - low[a]) if corner >> a & 1 else 1 - (scaled[a] - low[a])
                for a in range(3)
            )
            entry = (x ^ (y * 2654435761) ^ (z * 805459861)) % (1 << LOG2_SIZE)
            if share:
                total += share * table[entry + (level << LOG2_SIZE)]
        found.append(total)
    return torch.cat(found)


def harmonics(x, y, z):
    """Sixteen polynomials without the Condon-Shortley phase, as they are printed."""
    xx, yy, zz = x * x, y * y, z * z
    return torch.tensor([
        0.28209479177387814,
        0.4886025119029199 * y, 0.4886025119029199 * z, 0.4886025119029199 * x,
        1.0925484305920792 * x * y, 1.0925484305920792 * y * z,
        0.9461746957575601 * zz - 0.31539156525251999,
        1.0925484305920792 * x * z, 0.5462742152960396 * (xx - yy),
        0.5900435899266435 * y * (3 * xx - yy), 2.890611442640554 * x * y * z,
        0.4570457994644658 * y * (5 * zz - 1), 0.3731763325901154 * z * (5 * zz - 3),
        0.4570457994644658 * x * (5 * zz - 1), 1.445305721320277 * z * (xx - yy),
        0.5900435899266435 * x * (xx - 3 * yy),
    ])  # fmt: skip


def network(tensors, name, count, values):
    for index in range(count):
        weight = tensors[f"_model.field.{name}.layers.{index}.weight"]
        values = weight @ values + tensors[f"_model.field.{name}.layers.{index}.bias"]
        if index < count - 1:
            values = values.clamp_min(0)
    return values


def evaluate(tensors, point, direction, *, contract=True, init_density=1.0, average=True):
    """Density and colour at one point, seen along one direction."""
    place = [(c + 2) / 4 for c in contracted(point)] if contract else [(c + 1) / 2 for c in point]
    inside = all(0 < c < 1 for c in place)
    place = place if inside else [0.0, 0.0, 0.0]
    table = tensors["_model.field.mlp_base.model.0.hash_table"]
    hidden = network(tensors, "mlp_base.model.1", 2, grid_features(table, place))
    looks = tensors["_model.field.embedding_appearance.embedding.weight"]
    look = looks.mean(0) if average else torch.zeros(LOOKS)
    seen = harmonics(*[(c + 1) / 2 for c in direction])
    colour = network(tensors, "mlp_head", 3, torch.cat([seen, hidden[1:], look])).sigmoid()
    return (init_density * math.exp(float(hidden[0])) if inside else 0.0), colour
