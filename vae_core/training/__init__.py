"""Training: from a specification and images to a run. Importing this package does not import torch."""
