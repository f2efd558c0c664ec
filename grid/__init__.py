"""What happens on the ground: grids, workers, events. Raises calls through mandates."""
