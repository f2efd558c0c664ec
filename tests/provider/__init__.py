"""A provider of OpenID Connect to sign in with: OAuth Toolkit in a process of its own, on SQLite."""
