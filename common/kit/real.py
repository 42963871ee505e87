"""A length, angle or share in a signature."""

Real = float | int
"""Whole numbers are welcome; spelled out because run-time type checks do not widen int to float."""
