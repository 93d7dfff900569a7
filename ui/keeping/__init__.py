"""What this server keeps."""
