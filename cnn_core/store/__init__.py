"""All that outlives a visit: runs, pictures, networks, cached features."""
