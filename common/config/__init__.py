"""Typed settings from YAML: see ``model`` for the classes and ``load`` for reading them."""

from common.config.model import Config, one_of

__all__ = ["Config", "one_of"]
