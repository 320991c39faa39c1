"""What runs in the browser: one folder for each component, and engine/, which they share."""
