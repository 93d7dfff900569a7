"""The scripts of a download, readable and runnable where they lie; `documents` writes a run's facts into them.

Beside them go the modules that they share with the app: `pictures.images` and what it imports, so that a picture is
read in the one way that the page reads it, and `engine.quiet`. Only their imports of each other are written anew.
"""
