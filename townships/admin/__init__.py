"""The console's pages for units, people and systems."""

from townships.admin import receivers, units

__all__ = ["receivers", "units"]
