"""Which pieces of kit things are their joints.

A part of an object is made of pieces that do not touch: the ears of a head's fur, the legs of a
body. They are counted in the order in which the kit's builders join them.
"""

from dataclasses import dataclass

from common.control.thing_pose import JointName

Direction = tuple[float, float, float]
UP, DOWN, FRONT = (0.0, 1.0, 0.0), (0.0, -1.0, 0.0), (0.0, 0.0, 1.0)
AHEAD, BACK = (-1.0, 0.0, 0.0), (1.0, 0.0, 0.0)
"""Of things that are shown from their left side."""


@dataclass(frozen=True)
class Spot:
    """A place on some pieces of a part."""

    part: str
    """Its name; parts of one name count as one."""
    pieces: tuple[int, ...] = ()
    """Which of its pieces; all of them when empty."""
    to: Direction | None = None
    """The farthest point in this direction; None is the middle of what encloses the pieces."""


@dataclass(frozen=True)
class Skeleton:
    """The joints of a category."""

    middle: dict[JointName, Spot]
    """Those that there is one of."""
    pairs: dict[str, Spot]
    """Those that there are two of, by their names without a side: of the pieces each side takes its
    own, and the direction is that of the left one."""
    heads_left: bool = False
    """The front shows the left side: its head is at -x, and its left is +z in place of +x."""


def _face(head: str, ears: Spot | None, nose: Spot | None) -> Skeleton:
    """A head alone, its skull the first piece of a part."""
    middle: dict[JointName, Spot] = {
        "head": Spot(head, (0,)), "crown": Spot(head, (0,), UP), "mouth": Spot("mouth"),
    }  # fmt: skip
    pairs = {"eye": Spot("eyes")}
    if nose:
        middle["nose"] = nose
    if ears:
        pairs["ear"] = ears
    return Skeleton(middle, pairs)


NOSE = Spot("nose", (), FRONT)
NOSTRILS = Spot("nostrils")
EYES, EYE, MOUTH = Spot("eyes"), Spot("eye"), Spot("mouth")

SKELETONS: dict[str, Skeleton] = {
    "cat face": _face("fur", Spot("fur", (1, 2), UP), NOSE),
    "dog face": _face("fur", Spot("ears", (0, 1), (0.2, -1.0, 0.0)), NOSE),
    "bear face": _face("fur", Spot("fur", (1, 2), (0.7, 1.0, 0.0)), NOSE),
    "rabbit face": _face("fur", Spot("fur", (1, 2), UP), NOSE),
    "pig face": _face("skin", Spot("skin", (1, 2), (0.3, 1.0, 0.0)), Spot("snout", (), FRONT)),
    "mouse face": _face("fur", Spot("fur", (1, 2), (0.7, 1.0, 0.0)), NOSE),
    "fox face": _face("fur", Spot("fur", (1, 2), UP), NOSE),
    "panda face": _face("fur", Spot("patches", (0, 2), (0.7, 1.0, 0.0)), NOSE),
    "koala face": _face("fur", Spot("fur", (1, 5), (1.0, 0.6, 0.0)), NOSE),
    "frog face": _face("skin", None, NOSTRILS),
    "monkey face": _face("fur", Spot("fur", (1, 2), (1.0, 0.2, 0.0)), NOSTRILS),
    "cow face": _face("fur", Spot("ears", (0, 1), (1.0, 0.0, 0.0)), NOSTRILS),
    "face": _face("skin", None, None),
    "alien": _face("skin", Spot("feelers"), NOSTRILS),
    "octopus": Skeleton(
        {"head": Spot("body", (0,)), "crown": Spot("body", (0,), UP), "mouth": MOUTH,
         "body": Spot("body", tuple(range(1, 9)))},
        {"eye": EYES, "hand": Spot("body", (2, 7), (1.0, -0.3, 0.3)),
         "foot": Spot("body", (1, 8), (0.2, -0.2, 1.0))},
    ),
    "crab": Skeleton(
        {"head": EYES, "body": Spot("shell", (0,)), "mouth": MOUTH},
        {"eye": EYES, "hand": Spot("claws", (), (0.2, 1.0, 0.0)),
         "foot": Spot("shell", (5, 9), (0.3, -1.0, 0.0))},
    ),
    "robot": Skeleton(
        {"head": Spot("body", (0,)), "crown": Spot("body", (0,), UP), "mouth": MOUTH,
         "body": Spot("body", (1,))},
        {"eye": EYES, "ear": Spot("ears", (1, 3), UP), "hand": Spot("hands"),
         "foot": Spot("joint", (4, 6))},
    ),
    "ghost": Skeleton(
        {"head": EYES, "crown": Spot("sheet", (0,), UP), "mouth": MOUTH,
         "body": Spot("sheet", (0,))},
        {"eye": EYES, "hand": Spot("sheet", (1, 2), (1.0, 0.2, 0.3))},
    ),
    "teddy bear": Skeleton(
        {"head": Spot("fur", (0,)), "crown": Spot("fur", (0,), UP), "nose": NOSE, "mouth": MOUTH,
         "body": Spot("fur", (3,))},
        {"eye": EYES, "ear": Spot("fur", (1, 2), (0.7, 1.0, 0.0)),
         "hand": Spot("fur", (4, 5), (1.0, -0.6, 0.0)),
         "foot": Spot("fur", (6, 7), (0.3, 0.0, 1.0))},
    ),
    "snowman": Skeleton(
        {"head": Spot("snow", (1,)), "crown": Spot("hat", (), UP), "nose": NOSE,
         "mouth": Spot("coal", tuple(range(2, 8))), "body": Spot("snow", (0,))},
        {"eye": Spot("coal", (0, 1)), "hand": Spot("twig", (), (1.0, 0.4, 0.0))},
    ),
    "chick": Skeleton(
        {"head": EYES, "crown": Spot("body", (0,), UP), "nose": Spot("beak", (0,), FRONT),
         "body": Spot("body", (0,))},
        {"eye": EYES, "hand": Spot("wings", (), (0.5, -1.0, 0.0)),
         "foot": Spot("beak", tuple(range(1, 9)))},
    ),
    "penguin": Skeleton(
        {"head": EYES, "crown": Spot("coat", (0,), UP), "nose": Spot("beak", (0,), FRONT),
         "body": Spot("coat", (0,)), "tail": Spot("coat", (3,), (0.0, -1.0, -1.0))},
        {"eye": EYES, "hand": Spot("coat", (1, 2), (0.5, -1.0, 0.0)),
         "foot": Spot("beak", (1, 2), FRONT)},
    ),
    "owl": Skeleton(
        {"head": EYES, "crown": Spot("feathers", (0,), UP), "nose": Spot("beak", (), FRONT),
         "body": Spot("feathers", (0,))},
        {"eye": EYES, "ear": Spot("feathers", (1, 2), UP),
         "hand": Spot("wings", (), (0.3, -1.0, 0.0)), "foot": Spot("claws")},
    ),
    "duck": Skeleton(
        {"head": Spot("head", (1,)), "crown": Spot("head", (1,), UP),
         "nose": Spot("bill", (), AHEAD), "body": Spot("body", (0,)),
         "tail": Spot("body", (0,), (1.0, 1.0, 0.0))},
        {"eye": EYE, "hand": Spot("body", (1, 2), BACK)}, heads_left=True,
    ),
    "fish": Skeleton(
        {"head": EYE, "mouth": Spot("lips"), "body": Spot("body"), "tail": Spot("fins", (0,))},
        {"eye": EYE, "hand": Spot("fins", (3, 4), (0.3, -1.0, 0.3))}, heads_left=True,
    ),
    "snail": Skeleton(
        {"head": Spot("body", (0,), (-1.0, 0.6, 0.0)), "mouth": MOUTH, "body": Spot("shell"),
         "tail": Spot("body", (0,), (1.0, -0.3, 0.0))},
        {"eye": EYES}, heads_left=True,
    ),
    "turtle": Skeleton(
        {"head": Spot("body", (1,)), "crown": Spot("body", (1,), UP), "mouth": MOUTH,
         "nose": Spot("body", (1,), AHEAD), "body": Spot("shell", (0,)),
         "tail": Spot("body", (6,), BACK)},
        {"eye": EYE, "hand": Spot("body", (3, 5), DOWN), "foot": Spot("body", (2, 4), DOWN)},
        heads_left=True,
    ),
    "whale": Skeleton(
        {"head": EYE, "mouth": MOUTH, "body": Spot("body", (0,)), "tail": Spot("body", (2, 3))},
        {"eye": EYE, "hand": Spot("body", (4, 5), (0.3, -1.0, 0.3))}, heads_left=True,
    ),
    "bee": Skeleton(
        {"head": EYE, "mouth": Spot("sting", (11,)), "body": Spot("stripes"),
         "tail": Spot("sting", (0,), BACK)},
        {"eye": EYE, "ear": Spot("sting", (2, 4)), "hand": Spot("wings", (0, 2), (0.3, 1.0, 0.3)),
         "foot": Spot("sting", (7, 10), DOWN)}, heads_left=True,
    ),
    "ladybird": Skeleton(
        {"head": Spot("head", (0,)), "body": Spot("wing cases")},
        {"eye": EYES, "ear": Spot("head", (4, 5)), "hand": Spot("legs", (0, 3), (1.0, 0.5, 0.0)),
         "foot": Spot("legs", (2, 5), (1.0, -0.5, 0.0))},
    ),
    "butterfly": Skeleton(
        {"head": Spot("body", (1,)), "body": Spot("body", (0,))},
        {"ear": Spot("body", (3, 5)), "hand": Spot("wings", (0, 2), (1.0, 1.0, 0.0)),
         "foot": Spot("wings", (1, 3), (0.6, -1.0, 0.0))},
    ),
    "spider": Skeleton(
        {"head": Spot("body", (1,)), "body": Spot("body", (0,))},
        {"eye": EYES, "hand": Spot("legs", (0, 4), (1.0, 0.5, 0.0)),
         "foot": Spot("legs", (3, 7), (0.5, -1.0, 0.0))},
    ),
}  # fmt: skip
"""By category: those with a face or limbs that people would pose."""
