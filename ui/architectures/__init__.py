"""The views of the page on architectures."""
