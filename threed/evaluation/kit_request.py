"""What a committed prompt asks of an asset."""

from common.errors import InputError
from common.evaluation.frame_prompts import AssetSetName, load_asset_set
from common.evaluation.prompt_sets import load_prompt_set
from common.judging.asked import Asked


def kit_request(prompt: str) -> Asked:
    """Which thing of the kit a prompt names, in which colour.

    Raises:
        InputError: no committed prompt about a thing of the kit.
    """
    requests = [one for name in ("objects", "pairs")
                for one in load_prompt_set(name, frozenset()).requests]  # fmt: skip
    known = {one.prompt: one.asked[0] for one in requests}
    of_the_kit: tuple[AssetSetName, ...] = ("held_out", "fronted")
    for of_kit in of_the_kit:
        known |= {one.caption: one for one in load_asset_set(of_kit)}
    if prompt not in known:
        raise InputError(
            f"'{prompt}' is none of the {len(known)} committed prompts about things of the kit, "
            f"such as '{next(iter(known))}'; others have no true shapes to be compared with"
        )
    return known[prompt]
