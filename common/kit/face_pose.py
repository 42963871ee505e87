"""The expression of a face: mouth and eyes as a few numbers, and the named mouth shapes of speech."""

from dataclasses import dataclass


@dataclass(frozen=True)
class FacePose:
    """A face at one moment. The defaults are a friendly face at rest."""

    mouth_open: float = 0.0
    """0 closed to 1 wide open."""
    mouth_width: float = 0.5
    """0 narrow, 0.5 at rest, 1 spread."""
    rounding: float = 0.0
    """0 flat corners to 1 a round mouth (as in "oo")."""
    smile: float = 0.6
    """-1 corners down to 1 corners up."""
    eye_open: float = 1.0
    """0 shut to 1 open."""
    gaze_x: float = 0.0
    """-1 towards -x to 1 towards +x."""
    gaze_y: float = 0.0
    """-1 down to 1 up."""


VISEMES: dict[str, FacePose] = {
    "rest": FacePose(),
    "m": FacePose(0.0, 0.45, 0.1, 0.25),
    "f": FacePose(0.12, 0.5, 0.0, 0.2),
    "s": FacePose(0.2, 0.75, 0.0, 0.4),
    "t": FacePose(0.3, 0.55, 0.0, 0.3),
    "e": FacePose(0.45, 0.85, 0.0, 0.5),
    "a": FacePose(0.95, 0.6, 0.15, 0.3),
    "o": FacePose(0.65, 0.25, 0.85, 0.0),
    "u": FacePose(0.3, 0.05, 1.0, 0.0),
}
"""Mouth shapes by sound: closed lips, lip to teeth, hiss, tongue, and the five vowels' families."""


def blended(start: FacePose, end: FacePose, share: float) -> FacePose:
    """The pose between two poses: ``share`` 0 gives ``start``, 1 gives ``end``."""
    values = (
        (1 - share) * getattr(start, name) + share * getattr(end, name)
        for name in FacePose.__dataclass_fields__
    )
    return FacePose(*values)
