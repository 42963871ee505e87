"""Running the image app as a user does, on untrained models of the embedded prior."""

import pytest

from common.cli.main import main
from run import APPS
from tests.common.generation.conftest import lifting_models, models, without_domain  # noqa: F401


@pytest.fixture
def draw(tmp_path, monkeypatch, capsys, models):  # noqa: F811
    """Run ``image/text_to_image``: exit code, paths and messages."""
    monkeypatch.chdir(tmp_path)

    def draw(*changes, models_dir=models):
        arguments = [
            "image/text_to_image", f"prior={{name: embedded, models_dir: {models_dir}}}",
            "prompt=a red mug", "method.height=64", "method.width=72", "sampler.num_steps=2",
            "num_samples=2", "batch_size=2", *changes,
        ]  # fmt: skip
        code = main(arguments, APPS)
        said = capsys.readouterr()
        return code, [tmp_path / line for line in said.out.splitlines()], said.err

    return draw
