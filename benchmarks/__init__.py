"""Measured claims; each is a function that prints its rows. `python -m benchmarks` runs them all."""
