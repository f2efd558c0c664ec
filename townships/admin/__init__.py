"""The console's pages for units, people, grants of posts, other systems and their receivers."""

from townships.admin import granting, people, receivers, systems, units

__all__ = ["granting", "people", "receivers", "systems", "units"]
