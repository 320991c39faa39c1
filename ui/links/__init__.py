"""State worth sharing is in the URL: kinds of parameters, and what every page has of them."""
