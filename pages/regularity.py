"""Autoencoder or VAE: where we can sample from, what lies between the codes, and the numbers that tell."""

from __future__ import annotations

from functools import partial

import streamlit as st

from ui.chapters import links
from ui.chapters.regularity import CHAPTER
from ui.chapters.regularity.by_eye import Check, check
from ui.chapters.regularity.comparison import (
    DATASETS,
    DEPTHS,
    DIMENSIONS,
    PLANES_DIMENSIONS,
    SOURCE_TITLES,
    USUAL_DIMENSIONS,
    at_equal_weights,
    closer_to_real,
    formulas,
    headlines,
    numbers,
    rebuilding,
    sample_sentence,
    subtitle,
    verdict,
)
from ui.chapters.regularity.coverage import coverage_figure, coverage_of_real, coverage_points
from ui.chapters.regularity.fitted import closed_by_fitting, how_much_fitted, learned_prior, mostly_scale
from ui.chapters.regularity.neighbours import (
    AROUND,
    STEPS,
    USUAL_IMAGE,
    USUAL_STEP,
    changed_share,
    neighbourhood,
    trained_alike,
)
from ui.chapters.regularity.over_seeds import Pair, title_of
from ui.chapters.regularity.paths import (
    FILM_FRAMES,
    USUAL_END,
    USUAL_PAIR,
    USUAL_START,
    film,
    pair_of_classes,
    probability_figure,
    usual_path,
)
from ui.chapters.regularity.samples import COLUMNS, USUAL_SEED, sample_sheet
from ui.chapters.regularity.smoothness import smoothness
from ui.chapters.thumbnails import thumbnails_of
from ui.components.canvas import latent_canvas
from ui.figures.markup import fold, folded
from ui.figures.messages import errors_said
from ui.figures.pictures import Picture, labelled_rows, side_by_side
from ui.figures.plots import show
from ui.links import url_state
from ui.runs.resources import image_set, load_run, plane, shelf
from ui.runs.selection import compared_spec
from ui.stage import chapter
from ui.training.app_queue import offer_training
from vae_core import datasets
from vae_core.metrics import share_standard_error
from vae_core.models import model_kind
from vae_core.sampling import SOURCES
from vae_core.spec import RunSpec

SHEET = 36
LINK = links.properties(CHAPTER.url)
FRAMED = "Framed, with a cut corner: the classifier is less than 70% sure which digit it is."
OF_ONE_SEED = (
    f"{FRAMED} Figures below the sheets are of one trained model each; ± one standard error, of what was drawn."
)


def view_controls(specs: Pair) -> tuple[tuple[int, int] | None, int]:
    """For d > 2: the principal plane, or two coordinates with the others fixed at one image's code."""
    d = specs[0].latent_dim
    fields = {name: LINK[name] for name in ("across", "up", "at")}
    if d == 2:
        for field in fields.values():
            url_state.write(field, None)
        return None, 0
    principal, chosen = "The principal plane of the codes", "Two coordinates"
    if "regularity-view" not in st.session_state:
        asked = any(name in st.query_params for name in fields)
        st.session_state["regularity-view"] = chosen if asked else principal
    if st.segmented_control("View", (principal, chosen), key="regularity-view") != chosen:
        for field in fields.values():
            url_state.write(field, None)
        return None, 0
    most = len(load_run(specs[0].key).codes.labels) - 1
    known: dict[str, tuple[str, int, int, int]] = {
        "across": ("Across", 1, d, 1),
        "up": ("Up", 1, d, 2),
        "at": ("Others fixed at the code of held-out image", 0, most, 0),
    }
    numbers_asked = []
    columns = st.columns([1, 1, 2], vertical_alignment="bottom")
    for column, (name, (label, low, high, usual)) in zip(columns, known.items(), strict=True):
        place = f"regularity-{name}-{specs[0].dataset if name == 'at' else d}"
        url_state.begin(url_state.number(name, low, high, fields[name].meaning), usual, key=place)
        numbers_asked.append(int(column.number_input(label, low, high, key=place)))
        url_state.write(fields[name], numbers_asked[-1])
    first, second, at = numbers_asked
    if first == second:
        st.warning("Two different coordinates span a plane; showing the principal plane.")
        return None, 0
    return (int(first) - 1, int(second) - 1), int(at)


def planes(specs: Pair, pair: tuple[int, int] | None, at: int) -> None:
    """Both planes, linked: one image lights up on both."""
    sheet = thumbnails_of(specs[0].dataset)
    for column, spec in zip(st.columns(2, gap="medium"), specs, strict=True):
        with column, errors_said():
            run = load_run(spec.key)
            options = {"group": "regularity", "compact": True, "images": image_set(run), "link": f"{spec.model}-"}
            shown = plane(spec.key, pair, at).with_header(
                title=model_kind(spec.model).title, subtitle=subtitle(spec.key, pair, at), options=options
            )
            latent_canvas(shown, sheet, key=f"regularity-{spec.key}")


def turned(name: str, label: str, icon: str) -> int:
    """A button that counts up what the link keeps under a name, and the count."""
    place = f"regularity-{name}"
    if st.button(label, icon=icon, key=f"{place}-next"):
        st.session_state[place] += 1
    return int(st.session_state[place])


@st.fragment
@errors_said()
def continuity(specs: Pair) -> None:
    """A code, eight neighbours one step away from it, and what the step does on average."""
    step = chapter.step(
        "continuity",
        "Continuity: a small step",
        "A [[latent space]] is good for generating if it has two properties. The first is [[continuity]]: codes that "
        "are near each other should decode to similar images.\n\n"
        "In the middle stands one decoded code. Around it are eight codes, each one step δ away. We measure δ in "
        "standard deviations of the model's own codes, so that the scale of a plane does not matter.\n\n"
        "A separate network, the **classifier**, was trained to tell the classes apart. It judges what is decoded.",
    )
    with step.words:
        delta = url_state.choose(
            LINK["step"], "Step δ, in standard deviations", STEPS, USUAL_STEP, key="regularity-step",
            format_func=lambda value: f"{value:g}",
        )  # fmt: skip
        count = len(load_run(specs[0].key).codes.labels)
        url_state.begin(LINK["near"], USUAL_IMAGE, key="regularity-near")
        image = turned("near", "Another image", ":material/refresh:") % count
        url_state.keep(LINK["near"], image, USUAL_IMAGE)
    with step.instrument, errors_said():
        cells = []
        for spec in specs:
            seen = neighbourhood(spec.key, image, delta)
            share, measured = changed_share(spec.key, delta)
            title = f"{title_of(spec.model)}: {seen.changed} of {AROUND} change class"
            error = share_standard_error(share, measured)
            told = f"Over {measured:,} codes, this step changes {share:.0%} ± {error:.1%}."
            names = datasets.info(spec.dataset).label_names
            grid = "; ".join(", ".join(names[one] for one in seen.classes[at : at + 3]) for at in (0, 3, 6))
            cells.append(Picture(title, told, seen.picture, f"nine images, which the classifier sees as {grid}"))
        note = "Framed, with a cut corner: the classifier no longer sees the class that it sees in the middle. "
        note += "± one standard error, over codes; one trained model each."
        st.html(side_by_side(cells, note, least="9rem"))
    with step.words, errors_said():
        chapter.prose(smoothness(specs))
        chapter.prose(
            "An autoencoder may crowd some images together and spread others far apart: its training never asks for "
            f"anything else. {trained_alike(specs[1].key)} Beyond that nothing asks for it, and a VAE need not be the "
            "smoother one: the path length tells."
        )


def choose_dimensions(d: int) -> None:
    """The control of d; the page needs its choice before it is drawn, so a new one runs the page again."""
    if url_state.choose(LINK["d"], "Latent dimensions, d", DIMENSIONS, USUAL_DIMENSIONS, key="regularity-d") != d:
        st.rerun()


def asked(prediction: chapter.Prediction) -> bool:
    """Whether the evidence may be shown; where the answer cannot be measured, that is said and nothing is hidden."""
    with errors_said():
        return chapter.ask(prediction)
    return True


def sheets(specs: Pair, source: str, seed: int) -> None:
    """A sheet of samples from each model, each judged."""
    cells = []
    for spec in specs:
        sheet = sample_sheet(spec.key, source, SHEET, seed)
        title = f"{title_of(spec.model)}: {sheet.unrecognised} of {sheet.count} are not recognised"
        told = f"{sheet.count} decoded samples in rows of {COLUMNS}, {sheet.unrecognised} of them framed"
        cells.append(Picture(title, sample_sentence(spec, source), sheet.picture, told))
    st.html(side_by_side(cells, OF_ONE_SEED))


def completeness_words(d: int, planes_d: int) -> tuple[str, str]:
    """The heading of the step and its passage, which says where the models are no longer those of the planes."""
    unseen = ": no plane shows all of them, so we look at samples" if d > 2 else ""
    change = f" From here on a code has {d} numbers instead of {planes_d}{unseen}." if d != planes_d else ""
    return (
        "Completeness: sample and look",
        "The second property is [[completeness]]: any code that we sample should decode to something meaningful."
        f"{change}\n\n"
        "To generate an image, sample a code z from the [[prior]] N(0, I) and decode it. Both models get the same z.",
    )


def setting_of(specs: Pair) -> str:
    """Images, d and hidden layers, as ``mnist-16-128-64``: a class predicts for each of them."""
    return "-".join(map(str, (specs[0].dataset, specs[0].latent_dim, *(specs[0].hidden or ()))))


@st.fragment
@errors_said()
def completeness(specs: Pair, planes_d: int) -> None:
    """Samples from the prior; the planes above may be of models with another d."""
    step = chapter.step("completeness", *completeness_words(specs[0].latent_dim, planes_d), words_first=True)
    with step.words:
        choose_dimensions(specs[0].latent_dim)
        answered = asked(
            chapter.Prediction(
                "prior-regularity",
                "We sample codes from N(0, I). Whose images are closer to real ones?",
                ("The autoencoder's", "The VAE's", "About the same"),
                partial(closer_to_real, specs, "prior"),
                setting=setting_of(specs),
            )
        )
        if answered:
            before = st.session_state["regularity-seed"]
            if turned("seed", "Generate again", ":material/casino:") != before:
                st.rerun()  # the next step's samples have the same seed
    with step.instrument, errors_said():
        if answered:
            sheets(specs, "prior", st.session_state["regularity-seed"])
        else:
            chapter.covered(310)


@st.fragment
@errors_said()
def elsewhere(specs: Pair) -> None:
    """Samples from a place found afterwards."""
    step = chapter.step(
        "elsewhere",
        "Can we repair the autoencoder?",
        "Its decoder works well near its own codes. We only do not know where they are. So look: after training, fit "
        "a [[mixture]] of ten Gaussians to the codes, or only one Gaussian, and sample from that. Or sample from the "
        "smallest box around the codes.",
        words_first=True,
    )
    with step.words:
        answered = asked(
            chapter.Prediction(
                "mixture-regularity",
                "How much of the autoencoder's gap to the VAE does a fitted mixture close?",
                ("Less than a third", "About half", "More than two thirds"),
                partial(closed_by_fitting, specs),
                setting=setting_of(specs),
            )
        )
        if answered:
            source = url_state.choose(
                LINK["from"], "Sample z from", SOURCES, "mixture", key="regularity-source",
                format_func=SOURCE_TITLES.__getitem__,
            )  # fmt: skip
    with step.instrument, errors_said():
        if answered:
            sheets(specs, source, st.session_state["regularity-seed"])
            if fitted := how_much_fitted(specs):
                st.html(fitted)
        else:
            chapter.covered(310)
    if answered:
        with step.words, errors_said():
            if told := mostly_scale(specs) + learned_prior(specs[1]):
                chapter.prose(told)


@st.fragment
@errors_said()
def between(specs: Pair) -> None:
    """Two held-out images, and what each model decodes on the way from one to the other."""
    dataset = specs[0].dataset
    step = chapter.step(
        "between",
        "Between two images",
        "Walk from the code of one image to the code of another. Halfway there, a regular latent space decodes to "
        "something between the two: the classifier's probability passes from one class to the other, without a "
        "detour over a third.",
    )
    names = datasets.info(dataset).label_names
    with step.words:
        with st.container(horizontal=True, vertical_alignment="bottom"):
            start, end = (
                url_state.choose(
                    url_state.narrowed(LINK[name], range(len(names))),
                    label,
                    range(len(names)),
                    usual,
                    key=f"regularity-{label}",
                    format_func=names.__getitem__,
                    menu=True,
                    width=130,
                )
                for name, label, usual in (("start", "From", USUAL_START), ("end", "To", USUAL_END))
            )
            url_state.begin(LINK["pair"], USUAL_PAIR, key="regularity-pair")
            turn = turned("pair", "Another pair", ":material/refresh:")
        url_state.keep(LINK["pair"], turn, USUAL_PAIR)
    first, second = pair_of_classes(dataset, (start, end), turn)
    rows, straight = [], []
    for spec, way in ((spec, way) for spec in specs for way in ("straight", "great circle")):
        if way == "great circle" and not model_kind(spec.model).bottleneck.has_prior:
            continue  # the shell that a great circle stays on is the prior's: an autoencoder has none
        seen = film(spec.key, way, first, second)
        probability, other = seen.detour
        detour = f"another class ({names[other]}) reaches {probability:.2f}"
        told = f"{seen.recognised:.0%} recognised; {detour}"
        on_way = f"{FILM_FRAMES} images on the way from {names[start]} to {names[end]}, {seen.framed} of them framed"
        rows.append(Picture(f"{title_of(spec.model)}, {way}", told, seen.picture, on_way))
        if way == "straight":
            straight.append((title_of(spec.model), seen))
    with step.instrument:
        st.html(labelled_rows(rows, FRAMED))
        show(probability_figure(dataset, (start, end), tuple(straight)), key="regularity-probabilities")
    with step.words:
        usual = [usual_path(spec.key) for spec in specs]
        alike = abs(usual[0].recognised - usual[1].recognised) < 0.05 > abs(usual[0].monotone - usual[1].monotone)
        chosen = (start, end, turn) == (USUAL_START, USUAL_END, USUAL_PAIR)
        differ = abs(straight[0][1].recognised - straight[1][1].recognised) > 0.1
        chapter.prose(
            ("The page begins with a pair that shows a difference. " if chosen and differ and alike else "")
            + f"One pair proves nothing: over {usual[0].count} random pairs of different classes, in one trained model "
            f"of each kind, the classifier recognises **{usual[0].recognised:.0%}** of the places on the autoencoder's "
            f"straight paths and **{usual[1].recognised:.0%}** of those on the VAE's. The change is monotone on "
            f"{usual[0].monotone:.0%} and {usual[1].monotone:.0%} of the paths (standard error "
            f"{usual[0].monotone_error:.0%}); the largest of 20 steps changes the probabilities by "
            f"{usual[0].largest_step:.2f} and {usual[1].largest_step:.2f}."
            + (" Between real codes the two hardly differ." if alike else "")
        )
        chapter.prose("A [[great circle]] keeps the length that samples of N(0, I) have.")


def in_numbers(specs: Pair, dataset: str) -> None:
    """Three numbers, how they depend on d, and all others in boxes that open."""
    step = chapter.step("numbers", "The numbers")
    with step.words, errors_said():
        chapter.prose(headlines(specs))
        chapter.prose(
            "How regular a latent space is depends on the data, on the network and on d. Choose other images or "
            "hidden layers at the top of the page; the chart shows d."
        )
    points = coverage_points(specs, dataset)
    if points:
        with step.instrument:
            show(coverage_figure(points, coverage_of_real(specs)), key="regularity-coverage")
    more = chapter.step("more", "More numbers", wide=True)
    with more.instrument:
        with errors_said():
            chapter.prose(fold("What the numbers say, for and against", verdict(specs)))
        st.html(folded("All numbers", numbers(specs)))
        with errors_said():
            agreement = check()
            if agreement:
                chapter.prose(fold("Do the frames agree with the eye?", by_eye(agreement)))
        with errors_said():
            st.html(folded("Convolutional networks with as many weights", at_equal_weights()))


def by_eye(seen: Check) -> str:
    """How far what is framed on this page can be trusted, and who says so."""
    frames, holes = seen.frames, seen.holes
    return (
        f"An AI model, not a person, looked at {seen.count} images: samples of such models with d = 2 and 16, and a "
        "few real digits, in random order, without knowing where each came from. It found that "
        f"{seen.readable} of them read as one digit without doubt.\n\n"
        f"- The frames on this page (less than 70% sure) agree on **{frames.agrees:.0%}** of the images. They frame "
        f"{frames.wrongly_framed:.0%} of the readable ones. They leave out {frames.missed:.0%} of the others, mostly "
        f"smudges that are nearly a digit, and {seen.static[0]:.0%} of the autoencoder's static.\n"
        f"- [[hole rate|Holes]] (far from every training image) agree on {holes.agrees:.0%}. They would frame "
        f"{holes.wrongly_framed:.0%} of the readable ones and leave out {seen.static[1]:.0%} of the static. So the "
        "hole rate is only a number in the table.\n\n"
        "The classifier was never trained on static, and it is no judge of beauty: read the frames as a count, not as "
        "a verdict on each image."
    )


def runs_of(dataset: str, d: int, depth: str) -> Pair:
    """The autoencoder and the VAE of a choice, in the store or not."""
    return tuple(compared_spec(model, dataset, d, DEPTHS[depth]) for model in ("ae", "vae"))


def missing_of(specs: Pair) -> list[RunSpec]:
    """Those that are not in the store."""
    return [spec for spec in specs if spec not in shelf()]


first = chapter.opening(
    CHAPTER,
    "An [[autoencoder]] and a [[VAE]] both squeeze images into a few numbers and rebuild them; of the autoencoder "
    "nothing else is asked. They differ in what they do to the [[latent space]] between "
    "the images. Nothing makes an autoencoder put it in order. A VAE is trained to fill one place that is known in "
    "advance: the [[standard normal distribution]].\n\n"
    "**Move over a plane.** The point below your pointer is decoded, and the same image lights up on both planes. "
    "Compare the numbers on the axes: the scale of an autoencoder's codes is arbitrary.",
)
d = url_state.begin(LINK["d"], USUAL_DIMENSIONS, key="regularity-d") or USUAL_DIMENSIONS
url_state.begin(LINK["seed"], USUAL_SEED, key="regularity-seed")
url_state.keep(LINK["seed"], st.session_state["regularity-seed"], USUAL_SEED)
with first.words:
    with st.container(horizontal=True):
        dataset = url_state.choose(
            LINK["dataset"],
            "Images",
            DATASETS,
            "mnist",
            key="regularity-dataset",
            format_func=lambda name: datasets.info(name).title,
            menu=True,
            width=220,
        )
        depth = url_state.choose(LINK["depth"], "Hidden layers", tuple(DEPTHS), "128-64", key="regularity-depth")
    # A link that names d means the planes too, unless it says otherwise.
    named = LINK["d"].name in st.query_params
    url_state.begin(LINK["planes"], d if named else PLANES_DIMENSIONS, key="regularity-planes")
    usual = PLANES_DIMENSIONS if d == USUAL_DIMENSIONS else d
    shown_d = url_state.choose(
        LINK["planes"], "Latent dimensions of the planes", DIMENSIONS, usual, key="regularity-planes"
    )
touched, sampled = runs_of(dataset, shown_d, depth), runs_of(dataset, d, depth)
mathematics: list[tuple[str, str]] = []
with errors_said():
    if missing := missing_of(touched):
        with first.instrument:
            offer_training(missing, key="regularity-planes-training")
    else:
        with first.words:
            pair, at = view_controls(touched)
            with errors_said():
                chapter.prose(rebuilding(touched))
        with first.instrument:
            planes(touched, pair, at)
        continuity(touched)
with errors_said():
    if missing := missing_of(sampled):
        step = chapter.step("completeness", *completeness_words(d, shown_d))
        with step.words:
            choose_dimensions(d)
        with step.instrument:
            if missing_of(touched) and (sampled == touched or not datasets.is_here(dataset)):
                st.caption("The rest of this chapter appears once its runs are trained.")
            else:
                offer_training(missing, key="regularity-training")
    else:
        completeness(sampled, shown_d)
        elsewhere(sampled)
        between(sampled)
        in_numbers(sampled, dataset)
        mathematics = formulas(sampled)

chapter.foot(
    CHAPTER,
    mathematics=mathematics,
    code=(
        ("sampling.py", "draw"),
        ("evaluation/generation.py", "sample_figures"),
        ("metrics/generation.py", "coverage_and_density"),
        ("metrics/smoothness.py", "path_lengths"),
        ("metrics/aggregate.py", "least_marginal_kl"),
    ),
    sources=(
        chapter.Source("Kingma and Welling 2014, Auto-Encoding Variational Bayes", "https://arxiv.org/abs/1312.6114"),
        chapter.Source(
            "Ghosh et al. 2020, From variational to deterministic autoencoders", "https://arxiv.org/abs/1903.12436"
        ),
        chapter.Source(
            "Naeem et al. 2020, Reliable fidelity and diversity metrics", "https://arxiv.org/abs/2002.09797"
        ),
        chapter.Source(
            "Hoffman and Johnson 2016, ELBO surgery", "http://approximateinference.org/accepted/HoffmanJohnson2016.pdf"
        ),
        chapter.Source(
            "Tomczak and Welling 2018, VAE with a VampPrior (learned priors)", "https://arxiv.org/abs/1705.07120"
        ),
        chapter.Source("White 2016, Sampling generative networks", "https://arxiv.org/abs/1609.04468"),
        chapter.Source("Karras et al. 2019, A style-based generator (path length)", "https://arxiv.org/abs/1812.04948"),
    ),
)
