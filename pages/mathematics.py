"""The mathematics: from Bayes' rule to the loss of a VAE, each step with its formula and an experiment."""

from __future__ import annotations

import streamlit as st

from ui.chapters import links
from ui.chapters.beta import CHAPTER as BETA
from ui.chapters.beta.variance import same_dial
from ui.chapters.inside import CHAPTER as INSIDE
from ui.chapters.mathematics import CHAPTER
from ui.chapters.mathematics.experiments import PREDICTED_CORRELATION, how_wide, part, where_q_settles
from ui.chapters.mathematics.importance import DIMENSIONS, HELD_OUT, bound_curve, bound_figures, bounded, run_key
from ui.chapters.mathematics.samples_per_step import loss_curves, sample_figures
from ui.components.descent import experiment
from ui.figures.messages import errors_said
from ui.figures.plots import show
from ui.links import url_state
from ui.stage import chapter

LINK = links.properties(CHAPTER.url)


@st.fragment
@errors_said()
def tighter_bound() -> None:
    """The bound of one digit against the number of samples; another digit or model reruns this part alone."""
    with st.container(horizontal=True):
        d = url_state.choose(LINK["d"], "Latent dimensions, d", DIMENSIONS, 2, key="mathematics-d")
        place = "mathematics-digit"
        url_state.begin(LINK["digit"], 0, key=place)
        digit = int(st.number_input(f"Held-out digit, 0 to {HELD_OUT - 1:,}", 0, HELD_OUT - 1, key=place, width=220))
        url_state.keep(LINK["digit"], digit, 0)
    found = bounded(run_key(d), digit)
    show(bound_curve(found), key="mathematics-bound")
    st.html(bound_figures(found))


chapter.opening(
    CHAPTER,
    "Seven steps lead from a story about how data come about to the loss that is trained. Every step has an experiment "
    "that can be moved. The first four are small enough to know the exact answer and to hold the approximation "
    "against it.",
)

chapter.passage(
    "1. A story, and Bayes' rule backwards",
    "A latent variable is drawn first, then the data around what a decoder $f$ makes of it. Bayes' rule turns the "
    "story around:\n\n$$\n"
    r"\begin{aligned} p(z) &= \mathcal{N}(0, I) \\ p(x|z) &= \mathcal{N}\big(f(z),\, c\,I\big) \\ "
    r"p(z|x) &= \frac{p(x|z)\,p(z)}{p(x)} \\ p(x) &= \int p(x|z)\,p(z)\,dz \end{aligned}"
    "\n$$\n\n"
    "Given an $x$, where may its $z$ have been? With one number $z$ the integral can be done on a grid, so here the "
    "posterior is exact. With 16 dimensions a grid of 100 places each would have $10^{32}$ points: the posterior is "
    "intractable, and has to be approximated. A straight $f$ keeps it Gaussian; a bent one makes it skewed, a folded "
    "one gives it two humps.",
)
experiment(part("posterior"), key="mathematics-posterior")

chapter.passage(
    "2. The nearest Gaussian, by gradient descent",
    "Variational inference takes the best of a family that is easy to handle, here $q = \\mathcal{N}(\\mu, "
    "\\sigma^2)$. Its distance to the posterior contains the unknown $p(x)$, but only as a constant:\n\n$$\n"
    r"\begin{aligned} \log p(x) &= \mathrm{ELBO} + \mathrm{KL}\big(q\,\Vert\,p(z|x)\big) \\ "
    r"\mathrm{ELBO} &= \mathbb{E}_q[\log p(x|z)] - \mathrm{KL}\big(q\,\Vert\,p(z)\big) \end{aligned}"
    "\n$$\n\n"
    "So raising the ELBO, which needs no posterior, lowers the KL to the posterior. The gradient goes through the "
    "sample: with $z = \\mu + \\sigma\\varepsilon$ and $\\varepsilon \\sim \\mathcal{N}(0, 1)$ the expectation no "
    "longer depends on $\\mu$ and $\\sigma$, and the derivative moves inside it. Drag q to a start and let go. A VAE "
    "does the same for every image at once: its encoder gives $\\mu$ and $\\sigma$ without a descent for each.",
)
with errors_said():
    chapter.predict(
        chapter.Prediction(
            "humps",
            "the posterior has two humps and q is a single Gaussian; where will q settle?",
            ("Between the humps", "On one of the humps", "Over both, as wide as the posterior"),
            where_q_settles,
        )
    )
experiment(part("descent"), key="mathematics-descent")

chapter.passage(
    "3. What a diagonal covariance costs",
    "An encoder gives one $\\sigma_i$ for each latent dimension and no correlations. If the posterior $\\mathcal{N}(m, "
    "\\Sigma)$ has some, the best diagonal $q$ has the variances $1 / (\\Sigma^{-1})_{ii}$, and a gap stays. For two "
    "unit variances with a correlation $\\rho$:\n\n$$\n"
    r"\begin{aligned} \sigma_i^2 &= 1 - \rho^2 \\ "
    r"\min_q \mathrm{KL}(q\,\Vert\,p) &= -\tfrac12 \log(1 - \rho^2) \end{aligned}"
    "\n$$\n\n"
    "Widen and narrow q by hand, then take the best width and turn up the correlation.",
)
with errors_said():
    chapter.predict(
        chapter.Prediction(
            "diagonal",
            f"at ρ = {PREDICTED_CORRELATION:g}, how wide is the best diagonal q beside the margins of p?",
            ("Wider", "As wide", "Narrower"),
            how_wide,
        )
    )
experiment(part("diagonal"), key="mathematics-diagonal")

chapter.passage(
    "4. One term in closed form",
    "The KL to the prior need not be sampled. Between $\\mathcal{N}(\\mu, \\sigma^2)$ and $\\mathcal{N}(0, 1)$ it "
    "is\n\n$$\n"
    r"\begin{aligned} \mathrm{KL} &= \tfrac12\big(\mu^2 + \sigma^2 - 1 - \log \sigma^2\big) \\ "
    r"&\approx \frac1n \sum_{j=1}^n \log\frac{q(z_j)}{p(z_j)}, \quad z_j \sim q \end{aligned}"
    "\n$$\n\n"
    "added over the dimensions. The mean on the right is what one would do without the formula: it agrees, within an "
    "error bar that shrinks as $1/\\sqrt n$, and about one bar in twenty misses.",
)
experiment(part("estimate"), key="mathematics-estimate")

chapter.passage(
    "5. How far below log p(x)?",
    "On a real model the exact $\\log p(x)$ is out of reach, but the bound can be tightened: average the weights of "
    "$k$ samples before taking the logarithm.\n\n$$\n"
    r"\begin{aligned} \mathcal{L}_k &= \mathbb{E}\Big[\log \frac1k \sum_{j=1}^k "
    r"\frac{p(x|z_j)\,p(z_j)}{q(z_j|x)}\Big] \\ "
    r"\mathrm{ELBO} &= \mathcal{L}_1 \le \mathcal{L}_2 \le \dots \le \log p(x) \end{aligned}"
    "\n$$\n\n"
    "The model is a trained VAE (784-128-64-d). The digit's pixels are set to 0 or 1 first: on grey pixels the "
    "Bernoulli likelihood is no probability, and $\\log p(x)$ would have no meaning.",
)
tighter_bound()

chapter.passage(
    "6. One sample per step is enough",
    "The expectation over $z$ in the loss is estimated, and training usually takes $L = 1$ sample:\n\n$$\n"
    r"\mathbb{E}_q[\log p(x|z)] \approx \frac1L \sum_{l=1}^L \log p(x|z_l), \quad z_l \sim q"
    "\n$$\n\n"
    "The gradient of one sample is already right on average, and every step averages it over a batch of images; more "
    "samples make a step dearer and less noisy. Which of the two counts for more is seen in training.",
)
with errors_said():
    for column, (place, figure) in zip(st.columns(2, gap="large"), enumerate(loss_curves()), strict=True):
        with column:
            show(figure, key=f"mathematics-samples-{place}")
    st.html(sample_figures())

with errors_said():
    chapter.passage(
        "7. Where c enters",
        "With $p(x|z) = \\mathcal{N}(f(z), c\\,I)$ the reconstruction term is a squared error divided by $2c$, so $c$ "
        f"weighs the two terms of the loss, and moving it is moving β. {same_dial()[1]}",
    )
with st.container(horizontal=True):
    for other, label in ((BETA, "c beside β, on the β dial"), (INSIDE, "μ + σε, inside the VAE")):
        st.page_link(other.file, label=label, icon=":material/arrow_forward:")

chapter.foot(
    CHAPTER,
    code=(
        ("lessons/exact_posterior.py", "bound"),
        ("lessons/exact_posterior.py", "descend"),
        ("lessons/mean_field.py", "best_diagonal"),
        ("losses/gaussian.py", "kl_to_standard_normal"),
        ("evaluation/importance.py", "bounds_by_k"),
    ),
    sources=(
        chapter.Source("Kingma and Welling 2014, Auto-Encoding Variational Bayes", "https://arxiv.org/abs/1312.6114"),
        chapter.Source("Rezende et al. 2014, Stochastic backpropagation", "https://arxiv.org/abs/1401.4082"),
        chapter.Source("Burda et al. 2016, Importance weighted autoencoders", "https://arxiv.org/abs/1509.00519"),
        chapter.Source("Blei et al. 2017, Variational inference: a review for statisticians", "https://arxiv.org/abs/1601.00670"),
        chapter.Source("Bishop 2006, Pattern Recognition and Machine Learning, chapter 10", "https://www.microsoft.com/en-us/research/people/cmbishop/prml-book/"),
    ),
)  # fmt: skip
