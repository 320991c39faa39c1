"""Trained runs as files: the store, the manifest of shipped runs, eviction and export."""
