"""The transfer laboratory: what to freeze, how many pictures, which recipe, what goes wrong; each with error bars."""
