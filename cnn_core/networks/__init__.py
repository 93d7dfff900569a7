"""Every network, nothing trained: what it is, what it costs, what it says of a picture."""
