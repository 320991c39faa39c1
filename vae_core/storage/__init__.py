"""Trained runs as files: the archive of each, the store that holds them, the shipped ones, eviction and export."""
