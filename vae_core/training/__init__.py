"""Training: from a specification and images to a run. Light to import: what needs torch is in its modules."""
