"""The base of every config class, and unions of variants chosen by ``name``.

Config classes live in the module of the method they configure. They are strict (no coercion),
frozen, refuse unknown keys, and document each field by the string under it, which is also what
``run.py explain`` prints. Reading YAML into them is the work of ``common.config.load``.
"""

from typing import Annotated, Any, Union, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


class Config(BaseModel):
    """Strict, frozen, documented settings. Subclasses only declare fields and cross-field checks.

    A nested block that has a ``name`` is a variant of a union; its ``name`` says which.
    """

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        use_attribute_docstrings=True,
        allow_inf_nan=False,
    )


def variants_by_name(*classes: type[Config]) -> dict[str, type[Config]]:
    """Map each variant's ``name`` (its single ``Literal`` value) to its class."""
    return {get_args(cls.model_fields["name"].annotation)[0]: cls for cls in classes}


def one_of(*classes: type[Config]) -> Any:
    """A union type of config classes that is discriminated by their ``name`` literal.

    The first class is the default: a block without ``name`` is read as that variant. Use it as
    ``Sampler = one_of(DDIM, Euler)`` and ``sampler: Sampler = DDIM()``.
    """
    default = next(iter(variants_by_name(*classes)))

    def fill_name(value: Any) -> Any:
        if isinstance(value, dict) and "name" not in value:
            return {"name": default, **value}
        return value

    if len(classes) == 1:
        return Annotated[classes[0], BeforeValidator(fill_name)]
    return Annotated[
        Union[classes],  # noqa: UP007 - built from a tuple
        Field(discriminator="name"),
        BeforeValidator(fill_name),
    ]
