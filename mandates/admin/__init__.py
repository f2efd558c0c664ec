"""The console's pages for lists, limits and, to read, the work on calls."""

from mandates.admin import limits, lists, schemes, work

__all__ = ["limits", "lists", "schemes", "work"]
