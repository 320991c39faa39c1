"""How numbers, curves and pictures look on every page."""
