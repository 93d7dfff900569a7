"""A walk into a network: from the whole to one product, on the reader's picture."""
