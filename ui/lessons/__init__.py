"""Lessons that a teacher makes: lists of views, and classes."""
