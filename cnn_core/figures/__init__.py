"""Data to Plotly figures: pure functions, one module a page."""
