import pytest

from common.embedded.prior import check_size
from common.errors import InputError


@pytest.mark.parametrize("size", [(64, 64), (256, 64), (72, 200)])
def test_multiples_of_eight_from_64_to_256_are_drawn(size):
    check_size(size)


@pytest.mark.parametrize(("size", "nearest"), [
    ((56, 128), "64 x 128"), ((128, 264), "128 x 256"), ((100, 130), "96 x 128"),
    ((1, 4096), "64 x 256"),
])  # fmt: skip
def test_other_sizes_are_refused_with_the_nearest(size, nearest):
    numbers = f"not {size[0]} x {size[1]}; the nearest are {nearest}"
    with pytest.raises(InputError, match=f"64 to 256 pixels that divide by 8, {numbers}"):
        check_size(size)
