"""All categories of the kit, in a fixed order."""

from common.errors import InputError
from common.kit import (
    animal_heads,
    animals,
    buildings,
    cars,
    celebration,
    clothing,
    craft,
    fruit,
    furniture,
    household,
    kitchen,
    meals,
    more_heads,
    music,
    plants,
    small_animals,
    sweets,
    tools,
    toys,
    vegetables,
)
from common.kit.category import Category

CATEGORIES: tuple[Category, ...] = (
    *kitchen.CATEGORIES,
    *furniture.CATEGORIES,
    *household.CATEGORIES,
    *cars.CATEGORIES,
    *craft.CATEGORIES,
    *buildings.CATEGORIES,
    *plants.CATEGORIES,
    *fruit.CATEGORIES,
    *vegetables.CATEGORIES,
    *sweets.CATEGORIES,
    *meals.CATEGORIES,
    *clothing.CATEGORIES,
    *tools.CATEGORIES,
    *celebration.CATEGORIES,
    *music.CATEGORIES,
    *animal_heads.CATEGORIES,
    *more_heads.CATEGORIES,
    *animals.CATEGORIES,
    *small_animals.CATEGORIES,
    *toys.CATEGORIES,
)

_BY_NAME = {category.name: category for category in CATEGORIES}


def category_named(name: str) -> Category:
    """The category with this English noun.

    Raises:
        InputError: there is none; the message names the nearest ones.
    """
    if name in _BY_NAME:
        return _BY_NAME[name]
    import difflib

    near = difflib.get_close_matches(name, _BY_NAME, n=3, cutoff=0.3) or sorted(_BY_NAME)[:5]
    raise InputError(f"the kit has no '{name}'; did you mean {', '.join(near)}?")
