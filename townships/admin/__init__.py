"""The console's pages for units, people and systems."""

from townships.admin import granting, receivers, units

__all__ = ["granting", "receivers", "units"]
