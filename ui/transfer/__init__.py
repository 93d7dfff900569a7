"""The page that teaches a network the reader's own classes."""
