"""Autoencoder or VAE: where one can draw from, what lies between the codes, and the numbers that tell."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from ui import chapter, url_state
from ui.canvas import latent_canvas, thumbnails
from ui.contest import film, pair_of_classes, sample_sheet, spread, tidy
from ui.messages import errors_said
from ui.navigation import require_app
from ui.palette import MODEL_COLOURS
from ui.pictures import tiles
from ui.plots import PLAIN, TEMPLATE
from ui.resources import held_out, image_set, load_run, plane, store, thumbnail_bytes
from ui.runs import compared_spec, figure, seeds_of
from ui.training import offer_training
from vae_core import datasets
from vae_core.checkpoints import Listed
from vae_core.errors import RunNotFound
from vae_core.features import classifier_spec
from vae_core.models import model_kind
from vae_core.sampling import SOURCES
from vae_core.spec import RunSpec

DIMENSIONS = (2, 8, 16, 32)
DATASETS = tuple(name for name, known in datasets.DATASETS.items() if known.pictures)
DEPTHS = {"128": (128,), "128-64": (128, 64), "128-64-64": (128, 64, 64), "512-256": (512, 256)}
SOURCE_TITLES = {"prior": "N(0, I)", "box": "A box around the codes", "mixture": "A mixture fitted afterwards"}
SHEET = 36
CONV_DIMENSIONS = 16

DATASET = url_state.one_of("dataset", DATASETS, "the images")
D = url_state.one_of("d", DIMENSIONS, "the number of latent dimensions")
DEPTH = url_state.one_of("depth", DEPTHS, "the hidden layers")
SOURCE = url_state.one_of("from", SOURCES, "where samples are drawn from")


def title_of(model: str) -> str:
    """Short name of a column."""
    return "VAE" if model_kind(model).has_kl else "Autoencoder"


def view_controls(specs: list[RunSpec]) -> tuple[tuple[int, int] | None, int]:
    """For d > 2: the principal plane, or two coordinates with the others fixed at one image's code."""
    d = specs[0].latent_dim
    if d == 2:
        return None, 0
    left, *rest = st.columns([3, 1, 1, 2], vertical_alignment="bottom")
    principal, chosen = "The principal plane of the codes", "Two coordinates"
    if left.segmented_control("View", (principal, chosen), default=principal, key="regularity-view") != chosen:
        return None, 0
    first = rest[0].number_input("Across", 1, d, 1, key=f"regularity-first-{d}")
    second = rest[1].number_input("Up", 1, d, 2, key=f"regularity-second-{d}")
    most = len(held_out(specs[0].dataset)) - 1
    at = rest[2].number_input("Others fixed at the code of held-out image", 0, most, 0, key="regularity-at")
    if first == second:
        st.warning("Two different coordinates span a plane; showing the principal plane.")
        return None, 0
    return (int(first) - 1, int(second) - 1), int(at)


def subtitle(key: str, pair: tuple[int, int] | None, at: int) -> str:
    """What the plane is, honestly, and how far the codes spread."""
    run = load_run(key)
    deviations = run.codes.mean.std(axis=0)
    spread_text = " and ".join(f"{value:.2f}" for value in deviations) if len(deviations) == 2 else (
        f"{deviations.min():.2f} to {deviations.max():.2f}"
    )  # fmt: skip
    where = ""
    if run.spec.latent_dim > 2:
        share = plane(key, pair, at).header["variance_share"]
        what = f"the plane of two coordinates, the others fixed at image {at}" if pair else "their principal plane"
        where = f" Seen in {what}: {share:.0%} of the variance."
    return f"{len(run.codes.labels):,} held-out images, standard deviations {spread_text}.{where}"


def planes(specs: list[RunSpec]) -> None:
    """Both planes, linked: one image lights up on both."""
    pair, at = view_controls(specs)
    for column, spec in zip(st.columns(2, gap="large"), specs, strict=True):
        with column, errors_said():
            run = load_run(spec.key)
            options = {"group": "regularity", "compact": True, "images": image_set(run)}
            shown = plane(spec.key, pair, at).with_header(
                title=model_kind(spec.model).title, subtitle=subtitle(spec.key, pair, at), options=options
            )
            latent_canvas(shown.to_bytes(), key=f"regularity-{spec.key}")


@st.fragment
def sampling_contest(specs: list[RunSpec]) -> None:
    """A sheet of samples from each model, each judged."""
    source = url_state.choose(
        SOURCE, "Draw z from", SOURCES, "prior", key="regularity-source", format_func=SOURCE_TITLES.__getitem__
    )
    if st.button("Draw again", icon=":material/casino:", key="regularity-draw"):
        st.session_state["regularity-seed"] = st.session_state.get("regularity-seed", 0) + 1
    seed = st.session_state.get("regularity-seed", 0)
    for column, spec in zip(st.columns(2, gap="large"), specs, strict=True):
        with column, errors_said():
            sheet = sample_sheet(spec.key, source, SHEET, seed)
            picture = tiles(sheet.pixels, load_run(spec.key).image_shape, columns=9, marked=sheet.holes)
            st.markdown(f"**{title_of(spec.model)}**: {int(sheet.holes.sum())} of {SHEET} are holes")
            st.image(picture, width="stretch")
            st.caption(sample_sentence(spec, source))
    st.caption(
        "A framed image with a cut corner is a **hole**: the classifier sees it farther from every training image than "
        "95% of real held-out images are. Blurred averages are no holes, so this alone does not tell good from bad: "
        "coverage and the Fréchet distance do."
    )


def sample_sentence(spec: RunSpec, source: str) -> str:
    """The measured figures of a source, from the run's file."""
    for line in seeds_of(spec):
        if line.key == spec.key and figure(line, "samples", source, "frechet") is not None:
            value = {n: figure(line, "samples", source, n) or 0.0 for n in ("frechet", "coverage", "density", "n")}
            return (
                f"Classifier Fréchet distance {value['frechet']:.0f}, coverage {value['coverage']:.2f}, density "
                f"{value['density']:.2f} (n = {value['n']:,.0f})."
            )
    return "Not measured: the run was trained without this dataset's classifier."


@st.fragment
def path_contest(specs: list[RunSpec]) -> None:
    """Two held-out images, and what each model decodes on the way from one to the other."""
    names = datasets.info(specs[0].dataset).label_names
    left, middle, right = st.columns([2, 2, 3], vertical_alignment="bottom")
    ends = [
        column.selectbox(
            label, range(len(names)), index=start, format_func=names.__getitem__, key=f"regularity-{label}"
        )
        for column, label, start in ((left, "From", 4), (middle, "To", 0))
    ]
    if right.button("Another pair", icon=":material/refresh:", key="regularity-pair"):
        st.session_state["regularity-turn"] = st.session_state.get("regularity-turn", 0) + 1
    turn = st.session_state.get("regularity-turn", 0)
    first, second = pair_of_classes(specs[0].dataset, (ends[0], ends[1]), turn)
    rows = [(spec, way) for spec in specs for way in ("straight", "great circle")]
    for spec, way in rows:
        if way == "great circle" and not model_kind(spec.model).has_kl:
            continue  # the shell that a great circle stays on is the prior's: an autoencoder has none
        with errors_said():
            seen = film(spec.key, way, first, second)
            label, picture = st.columns([3, 10], vertical_alignment="center")
            label.markdown(f"**{title_of(spec.model)}**, {way}  \n{seen.share:.0%} of the path on the data manifold")
            shape = load_run(spec.key).image_shape
            picture.image(tiles(seen.pixels, shape, columns=len(seen.pixels), marked=seen.holes), width="stretch")
    st.caption("The share is of 39 places between the ends that are no holes; over 300 pairs it is in the table below.")


ROWS: tuple[tuple[str, tuple[str, ...], str], ...] = (
    *(
        (f"{title}, {name}", ("samples", source, figure_name), digits)
        for source, title in (("prior", "N(0, I)"), ("box", "Box"), ("mixture", "Mixture"))
        for figure_name, name, digits in (
            ("frechet", "Fréchet distance", ".0f"), ("coverage", "coverage", ".2f"), ("density", "density", ".2f"),
            ("ambiguity", "ambiguous", ".2f"), ("hole_rate", "hole rate", ".2f"),
        )
    ),
    ("Path length", ("path_length",), ".3g"),
    ("Straight paths on the manifold", ("paths", "straight"), ".2f"),
    ("Great circles on the manifold", ("paths", "great_circle"), ".2f"),
    ("Midpoints that are holes", ("paths", "midpoint_holes"), ".2f"),
    ("Codes as a Gaussian, KL to N(0, I), nats", ("gaussian_kl",), ".1f"),
    ("Aggregate posterior, KL to N(0, I), nats", ("aggregate_kl",), ".1f"),
    ("Neighbours of the same class", ("label_agreement",), ".2f"),
    ("Trustworthiness", ("trustworthiness",), ".2f"),
    ("Squared error per pixel", ("mse",), ".4f"),
)  # fmt: skip


def heading(name: str, lines: list[Listed]) -> str:
    """A column's name with its number of seeds."""
    return f"{name}, {len(lines)} seed{'' if len(lines) == 1 else 's'}"


def numbers(specs: list[RunSpec]) -> None:
    """The table over seeds, with what real images score."""
    groups = {title_of(spec.model): seeds_of(spec) for spec in specs}
    real = real_line(specs[0].dataset)
    rows = []
    for title, path, digits in ROWS:
        row: dict[str, Any] = {"figure": title}
        row |= {heading(name, lines): spread(lines, *path, digits=digits) for name, lines in groups.items()}
        value = figure(real, "real", path[-1]) if real and path[0] == "samples" else None
        row["real images"] = "" if value is None else format(value, digits)
        rows.append(row)
    st.dataframe(rows, hide_index=True, width="stretch", height=36 * (len(rows) + 1))
    some = next((line for lines in groups.values() for line in lines), None)
    count = figure(some, "samples", "prior", "n") if some else None
    if count:
        st.caption(
            f"Mean over seeds (least to most), measured on the test split. Samples: {count:,.0f} against as many real "
            "images, in the classifier's 64 features; real images score 5% holes by construction. Path length: squared "
            "change of the features per squared standard deviation of the codes. Paths: 300 pairs."
        )


def real_line(dataset: str) -> Listed | None:
    """The classifier's entry, which carries what real images score against real ones."""
    return next(iter(seeds_of(classifier_spec(dataset))), None)


@st.cache_resource(show_spinner=False, max_entries=8)
def coverage_figure(points: tuple[tuple[str, str, tuple[tuple[int, float], ...]], ...]) -> go.Figure:
    """Coverage of samples against d, from the prior (solid) and from a mixture fitted afterwards (dotted)."""
    chart = go.Figure()
    for model, source, values in points:
        chart.add_scatter(
            x=[d for d, _ in values], y=[value for _, value in values], mode="lines+markers",
            name=f"{title_of(model)}, {SOURCE_TITLES[source]}", hovertemplate="%{y:.2f}",
            line={"color": MODEL_COLOURS[model], "dash": "solid" if source == "prior" else "dot"},
        )  # fmt: skip
    chart.update_layout(
        template=TEMPLATE,
        height=340,
        xaxis={"title": "d, latent dimensions", "type": "log", "tickvals": list(DIMENSIONS), "tickformat": "d"},
        yaxis={"title": "coverage of real images", "range": [0, 1]},
    )
    return chart


def coverage_points(specs: list[RunSpec], dataset: str) -> tuple[tuple[str, str, tuple[tuple[int, float], ...]], ...]:
    """(model, source, ((d, mean coverage over seeds), ...)) of what is in the store."""
    points = []
    for spec in specs:
        for source in ("prior", "mixture"):
            values = []
            for d in DIMENSIONS:
                lines = seeds_of(compared_spec(spec.model, dataset, d, spec.hidden))
                found = [v for line in lines if (v := figure(line, "samples", source, "coverage")) is not None]
                if found:
                    values.append((d, float(np.mean(found))))
            if values:
                points.append((spec.model, source, tuple(values)))
    return tuple(points)


def mean_of(spec: RunSpec, *path: str) -> float:
    """Mean over the seeds in the store.

    Raises:
        RunNotFound: it was measured on none.
    """
    values = [value for line in seeds_of(spec) if (value := figure(line, *path)) is not None]
    if not values:
        raise RunNotFound(f"{' '.join(path)} was not measured on {spec.key}: train its dataset's classifier first.")
    return sum(values) / len(values)


def closer_to_real(specs: list[RunSpec], source: str) -> tuple[int, str]:
    """Whose samples from a source are nearer to real images, and by how much."""
    distances = [mean_of(spec, "samples", source, "frechet") for spec in specs]
    coverages = [mean_of(spec, "samples", source, "coverage") for spec in specs]
    ratio = max(distances) / min(distances)
    right = 2 if ratio < 1.5 else int(np.argmin(distances))
    told = "; ".join(
        f"{title_of(spec.model)} {distance:.0f}, coverage {coverage:.2f}"
        for spec, distance, coverage in zip(specs, distances, coverages, strict=True)
    )
    return right, f"Classifier Fréchet distance to real images, less is better: {told}."


def verdict(specs: list[RunSpec]) -> str:
    """What the numbers of this very pair say, for and against."""
    said = []
    prior = [mean_of(spec, "samples", "prior", "frechet") for spec in specs]
    fitted = [mean_of(spec, "samples", "mixture", "frechet") for spec in specs]
    if prior[0] > 1.5 * prior[1]:
        said.append(f"Drawn from N(0, I), the VAE is {prior[0] / prior[1]:.1f} times nearer to real images.")
    else:
        said.append("Drawn from N(0, I), the VAE is **not** clearly nearer to real images here.")
    if fitted[0] < 1.5 * fitted[1]:
        said.append(
            f"Drawn from a mixture fitted afterwards the autoencoder is as good or nearly ({fitted[0]:.0f} against "
            f"{fitted[1]:.0f}): its latent space is not empty, one only has to find out where to draw."
        )
    else:
        said.append(
            f"A fitted mixture helps the autoencoder ({prior[0]:.0f} to {fitted[0]:.0f}), but not to the VAE's."
        )
    if fitted[1] < 0.9 * prior[1]:
        said.append(
            f"The mixture helps the VAE too ({prior[1]:.0f} to {fitted[1]:.0f}): its codes are near the prior, not on "
            "it."
        )
    lengths = [mean_of(spec, "path_length") for spec in specs]
    if lengths[0] > 1.2 * lengths[1]:
        said.append(f"The VAE is smoother: path length {tidy(lengths[1], '.3g')} against {tidy(lengths[0], '.3g')}.")
    else:
        said.append(
            f"The VAE is **not** smoother here: path length {tidy(lengths[1], '.3g')} against "
            f"{tidy(lengths[0], '.3g')}."
        )
    rates = [mean_of(spec, "samples", "prior", "hole_rate") for spec in specs]
    if rates[0] < rates[1] + 0.05:
        said.append(
            f"The hole rate alone does not separate them ({rates[0]:.2f} and {rates[1]:.2f}): a blurred average is no "
            "hole."
        )
    seeds = min(len(seeds_of(spec)) for spec in specs)
    return " ".join(said) + f" Means over {seeds} seed{'s' if seeds > 1 else ''}, d = {specs[0].latent_dim}."


def at_equal_weights() -> None:
    """Convolutional against fully connected, autoencoder and VAE, with as many weights."""
    rows = []
    for model in ("ae", "conv_ae", "vae", "conv_vae"):
        for line in seeds_of(compared_spec(model, "mnist", CONV_DIMENSIONS))[:1]:
            run = load_run(line.key)
            bound, error = figure(line, "negative_elbo"), figure(line, "mse")
            rows.append(
                {
                    "model": model_kind(model).title,
                    "weights": f"{sum(array.size for array in run.weights.values()):,}",
                    "squared error per pixel": "–" if error is None else f"{error:.4f}",
                    "negative ELBO, nats": "–" if bound is None else f"{bound:.1f}",
                }
            )
    if rows:
        st.dataframe(rows, hide_index=True, width="stretch")
        st.caption(
            f"MNIST, d = {CONV_DIMENSIONS}, 10,000 test digits: the error at the mean code, the bound with z sampled."
        )


def instruments(pair: list[RunSpec], dataset: str) -> None:
    """All that needs both runs."""
    planes(pair)

    chapter.passage(
        "Drawing new images",
        "To draw a new image, draw a code and decode it. But from where? Choose a place to draw from; both models get "
        "the same dice.",
    )
    with errors_said():
        chapter.predict(
            chapter.Prediction(
                f"prior-{pair[0].key}",
                "codes drawn from N(0, I): whose images are nearer to real ones?",
                ("The autoencoder's", "The VAE's", "About the same"),
                lambda: closer_to_real(pair, "prior"),
            )
        )
    sampling_contest(pair)
    with errors_said():
        chapter.predict(
            chapter.Prediction(
                f"mixture-{pair[0].key}",
                "fit ten Gaussians to the codes after training, and draw from those: whose images are nearer now?",
                ("The autoencoder's", "The VAE's", "About the same"),
                lambda: closer_to_real(pair, "mixture"),
            )
        )

    chapter.passage(
        "Between two images",
        "Halfway between two codes, a regular latent space decodes to something between the two images.",
    )
    path_contest(pair)

    chapter.passage("The numbers", "")
    with errors_said():
        st.markdown(verdict(pair), width=chapter.TEXT_WIDTH)
    numbers(pair)
    points = coverage_points(pair, dataset)
    if points:
        st.plotly_chart(coverage_figure(points), width="stretch", config=PLAIN, key="regularity-coverage")
        st.caption("Share of real test images that have a sample nearby, of all runs of this depth in the store.")

    chapter.passage(
        "Convolutions",
        "Strided convolutions and transposed ones are the usual pair for images: the same comparison at equal weights.",
    )
    at_equal_weights()

    chapter.mathematics(
        [
            (
                "A VAE's loss adds to the reconstruction a KL term that pulls every posterior towards N(0, I): "
                f"{mean_of(pair[1], 'reconstruction'):.1f} + {mean_of(pair[1], 'kl'):.1f} nats per image for the VAE "
                f"on screen, against {mean_of(pair[0], 'reconstruction'):.1f} nats for the autoencoder.",
                r"\mathcal{L}(x) = -\,\mathbb{E}_{q(z|x)}[\log p(x|z)]"
                r" + \mathrm{KL}\big(q(z|x)\,\Vert\,\mathcal{N}(0, I)\big)",
            ),
            (
                "Averaged over images, that KL is what the code tells of its image plus how far all codes together "
                f"are from the prior: {mean_of(pair[1], 'mutual_information'):.2f} + "
                f"{mean_of(pair[1], 'aggregate_kl'):.2f} nats. Only the second part must vanish for N(0, I) to be the "
                "right place to draw from.",
                r"\mathbb{E}_x\,\mathrm{KL}(q(z|x)\,\Vert\,p) = I(x; z) + \mathrm{KL}(q(z)\,\Vert\,p)",
            ),
        ]
    )


require_app()

chapter.opening(
    "Autoencoder or VAE",
    "Why can one draw new images from a VAE, and not from an autoencoder?",
    "Both squeeze images into d numbers and rebuild them about equally well. The difference is what they do to the "
    "space between: nothing makes an autoencoder organise it, while a VAE is trained to fill one place that is known "
    "in advance, the standard normal distribution.",
)
left, middle, right = st.columns([4, 4, 5])
with left:
    dataset = url_state.choose(
        DATASET,
        "Images",
        DATASETS,
        "mnist",
        key="regularity-dataset",
        format_func=lambda name: datasets.info(name).title,
        menu=True,
    )
with middle:
    d = url_state.choose(D, "Latent dimensions, d", DIMENSIONS, 2, key="regularity-d")
with right:
    depth = url_state.choose(DEPTH, "Hidden layers", tuple(DEPTHS), "128-64", key="regularity-depth")

with errors_said():
    pair = [compared_spec(model, dataset, d, DEPTHS[depth]) for model in ("ae", "vae")]
    missing = [spec for spec in pair if spec.key not in store()]
    if missing:
        offer_training(missing, key="regularity-training")
    else:
        instruments(pair, dataset)

chapter.in_code(
    ("sampling.py", "draw"),
    ("evaluation/generation.py", "sample_figures"),
    ("metrics/generation.py", "coverage_and_density"),
    ("metrics/smoothness.py", "path_length"),
)
chapter.sources(
    chapter.Source("Kingma and Welling 2014, Auto-Encoding Variational Bayes", "https://arxiv.org/abs/1312.6114"),
    chapter.Source("Ghosh et al. 2020, From variational to deterministic autoencoders", "https://arxiv.org/abs/1903.12436"),
    chapter.Source("Naeem et al. 2020, Reliable fidelity and diversity metrics", "https://arxiv.org/abs/2002.09797"),
    chapter.Source("Hoffman and Johnson 2016, ELBO surgery", "http://approximateinference.org/accepted/HoffmanJohnson2016.pdf"),
    chapter.Source("White 2016, Sampling generative networks", "https://arxiv.org/abs/1609.04468"),
)  # fmt: skip

with errors_said():
    thumbnails(thumbnail_bytes(dataset), key="regularity-thumbnails")
