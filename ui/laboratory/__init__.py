"""The views of the laboratory: studies of transfer on the reader's own pictures."""
