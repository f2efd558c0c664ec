"""Proofs and measurements with real processes: what happens when parts fail, and how fast it is."""
