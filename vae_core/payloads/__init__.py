"""Trained runs as bytes for the components in the browser."""
