"""threestudio's cameras: what they mean here."""

import math
from typing import Any

from common.embedded.orbit import DISTANCE_M, FOVY_DEG, HALF_EXTENT_M
from common.errors import InputError
from threed.peers.settings import Settings, as_number

_MOST_VIEWS = 8
_BOX_M = 0.6
_PRIOR_PX, _LEAST_PX = 512, 16
_MOST_STAGES, _MOST_STAGE_VIEWS = 8, 16


def views_of(settings: Settings, latents: bool, steps: int) -> dict[str, Any]:
    """``method.views``.

    Args:
        settings: all of them.
        steps: of the whole run.
        latents: whether renders are latents themselves, as in SJC.
    """
    _framing(settings)
    low, high = _pair(settings, "data.elevation_range", (-10.0, 90.0))
    settings.say(
        "data.elevation_range",
        "degrees, as method.views.min_elevation_deg and "
        "max_elevation_deg; the embedded prior knows -10 to 35",
    )
    asked = int(_last(settings, "data.batch_size", 1))
    taken = max(1, min(asked, _MOST_VIEWS))
    said = "method.views.num_views, evenly round the object at a random turn"
    if asked > _MOST_VIEWS:
        said += f"; at most {_MOST_VIEWS} here"
    settings.say("data.batch_size", _said_of_last(settings, "data.batch_size", said))
    for side in ("width", "height"):
        if settings.has(f"data.{side}"):
            meaning = (
                "of rendered latents; here 64, those of pictures of 512 pixels"
                if latents
                else "pixels, enlarged to 512 before they are encoded, as method.views.stages; "
                "sides that are no multiple of 8 are rendered at 512 here"
            )
            settings.say(f"data.{side}", meaning)
    if settings.has("data.resolution_milestones"):
        settings.say("data.resolution_milestones", "method.views.stages, as shares of the steps")
    stages = [] if latents else _stages(settings, steps, taken)
    for key, meaning in {
        "data.camera_perturb": "no counterpart: cameras stay on their sphere",
        "data.center_perturb": "no counterpart: cameras look at the origin",
        "data.up_perturb": "no counterpart: cameras stand upright",
        "data.azimuth_range": "all round, here always",
        "data.batch_uniform_azimuth": "evenly round the object, here always",
    }.items():
        if settings.has(key):
            settings.say(key, meaning)
    return {
        "num_views": taken,
        "size_px": _PRIOR_PX,
        "min_elevation_deg": max(low, -90.0),
        "max_elevation_deg": min(high, 90.0),
        **({"stages": stages} if stages else {}),
    }


def _stages(settings: Settings, steps: int, last_views: int) -> list[dict[str, Any]]:
    """``method.views.stages``: sizes and numbers of views up to each milestone."""
    sides, counts = _every(settings, "data.height", 64), _every(settings, "data.batch_size", 1)
    ends = _every(settings, "data.resolution_milestones", steps)
    ends = [*sorted({end for end in ends if 0 < end < steps})[: _MOST_STAGES - 1], float(steps)]
    stages: list[dict[str, Any]] = []
    for index, end in enumerate(ends):
        side = int(sides[min(index, len(sides) - 1)])
        views = max(1, min(int(counts[min(index, len(counts) - 1)]), _MOST_STAGE_VIEWS))
        stage: dict[str, Any] = {"until": end / steps}
        if _LEAST_PX <= side < _PRIOR_PX and side % 8 == 0:
            stage["render_px"] = side
        if views != last_views and index < len(ends) - 1:
            stage["num_views"] = views
        stages.append(stage)
    if len(stages[-1]) == 1:
        stages.pop()  # the keys of `views` say the same
    return stages


def _every(settings: Settings, key: str, default: float | int) -> list[float]:
    """The values of a list of stages, or the one value."""
    value = settings.get(key, default)
    numbers = [as_number(one) for one in (value if isinstance(value, list) else [value])]
    known = [number for number in numbers if number is not None]
    if not known or len(known) != len(numbers):
        raise InputError(f"{key} is {value!r}; a number, or a list of them, is needed")
    return known


def _framing(settings: Settings) -> None:
    """How large the scene is in the picture, there and here."""
    near, far = _pair(settings, "data.camera_distance_range", (1.0, 1.5))
    narrow, wide = _pair(settings, "data.fovy_range", (40.0, 70.0))
    radius = settings.positive("system.geometry.radius", 1.0)
    shown = [
        distance * math.tan(math.radians(fovy / 2)) / radius
        for distance, fovy in ((near, narrow), (far, wide))
    ]
    settings.say(
        "data.camera_distance_range",
        f"half a picture is {shown[0]:.2f} to {shown[1]:.2f} of the scene's half box "
        f"there; here always {HALF_EXTENT_M / _BOX_M:.2f}",
    )
    settings.say(
        "data.fovy_range",
        f"degrees from the lower to the upper edge; here {FOVY_DEG:g} "
        f"from {DISTANCE_M:.2f} m, as the embedded prior knows it",
    )
    settings.say("system.geometry.radius", f"half the scene's box; {_BOX_M:g} m here")


def _pair(settings: Settings, key: str, default: tuple[float, float]) -> tuple[float, float]:
    value = settings.get(key, list(default))
    numbers = [as_number(part) for part in value] if isinstance(value, list) else []
    if len(numbers) != 2 or numbers[0] is None or numbers[1] is None:
        raise InputError(f"{key} is {value!r}; a lower and an upper number are needed")
    return numbers[0], numbers[1]


def _last(settings: Settings, key: str, default: float | int) -> float:
    """The last of a list of stages, or the one value."""
    value = settings.get(key, default)
    number = as_number(value[-1] if isinstance(value, list) and value else value)
    if number is None:
        raise InputError(f"{key} is {value!r}; a number is needed to say what it means here")
    return number


def _said_of_last(settings: Settings, key: str, meaning: str) -> str:
    several = isinstance(settings.values.get(key), list)
    return f"{meaning}; of its stages the last" if several else meaning
