"""The science behind VAE Playground: data, models, losses, training, metrics and the checkpoint store.

Nothing in this package knows about Streamlit. A tour, in the order of a training run::

    spec = RunSpec(dataset="digits", model="vae", latent_dim=2, beta=1.0, epochs=3)
    run = get_or_train(Store("checkpoints"), spec)
    run.model.decode(z)
"""

__version__ = "0.1.0"
