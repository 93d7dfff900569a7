"""Components of our own: a folder each, script and style beside the Python that calls them."""
