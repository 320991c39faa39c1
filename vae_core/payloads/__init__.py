"""A trained run as the bytes that a component in the browser reads."""
