"""Untrusted bytes in, labelled pictures out."""
