"""What changes weights, and what is measured of it."""
