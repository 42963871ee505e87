from common.judging.names import load_names
from common.training.judge.judge_names import build_names, save_names


def test_committed_names_are_what_is_built_from_captions_and_catalogue():
    assert load_names() == build_names()


def test_saved_names_read_back_equal(tmp_path):
    save_names(build_names(), tmp_path / "names.json")
    assert load_names(tmp_path / "names.json") == build_names()


def test_names_of_a_domain_are_different():
    names = load_names()
    assert len(names.emoji) == 1500
    for domain in (names.emoji, names.objects, names.colours):
        assert len({one.key for one in domain}) == len(domain)
        assert len({one.english for one in domain}) == len(domain)
        assert len({one.chinese for one in domain}) == len(domain)
