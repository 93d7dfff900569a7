"""Receipts: every published figure that the app shows or reproduces, its source, and whether it comes out here.

`records` says what a receipt is; `networks`, `lessons` and `today` hold them; `computing` computes ours and `check`
compares.
No Keras until something is computed.
"""
