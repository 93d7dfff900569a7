"""Stacks of layers on paper: their table, their text, their export."""
