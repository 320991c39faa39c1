"""State worth sharing is in the URL: kinds of parameters, and those that every page has."""
