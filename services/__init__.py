"""What residents come for: the window, its items and requests."""
