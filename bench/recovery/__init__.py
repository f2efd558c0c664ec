"""Losing a database server on purpose, and counting what comes back. docs/recovery.md tells it."""
