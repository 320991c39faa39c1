"""The mathematics: from Bayes' rule to the loss of a VAE, each step with its formula and an experiment."""

from __future__ import annotations

import streamlit as st

from ui.chapters import links
from ui.chapters.beta import CHAPTER as BETA
from ui.chapters.inside import CHAPTER as INSIDE
from ui.chapters.mathematics import CHAPTER
from ui.chapters.mathematics.drawings import graphical_model, layers_of, network
from ui.chapters.mathematics.experiments import PREDICTED_CORRELATION, STORY, how_wide, part, where_q_settles
from ui.chapters.mathematics.grey import grey_table, grey_text
from ui.chapters.mathematics.importance import (
    DIMENSIONS,
    HELD_OUT,
    bound_curve,
    bound_note,
    bound_pictures,
    bound_sentence,
    gap_sentence,
    gap_table,
    run_key,
)
from ui.chapters.mathematics.linear import (
    LINEAR_VARIANCES,
    linear_figure,
    linear_key,
    linear_note,
    linear_pictures,
    linear_sentence,
)
from ui.chapters.mathematics.one_dial import VARIANCES, equivalent, pair_figure, pair_note, pair_pictures
from ui.chapters.mathematics.over_digits import over_digits_sentence
from ui.chapters.mathematics.samples_per_step import (
    SAMPLES,
    loss_curves,
    one_in_numbers,
    sample_table,
    what_samples_change,
)
from ui.components.descent import experiment
from ui.figures.markup import fold, folded, small_print
from ui.figures.messages import errors_said
from ui.figures.plots import show
from ui.links import url_state
from ui.runs.resources import load_run
from ui.stage import chapter

LINK = links.properties(CHAPTER.url)
COVERED = 420  # pixels: about the height of an experiment


def in_link(question: str, *names: str) -> bool:
    """Whether the link shows an experiment as somebody left it, and does not begin with the question before it."""
    linked = links.arrive(CHAPTER.url)
    return linked.get("ask") != question and any(name in linked for name in names)


@st.fragment
@errors_said()
def closest_gaussian() -> None:
    """Step 2: q goes down to the posterior, once it was predicted where it settles."""
    step = chapter.step(
        "closest",
        "2. The closest Gaussian",
        "The posterior is out of reach, so we take the closest member of a simple family: this is "
        "[[variational inference]]. The family here is the Gaussians, $q(z|x) = \\mathcal{N}(\\mu, \\sigma^2)$: the "
        "[[approximate posterior]]. Its distance to the posterior, the KL, contains the unknown posterior. But:"
        "\n\n$$\n"
        r"\begin{aligned} \log p(x) &= \mathrm{ELBO} + \mathrm{KL}\big(q\,\Vert\,p(z|x)\big) \\ "
        r"\mathrm{ELBO} &= \mathbb{E}_q[\log p(x|z)] - \mathrm{KL}\big(q\,\Vert\,p(z)\big) \end{aligned}"
        "\n$$\n\n"
        "The left side does not depend on $q$. So whatever raises the [[ELBO]] lowers the KL to the posterior by as "
        "much, and the ELBO needs no posterior. A VAE's loss is the negative ELBO.\n\n"
        "We cannot differentiate through random sampling. Write $z = \\mu + \\sigma\\varepsilon$ with $\\varepsilon "
        "\\sim \\mathcal{N}(0, 1)$ (the [[reparameterisation trick]]): the randomness is in $\\varepsilon$, and $z$ is "
        "differentiable in $\\mu$ and $\\sigma$. Play the descent, or drag q to a start. A VAE's [[encoder]] outputs "
        "$\\mu$ and $\\sigma$ at once.",
        words_first=True,
    )
    question = chapter.Prediction(
        "humps",
        f"with the folded f, x = {STORY['x']:g} and c = {STORY['c']:g} the posterior has two modes, and q is a single "
        "Gaussian. Where will q settle?",
        ("Between the modes", "On one of the modes", "Over both, as wide as the posterior"),
        where_q_settles,
    )
    with step.words:
        answered = chapter.ask(question)
    with step.instrument:
        if answered or in_link("humps", "start", "spread", "rate", "step"):
            experiment(part("descent"), key="mathematics-descent")
        else:
            chapter.covered(COVERED)


@st.fragment
@errors_said()
def diagonal_covariance() -> None:
    """Step 3: what a posterior with correlations costs a q without them."""
    step = chapter.step(
        "diagonal",
        "3. What a diagonal covariance costs",
        "An encoder outputs one $\\sigma_i$ for each [[latent dimension]] and no correlations ([[mean-field]]). But a "
        "posterior often has them: if one number of the code goes up, another must go down to explain the same image. "
        "How good can $q$ be without? For a Gaussian posterior $p$ with two unit variances and a correlation $\\rho$, "
        "the best variances and the KL left are\n\n$$\n"
        r"\begin{aligned} \sigma_i^2 &= 1 - \rho^2 \\ "
        r"\min_q \mathrm{KL}(q\,\Vert\,p) &= -\tfrac12 \log(1 - \rho^2) \end{aligned}"
        "\n$$\n\n"
        "For any covariance $\\Sigma$ the best diagonal $q$ has the variances $1 / (\\Sigma^{-1})_{ii}$. Change the "
        "width of q by hand, then press **Best width** and turn up the correlation.",
        words_first=True,
    )
    question = chapter.Prediction(
        "diagonal",
        f"at ρ = {PREDICTED_CORRELATION:g}, how wide is the best diagonal q, compared with p in each dimension?",
        ("Wider", "Just as wide", "Narrower"),
        how_wide,
    )
    with step.words:
        answered = chapter.ask(question)
    with step.instrument:
        if answered or in_link("diagonal", "rho", "width", "best"):
            experiment(part("diagonal"), key="mathematics-diagonal")
        else:
            chapter.covered(COVERED)


@st.fragment
@errors_said()
def tighter_bound() -> None:
    """Step 5: the bound of one digit against the number of samples; another digit or model reruns this part alone."""
    step = chapter.step(
        "bound",
        "5. How far is the ELBO from log p(x)?",
        "So far the exact answer was known. For a trained VAE $\\log p(x)$, the log [[evidence]], is out of reach. "
        "How much does the ELBO leave out? [[importance weighting|Importance weighting]] gives a better bound: "
        "sample $k$ codes, weigh each by how well it explains the image, and average *before* the logarithm:\n\n$$\n"
        r"\begin{aligned} \mathcal{L}_k &= \mathbb{E}\Big[\log \frac1k \sum_{j=1}^k "
        r"\frac{p(x|z_j)\,p(z_j)}{q(z_j|x)}\Big] \\ "
        r"\mathrm{ELBO} &= \mathcal{L}_1 \le \mathcal{L}_2 \le \dots \le \log p(x) \end{aligned}"
        "\n$$",
    )
    with step.words, st.container(horizontal=True):
        d = url_state.choose(LINK["d"], "Latent dimensions, d", DIMENSIONS, 2, key="mathematics-d")
        place = "mathematics-digit"
        url_state.begin(LINK["digit"], 0, key=place)
        digit = int(st.number_input(f"Held-out digit, 0 to {HELD_OUT - 1:,}", 0, HELD_OUT - 1, key=place, width=220))
        url_state.keep(LINK["digit"], digit, 0)
    with step.instrument, errors_said():
        key, place = run_key(d), "mathematics-refine"
        with step.words:
            chapter.prose(bound_sentence(key, digit))
            chapter.prose(
                "Whose is the gap? The encoder may miss the best Gaussian for this image, and the best Gaussian may be "
                "far from the posterior. Forget the encoder, and fit μ and σ to this one image:"
            )
            url_state.begin(LINK["refine"], False, key=place)
            refine = st.toggle("Refine q for this image", key=place)
            url_state.keep(LINK["refine"], refine, False)
            if refine:
                chapter.prose(f"{gap_sentence(key, digit)}\n\n{over_digits_sentence(key)}")
            st.html(folded("How this was measured", small_print(bound_note(key, digit, refine))))
        show(bound_curve(key, digit, refine), key="mathematics-bound")
        st.html(gap_table(key, digit, refine))
        st.html(bound_pictures(key, digit, refine))
    with step.words, errors_said():
        chapter.prose(fold("And grey pixels?", f"{grey_text()}\n\n{grey_table()}"))


@st.fragment
@errors_said()
def samples_per_step() -> None:
    """Step 6: training with several samples of z per image and step."""
    step = chapter.step(
        "samples",
        "6. Is one sample per step enough?",
        "The ELBO's first term is an average over codes. Training does not compute it, but estimates it by "
        "[[Monte Carlo]] from $L$ samples of $z$ for each image, in most programs from $L = 1$:\n\n$$\n"
        r"\mathbb{E}_q[\log p(x|z)] \approx \frac1L \sum_{l=1}^L \log p(x|z_l), \quad z_l \sim q"
        "\n$$\n\n"
        "The gradient from one sample is noisy, but right on average, and each step averages it over a batch of images "
        "as well. More samples make a step less noisy, and slower.",
    )
    with step.instrument, errors_said():
        chosen = url_state.choose(LINK["per-step"], "Samples per image and step, L", SAMPLES, 50, key="mathematics-L")
        show(loss_curves(chosen), key="mathematics-samples")
        chapter.prose(one_in_numbers(chosen))
        table = sample_table()
        with step.words:
            chapter.prose(what_samples_change())
            st.html(folded("All numbers", table))


@st.fragment
@errors_said()
def one_dial() -> None:
    """Step 7: the variance c, and the β that does the same."""
    step = chapter.step(
        "dial",
        "7. c and β are one dial",
        "One number of the model is still there: the variance $c$ of the noise in step 1. With $p(x|z) = "
        "\\mathcal{N}(f(z), c\\,I)$ the reconstruction term is a squared error divided by $2c$. For the loss "
        "$\\mathcal{L}$ of a [[β-VAE]] this means\n\n$$\n"
        r"2c\,\mathcal{L} = \lVert x - f(z) \rVert^2 + 2\,c\beta\,\mathrm{KL} + \text{constant}"
        "\n$$\n\n"
        "A factor in front of the loss hardly changes what the optimiser Adam does. So only the product $c\\beta$ "
        "matters: a large $c$ says that pixels are noisy, and gives the KL more weight, as a large β does.",
    )
    with step.instrument, errors_said():
        c = url_state.choose(LINK["trained-c"], "Variance c", VARIANCES, VARIANCES[-1], key="mathematics-c")
        show(pair_figure(c), key="mathematics-dial")
        st.html(pair_pictures(c))
        with step.words:
            chapter.prose(equivalent(c))
            st.html(folded("How this was measured", small_print(pair_note())))
    with step.words, st.container(horizontal=True):
        for other, label in ((BETA, "More on c and β: the β dial"), (INSIDE, "More on μ + σε: inside the VAE")):
            st.page_link(other.file, label=label, icon=":material/arrow_forward:")


@st.fragment
@errors_said()
def linear_vae() -> None:
    """Step 8: a linear decoder, whose optimum is known."""
    step = chapter.step(
        "linear",
        "8. The linear VAE: everything is known",
        "For one kind of VAE all of this has a closed form. Let the decoder be linear, $f(z) = Wz + b$. Then $p(x) = "
        "\\mathcal{N}(b, WW^\\top + c\\,I)$: this is [[probabilistic PCA]]. Let $\\lambda_i$ be the eigenvalues of the "
        "images' covariance. The best $W$ has the eigenvectors as columns, and\n\n$$\n"
        r"\begin{aligned} \lVert w_i \rVert^2 &= \max(\lambda_i - c,\, 0) \\ "
        r"\mathrm{KL}_i &= \tfrac12 \log \frac{\max(\lambda_i, c)}{c} \end{aligned}"
        "\n$$\n\n"
        "The KL is its mean over images. Where they vary less than the noise, $\\lambda_i \\le c$, the best column "
        "is 0 and the dimension collapses: [[posterior collapse]] is then no failure of training, but the optimum. "
        "These columns are at right angles, so the posterior is diagonal, and step 3 costs nothing. A linear encoder "
        "gives it for every image, so nothing is lost to amortisation. At the optimum the ELBO **is** $\\log p(x)$.",
    )
    with step.instrument, errors_said():
        c = url_state.choose(LINK["linear-c"], "Variance c", LINEAR_VARIANCES, LINEAR_VARIANCES[1], key="linear-c")
        key = linear_key(c)
        show(linear_figure(key), key="mathematics-linear")
        st.html(linear_pictures(key))
        with step.words:
            chapter.prose(linear_sentence(key))
            st.html(folded("How this was measured", small_print(linear_note())))


first = chapter.opening(
    CHAPTER,
    "A VAE's loss has two terms, [[reconstruction]] and [[KL]]. Both follow from one assumption about where images "
    "come from. Eight steps show how; in the first four and in the last the exact answer is known.",
)
with first.words:
    chapter.prose(
        "## 1. Where images come from\n\n"
        "Assume that every image was made in two moves. First a [[latent]] code $z$ is sampled from the [[prior]], "
        "$p(z) = \\mathcal{N}(0, I)$. Then the [[decoder]] $f$ turns $z$ into an image, with noise of variance $c$. "
        "That is the [[likelihood]], $p(x|z) = \\mathcal{N}(f(z), c\\,I)$."
    )
    chapter.prose(fold("The same as a graph", graphical_model()))
    chapter.prose(
        "We only see $x$. Which $z$ could have made it? Bayes' rule gives the [[posterior]]:\n\n$$\n"
        r"p(z|x) = \frac{p(x|z)\,p(z)}{p(x)}"
        "\n$$\n\n"
        "The problem is $p(x) = \\int p(x|z)\\,p(z)\\,dz$. With one number $z$ this integral is a sum over a grid, so "
        "here the posterior is exact. With 16 numbers, a grid of 100 places each has $10^{32}$ points, too many to add "
        "up.\n\n"
        "Try the decoders. A linear $f$ keeps the posterior Gaussian, an exponential one makes it skewed. The folded "
        "one sends two places of $z$ to the same $x$, so the posterior has two peaks, its **modes**."
    )
with first.instrument:
    experiment(part("posterior"), key="mathematics-posterior")

closest_gaussian()
diagonal_covariance()

closed = chapter.step(
    "closed-form",
    "4. The KL term needs no sampling",
    "The ELBO's second term, the KL from q to the prior, is often called the *regularisation term*: it keeps q near "
    "the prior. One could estimate it: sample $z$ from $q$ and average $\\log q(z) / p(z)$. But for two Gaussians "
    "there is a closed form, here for one dimension:\n\n$$\n"
    r"\begin{aligned} \mathrm{KL} &= \tfrac12\big(\mu^2 + \sigma^2 - 1 - \log \sigma^2\big) \\ "
    r"&\approx \frac1n \sum_{j=1}^n \log\frac{q(z_j)}{p(z_j)}, \quad z_j \sim q \end{aligned}"
    "\n$$\n\n"
    "All dimensions are added up. The experiment makes 20 estimates from $n$ samples each, with 95% intervals: about "
    "one in twenty misses the exact value, and more with few samples, because the averaged ratio is skewed. Their "
    "error shrinks as $1/\\sqrt n$; the formula makes none.",
)
with closed.words, errors_said():
    layers = layers_of(load_run(run_key(DIMENSIONS[0])))
    halves = (
        "In a VAE the encoder's two halves, $g$ and $h$, output $\\mu$ and $\\log \\sigma^2$. They share all layers "
        f"but the last. The VAE of step 5 has {layers.total:,} parameters:\n\n{network(layers)}"
    )
    chapter.prose(fold("The encoder's two halves, layer by layer", halves))
with closed.instrument:
    experiment(part("estimate"), key="mathematics-estimate")

tighter_bound()
samples_per_step()
one_dial()
linear_vae()

chapter.foot(
    CHAPTER,
    code=(
        ("lessons/exact_posterior.py", "bound"),
        ("lessons/exact_posterior.py", "descend"),
        ("lessons/mean_field.py", "best_diagonal"),
        ("losses/gaussian.py", "kl_to_standard_normal"),
        ("evaluation/importance.py", "bounds_by_k"),
        ("lessons/amortisation.py", "refined"),
        ("lessons/linear_vae.py", "best_log_likelihood"),
    ),
    sources=(
        chapter.Source("Kingma and Welling 2014, Auto-Encoding Variational Bayes", "https://arxiv.org/abs/1312.6114"),
        chapter.Source("Rezende et al. 2014, Stochastic backpropagation", "https://arxiv.org/abs/1401.4082"),
        chapter.Source("Burda et al. 2016, Importance weighted autoencoders", "https://arxiv.org/abs/1509.00519"),
        chapter.Source("Cremer et al. 2018, Inference suboptimality in variational autoencoders", "https://arxiv.org/abs/1801.03558"),
        chapter.Source("Loaiza-Ganem and Cunningham 2019, The continuous Bernoulli: fixing a pervasive error in VAEs", "https://arxiv.org/abs/1907.06845"),
        chapter.Source("Lucas et al. 2019, Don't blame the ELBO! A linear VAE perspective on posterior collapse", "https://arxiv.org/abs/1911.02469"),
        chapter.Source("Tipping and Bishop 1999, Probabilistic principal component analysis", "https://doi.org/10.1111/1467-9868.00196"),
        chapter.Source("Blei et al. 2017, Variational inference: a review for statisticians", "https://arxiv.org/abs/1601.00670"),
        chapter.Source("Bishop 2006, Pattern Recognition and Machine Learning, chapter 10", "https://www.microsoft.com/en-us/research/people/cmbishop/prml-book/"),
    ),
)  # fmt: skip
