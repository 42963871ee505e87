"""What a category of objects is: its words, its colours and the function that builds it."""

from collections.abc import Callable
from dataclasses import dataclass

from common.kit.draw import Draw
from common.kit.palette import COLOUR_NAMES, ColourName
from common.kit.part import Part

Builder = Callable[[Draw], tuple[Part, ...]]


@dataclass(frozen=True)
class Noun:
    """A noun in both languages."""

    english: str
    chinese: str
    measure: str = "个"
    """The Chinese measure word."""
    plural: bool = False
    """Takes no English article: plural or uncountable ("blue wheels", "white icing")."""
    group: str = ""
    """What comes before the colour: "a pair of", "a slice of"."""
    synonyms: tuple[str, ...] = ()
    """Other English words for it, in training captions too."""
    held_out_synonyms: tuple[str, ...] = ()
    """Other English words for it that never occur in training captions."""
    chinese_synonyms: tuple[str, ...] = ()
    """Other Chinese words for it, in training captions too."""


@dataclass(frozen=True)
class Category:
    """A kind of object. ``build`` returns parts in any size and place; they are normalised later.

    The front (+Z) is the side by which people know the object: the face of a house or an animal,
    but the *side* of a car or a duck, nose towards -X, as in pictograms.
    """

    noun: Noun
    build: Builder
    main: Noun
    """The part that carries the object's colour; its name is the part's name."""
    accent: Noun | None
    """The part that carries the second colour; None: captions name one colour only."""
    usual: tuple[ColourName, ...]
    """Colours the main part has in life; a bare name promises one of these."""
    usual_accents: tuple[ColourName, ...] = COLOUR_NAMES
    """Colours the accent part has in life."""
    colours: tuple[ColourName, ...] = COLOUR_NAMES
    """All colours the main part may have."""
    accents: tuple[ColourName, ...] = COLOUR_NAMES
    """All colours the accent part may have."""
    emoji: tuple[str, ...] = ()
    """Emoji that show the same thing, the best match first."""
    front_ambiguous: bool = False
    """The back looks like the front, or nearly."""
    patterned: bool = False
    """Stripes, dots and checks suit the main part."""
    metallic: bool = False
    """A metallic finish suits the main part."""
    talks: bool = False
    """Has a mouth that follows ``Draw.pose``."""

    @property
    def name(self) -> str:
        """The category's key: its English noun."""
        return self.noun.english
