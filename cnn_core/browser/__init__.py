"""What runs in a browser: scripts that the app's components and the page that is taken away share, and their runtime."""
