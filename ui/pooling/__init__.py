"""The views of the page on pooling."""
