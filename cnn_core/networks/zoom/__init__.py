"""Walking into a network on a picture: from the whole to one product of one window."""
