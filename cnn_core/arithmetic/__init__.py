"""Numbers: what the operations compute and how they fit together. NumPy at most, never Keras."""
