"""What a model is trained on: likelihoods of pixels, divergences between distributions, and how the terms add up.

One convention everywhere: summed over pixels and latent dimensions, **one value per image, in nats**. Means over
images are taken by the caller, so a loss never depends on the batch size.
"""
