"""Who: divisions, departments, platforms, people and their posts."""
