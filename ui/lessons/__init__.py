"""What single lessons show: one module a page."""
