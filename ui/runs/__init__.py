"""The store as pages see it: which run a chapter means, and what is made of runs for everybody."""
