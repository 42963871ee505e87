"""What a user should hear of a prompt for the embedded prior before it is drawn."""

from collections.abc import Sequence
from pathlib import Path

from common.adapters.learnt_words import NO_WORDS, LearntWords
from common.adapters.word_config import WordConfig
from common.embedded.concepts import load_concepts
from common.embedded.image_unet import View

_SHOWN = 60
_LIST = "python run.py list concepts"


def embedded_notes(
    prompt: str, negative_prompt: str, folder: Path, embeddings: Sequence[WordConfig] = ()
) -> list[str]:
    """Notes on what the text encoder does not read and what the models have not seen.

    Args:
        prompt: what is asked for; empty where an image prompt says it.
        negative_prompt: what is moved away from; may be empty.
        folder: of the models; one without ``domain.json`` is said to have none.
        embeddings: learnt words, of which the domain knows nothing.

    Raises:
        InputError: models are missing, damaged or of different versions.
    """
    from common.zoo.models import check_embedded_prior
    from common.zoo.words import embedded_words

    manifests = check_embedded_prior(folder)
    words = embedded_words(manifests["text_encoder"].architecture, embeddings)
    return text_notes(prompt, negative_prompt, folder, words)


def text_notes(
    prompt: str, negative_prompt: str, folder: Path, words: LearntWords = NO_WORDS
) -> list[str]:
    """`embedded_notes` for other models that stand on the folder's text encoder."""
    texts = {"prompt": prompt, "negative_prompt": negative_prompt}
    unread = [note for key, text in texts.items() for note in _unread(key, text, words)]
    known = words.without(prompt)
    asks = known.strip() and not (words.words and known != prompt)
    return [*unread, *(_outside(prompt, folder) if asks else [])]


def view_notes(view: View) -> list[str]:
    """A note on a view from where the models have seen nothing."""
    low, high = load_concepts().elevation_deg
    if low <= view.elevation_deg <= high:
        return []
    return [
        f"the embedded prior was trained on elevations from {low:g} to {high:g} degrees; "
        f"{view.elevation_deg:g} is outside"
    ]


def _unread(key: str, text: str, words: LearntWords) -> list[str]:
    from common.embedded.text_encoder import num_unread
    from common.embedded.tokenizer import MAX_TOKENS, load_tokenizer

    count = num_unread(load_tokenizer(), text, words)
    if not count:
        return []
    return [
        f"the last {count} tokens of the {key} are not read: the embedded prior reads the first "
        f"{MAX_TOKENS}, about {MAX_TOKENS * 3 // 4} words; put what matters first"
    ]


def _outside(prompt: str, folder: Path) -> list[str]:
    from common.embedded.domain import judge_prompt
    from common.embedded.tokenizer import load_tokenizer
    from common.zoo.models import load_domain, load_text_encoder

    if not (folder / "domain.json").is_file():
        return [
            f"{folder} has no domain.json, so that nothing can say whether its models know this "
            f"prompt: python -m common.training.facts.domain_fit {folder}"
        ]
    encoder = load_text_encoder(folder)
    domain = load_domain(encoder, folder)
    verdict = judge_prompt(prompt, domain, encoder.model, load_tokenizer(), load_concepts())
    if verdict.is_inside:
        return []
    shown = prompt if len(prompt) <= _SHOWN else f"{prompt[: _SHOWN - 3]}..."
    near = ", ".join(f"'{name}'" for name in verdict.nearest)
    return [
        f"the embedded prior has probably seen nothing like {shown!r} (score {verdict.score:.2f}; "
        f"below {domain.rule.threshold:.2f} prompts are outside of what it was trained on), and "
        f"will draw something else. Closest to it: {near}. What it knows: {_LIST}"
    ]
