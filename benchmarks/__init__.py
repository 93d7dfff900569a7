"""Measured claims; each module is a command that prints its rows, peers beside. `make bench` runs them all."""
