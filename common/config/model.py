"""The base of every config class, and unions of variants chosen by ``name``.

Config classes live in the module of the method they configure. They are strict (no coercion),
frozen, refuse unknown keys, and document each field by the string under it, which is also what
``run.py explain`` prints. Reading YAML into them is the work of ``common.config.load``.
"""

from typing import Annotated, Any, Union, get_args

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema


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


class _ByName:
    """See ``BY_NAME``."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        by_name = variants_by_name(*(get_args(source) or (source,)))
        default = next(iter(by_name))

        def tag(value: Any) -> str | None:
            if isinstance(value, dict):
                return str(value.get("name", default))
            return getattr(value, "name", None)

        # A tag function rather than a validator that fills the name in: after one, strict mode
        # would take the block for Python data and refuse lists for tuples.
        choices = {name: handler.generate_schema(cls) for name, cls in by_name.items()}
        return core_schema.tagged_union_schema(choices, tag)


BY_NAME = _ByName()
"""Marks a union of config classes as told apart by their ``name`` literals.

Use it as ``Sampler = Annotated[DDIM | Euler, BY_NAME]`` and ``sampler: Sampler = DDIM()``. A block
without ``name`` is read as the first class.
"""


def one_of(*classes: type[Config]) -> Any:
    """A union of config classes told apart by ``name``; see ``BY_NAME``."""
    union = Union[classes] if len(classes) > 1 else classes[0]  # noqa: UP007
    return Annotated[union, BY_NAME]
