"""Typed settings from YAML: see ``model`` for the classes and ``load`` for reading them."""

from common.config.model import BY_NAME, Config, one_of

__all__ = ["BY_NAME", "Config", "one_of"]
