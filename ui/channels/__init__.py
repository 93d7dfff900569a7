"""The views of the page on channels, stride and receptive field."""
