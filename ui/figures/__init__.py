"""Tables, curves, pictures and messages, in one style for all pages."""
