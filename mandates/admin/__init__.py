"""The console's pages for lists, limits and, to read, the work on calls."""

from mandates.admin import admissions, dashboard, limits, lists, powers, schemes, work

__all__ = ["admissions", "dashboard", "limits", "lists", "powers", "schemes", "work"]
