import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes

from common.errors import InputError
from common.runs.state import Checkpoint, load, load_newest, save

DTYPES = (torch.float32, torch.float64, torch.bfloat16, torch.int64, torch.uint8, torch.bool)

tensors = st.builds(
    lambda shape, dtype, seed: (
        torch.randn(shape, generator=torch.Generator().manual_seed(seed)) * 3
    ).to(dtype),
    array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3),
    st.sampled_from(DTYPES),
    st.integers(0, 99),
)
scalars = (
    st.none() | st.booleans() | st.integers() | st.text(max_size=5)
    | st.floats(allow_nan=False)
)  # fmt: skip
keys = st.text("abc_.0", min_size=1, max_size=4)
states = st.recursive(
    tensors | scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(keys, inner, max_size=3)
        | st.tuples(inner, inner)
    ),
    max_leaves=8,
)


def same(a, b):
    if isinstance(a, torch.Tensor):
        return a.dtype == b.dtype and a.shape == b.shape and torch.equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and a == b


@given(states)
def test_save_and_load_give_back_the_same_state(tmp_path_factory, state):
    path = save(tmp_path_factory.mktemp("c"), Checkpoint(3, state), keep=1)
    assert same(load(path).state, state)


def test_save_shared_memory_and_views_are_kept_apart(tmp_path):
    base = torch.arange(6.0)
    state = {"a": base, "b": base, "view": base.view(2, 3).T}
    assert same(load(save(tmp_path, Checkpoint(0, state), 1)).state, state)


def test_save_generator_state_continues_the_stream(tmp_path):
    generator = torch.Generator().manual_seed(1)
    torch.randn(3, generator=generator)
    path = save(tmp_path, Checkpoint(0, generator.get_state()), 1)
    expected = torch.randn(5, generator=generator)
    restored = torch.Generator()
    restored.set_state(load(path).state)
    assert torch.equal(torch.randn(5, generator=restored), expected)


def test_save_keeps_only_the_newest(tmp_path):
    for step in (5, 20, 100, 1_000_000, 9_000_000):
        save(tmp_path, Checkpoint(step, {}), keep=2)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["step-1000000", "step-9000000"]
    assert load_newest(tmp_path).step == 9_000_000


def test_load_newest_ignores_one_that_was_cut_off_while_writing(tmp_path):
    save(tmp_path, Checkpoint(1, {"a": 1}), keep=5)
    (tmp_path / ".step-000002-abc.partial").mkdir()
    (tmp_path / "step-000003").mkdir()  # no state.json: not complete
    assert load_newest(tmp_path).step == 1
    assert load_newest(tmp_path / "none") is None


@pytest.mark.parametrize("name", ["state.json", "tensors.safetensors"])
@pytest.mark.parametrize("content", [b"", b"{", b"\x00" * 64])
def test_load_damaged_checkpoint_names_its_folder(tmp_path, name, content):
    path = save(tmp_path, Checkpoint(1, {"a": torch.zeros(3)}), keep=5)
    (path / name).write_bytes(content)
    with pytest.raises(InputError, match="step-000001"):
        load_newest(tmp_path)


@pytest.mark.parametrize("state", [{1: 2}, {"$a": 1}, object(), {"a": {1, 2}}])
def test_save_of_unknown_type_is_refused_and_leaves_nothing(tmp_path, state):
    with pytest.raises(TypeError):
        save(tmp_path, Checkpoint(1, state), keep=1)
    assert list(tmp_path.iterdir()) == []
