"""What a learner writes in the exercises of docs/vae_in_40_lines.ipynb: cell's id -> code."""

SOLUTIONS = {
    "kl": """
def kl(mean, log_var):  # (N, d) each -> nats per image, (N,)
    return 0.5 * (mean**2 + log_var.exp() - 1 - log_var).sum(dim=1)
""",
    "sample": """
def sample(mean, log_var):  # (N, d) each -> z, (N, d)
    return mean + (0.5 * log_var).exp() * torch.randn_like(mean)
""",
    "reconstruction": """
def reconstruction(logits, x):  # (N, 64) each -> nats per image, (N,)
    return functional.binary_cross_entropy_with_logits(logits, x, reduction="none").sum(dim=1)
""",
    "elbo": """
def negative_elbo(model, x):  # x (N, 64) -> nats per image, (N,)
    mean, log_var = model.encode(x)
    return reconstruction(model.decode(sample(mean, log_var)), x) + kl(mean, log_var)
""",
    "posterior": """
def draws(model, x, count):  # x (1, 64) -> expected pixels of `count` draws, (count, 64)
    return torch.sigmoid(model.decode(sample(*model.encode(x.expand(count, -1)))))
""",
    "walk": """
def walk(start, end, count):  # (d,) each -> (count, d)
    return start + torch.linspace(0, 1, count)[:, None] * (end - start)
""",
}
