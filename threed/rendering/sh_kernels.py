"""Real spherical harmonics up to degree 4, and their slopes, at one direction.

In the order and with the signs of INRIA's splatting code (Condon-Shortley phase): degree by degree,
``m`` from ``-l`` to ``l``. Each function is written as a polynomial of a unit vector's coordinates;
other polynomials agree with it on the sphere, and their slopes differ along the direction only,
which normalising the direction takes away again.
"""

from typing import no_type_check

from common.raster.jit import kernel

C0 = 0.28209479177387814
C1 = 0.4886025119029199
C2, C2_ZZ, C2_XX = 1.0925484305920792, 0.31539156525252005, 0.5462742152960396
C3_3, C3_2, C3_1, C3_0 = (
    0.5900435899266435, 1.445305721320277, 0.4570457994644658, 0.3731763325901154,
)  # fmt: skip
C4_4, C4_3, C4_2, C4_1, C4_0 = (
    0.6258357354491761, 1.7701307697799304, 0.47308734787878004, 0.6690465435572892,
    0.10578554691520431,
)  # fmt: skip


@kernel
@no_type_check
def sh_values(x, y, z, count, out):
    """Write the first ``count`` (1, 4, 9, 16 or 25) functions at a unit vector to ``out``."""
    out[0] = C0
    if count >= 4:
        out[1], out[2], out[3] = -C1 * y, C1 * z, -C1 * x
    if count >= 9:
        out[4], out[5] = C2 * x * y, -C2 * y * z
        out[6] = C2_ZZ * (2 * z * z - x * x - y * y)
        out[7], out[8] = -C2 * x * z, C2_XX * (x * x - y * y)
    if count >= 16:
        out[9] = -C3_3 * y * (3 * x * x - y * y)
        out[10] = 2 * C3_2 * x * y * z
        out[11] = -C3_1 * y * (4 * z * z - x * x - y * y)
        out[12] = C3_0 * z * (2 * z * z - 3 * x * x - 3 * y * y)
        out[13] = -C3_1 * x * (4 * z * z - x * x - y * y)
        out[14] = C3_2 * z * (x * x - y * y)
        out[15] = -C3_3 * x * (x * x - 3 * y * y)
    if count >= 25:
        flat, tall, flatter = x * x - y * y, 7 * z * z - 1, 7 * z * z - 3
        out[16] = 4 * C4_4 * x * y * flat
        out[17] = -C4_3 * y * z * (3 * x * x - y * y)
        out[18] = 2 * C4_2 * x * y * tall
        out[19] = -C4_1 * y * z * flatter
        out[20] = C4_0 * (z * z * (35 * z * z - 30) + 3)
        out[21] = -C4_1 * x * z * flatter
        out[22] = C4_2 * flat * tall
        out[23] = -C4_3 * x * z * (x * x - 3 * y * y)
        out[24] = C4_4 * (flat * flat - 4 * x * x * y * y)


@kernel
@no_type_check
def sh_slope(x, y, z, count, weights):
    """The gradient of ``sum_k weights_k Y_k`` by the direction, three numbers."""
    a = b = c = 0.0
    if count >= 4:
        a, b, c = -C1 * weights[3], -C1 * weights[1], C1 * weights[2]
    if count >= 9:
        a += C2 * (y * weights[4] - z * weights[7]) + 2 * x * (
            C2_XX * weights[8] - C2_ZZ * weights[6])  # fmt: skip
        b += C2 * (x * weights[4] - z * weights[5]) - 2 * y * (
            C2_XX * weights[8] + C2_ZZ * weights[6])  # fmt: skip
        c += 4 * C2_ZZ * z * weights[6] - C2 * (y * weights[5] + x * weights[7])
    if count >= 16:
        d, e, f = _slope_3(x, y, z, weights)
        a, b, c = a + d, b + e, c + f
    if count >= 25:
        d, e, f = _slope_4(x, y, z, weights)
        a, b, c = a + d, b + e, c + f
    return a, b, c


@kernel
@no_type_check
def _slope_3(x, y, z, w):
    xx, yy, zz = x * x, y * y, z * z
    a = (
        -C3_3 * (6 * x * y * w[9] + 3 * (xx - yy) * w[15])
        + 2 * C3_2 * (y * z * w[10] + x * z * w[14])
        + C3_1 * (2 * x * y * w[11] - (4 * zz - 3 * xx - yy) * w[13])
        - 6 * C3_0 * x * z * w[12]
    )
    b = (
        -C3_3 * (3 * (xx - yy) * w[9] - 6 * x * y * w[15])
        + 2 * C3_2 * (x * z * w[10] - y * z * w[14])
        + C3_1 * (2 * x * y * w[13] - (4 * zz - xx - 3 * yy) * w[11])
        - 6 * C3_0 * y * z * w[12]
    )
    c = (
        C3_2 * (2 * x * y * w[10] + (xx - yy) * w[14])
        - 8 * C3_1 * (y * z * w[11] + x * z * w[13])
        + 3 * C3_0 * (2 * zz - xx - yy) * w[12]
    )
    return a, b, c


@kernel
@no_type_check
def _slope_4(x, y, z, w):
    xx, yy, zz = x * x, y * y, z * z
    flat, tall, flatter = xx - yy, 7 * zz - 1, 7 * zz - 3
    a = (
        4 * C4_4 * ((3 * xx - yy) * y * w[16] + (xx - 3 * yy) * x * w[24])
        - C4_3 * (6 * x * y * z * w[17] + 3 * flat * z * w[23])
        + 2 * C4_2 * tall * (y * w[18] + x * w[22])
        - C4_1 * z * flatter * w[21]
    )
    b = (
        4 * C4_4 * ((xx - 3 * yy) * x * w[16] + (yy - 3 * xx) * y * w[24])
        - C4_3 * (3 * flat * z * w[17] - 6 * x * y * z * w[23])
        + 2 * C4_2 * tall * (x * w[18] - y * w[22])
        - C4_1 * z * flatter * w[19]
    )
    c = (
        -C4_3 * ((3 * xx - yy) * y * w[17] + (xx - 3 * yy) * x * w[23])
        + 14 * C4_2 * z * (2 * x * y * w[18] + flat * w[22])
        - 3 * C4_1 * tall * (y * w[19] + x * w[21])
        + 20 * C4_0 * z * flatter * w[20]
    )
    return a, b, c
