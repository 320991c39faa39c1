"""Who cuts better, from the figures of measured.json: tables, a figure, and the answers of the questions."""

from __future__ import annotations

import plotly.graph_objects as go

from ui.chapters.uses.cut.measured import (
    COUNTS,
    FEW,
    NETWORKS,
    SEEDS,
    Mean,
    by_masks,
    classical,
    measured,
    of_shipped,
    spec_of,
    steps_of,
    title_of,
)
from ui.figures.markup import Html
from ui.figures.palette import CLASS_COLOURS
from ui.figures.plots import TEMPLATE, Finished, in_words
from ui.figures.tables import Rows, as_html
from ui.once import once
from vae_core.evaluation.masks import CLASSICAL, TUNED_ON

OTSU = "otsu"
SKIPS = (
    "About as much without: the code says where the figure is",
    "Less without: edges do not fit through the code",
    "More without: there is less to overfit",
)
FROM = ("From 30 or fewer", "From 100 or 300", "From 1,000 or 3,000", "With none of these numbers")
_LIMITS = (30, 300, 3_000)  # of the first three options
_DASHES = {"otsu": "dash", "local": "dot", "chan_vese": "dashdot"}


def said(one: Mean) -> str:
    """A mean with its interval."""
    return f"{one.mean:.2f} ± {max(one.half, 0.005):.2f}"


def best_classical() -> str:
    """The method that learns from no mask with the highest mean."""
    return max(CLASSICAL, key=lambda name: classical(name).mean)


def skips() -> tuple[int, str]:
    """What few masks are worth without skip connections: the option's number, and why."""
    own, without = by_masks(FEW, skips=True), by_masks(FEW, skips=False)
    apart = own.mean - without.mean
    right = 0 if abs(apart) <= own.half + without.half else 1 if apart > 0 else 2
    return right, (
        f"With {FEW} masks, on {measured()['n']:,} test pictures: **{said(own)} with skip connections**, "
        f"**{said(without)} without**. Without them all that the decoder knows is a code of "
        f"{spec_of('few_without').latent_dim} numbers."
    )


def first_ahead(rival: str) -> int | None:
    """The smallest number of masks from which on, and for all larger ones, the network with skips has a higher mean
    than a method that learns from none; None for no such number."""
    ahead = [by_masks(count, skips=True).mean > classical(rival).mean for count in COUNTS]
    return next((count for place, count in enumerate(COUNTS) if all(ahead[place:])), None)


def _when(rival: str) -> str:
    count = first_ahead(rival)
    return "with no number of masks measured here" if count is None else f"from {count:,} masks on"


def _meeting(rival: str) -> str:
    """What the intervals allow to say where the network is ahead in the mean."""
    theirs = classical(rival)
    ahead = [one for one in (by_masks(count, skips=True) for count in COUNTS) if one.mean > theirs.mean]
    apart = [one for one in ahead if one.mean - one.half > theirs.mean + theirs.half]
    if not ahead or len(apart) == len(ahead):
        return ""
    which = "the intervals meet everywhere" if not apart else "for some numbers the intervals meet"
    return f", but {which}: over {SEEDS} random starts that is not certain"


def masks() -> tuple[int, str]:
    """From how many masks on the network is ahead of Otsu's threshold: the option's number, and why."""
    count, best = first_ahead(OTSU), best_classical()
    right = len(_LIMITS) if count is None else next(place for place, most in enumerate(_LIMITS) if count <= most)
    ends = [f"{said(by_masks(each, skips=True))} with {each:,}" for each in (COUNTS[0], FEW, COUNTS[-1])]
    others = " and ".join(f"{CLASSICAL[one].title} {said(classical(one))}" for one in CLASSICAL if one != OTSU)
    spec = spec_of("few")
    longer = steps_of(spec) / measured()["steps"]
    return right, (
        f"Otsu's threshold has {said(classical(OTSU))}; the network, {', '.join(ends)}. In the mean it is ahead "
        f"**{_when(OTSU)}**{_meeting(OTSU)}. Other methods that learn from no mask: {others}. The network is ahead of "
        f"{CLASSICAL[best].title} {_when(best)}. But these "
        f"are short trainings: with {longer:.1f} times as many steps the network above has "
        f"**{said(of_shipped('few'))}** with {FEW} masks."
    )


def measured_note() -> str:
    """What the figures rest on."""
    return (
        f"Mean IoU over {measured()['n']:,} test pictures, of digits and parts of textures that no training or "
        f"validation picture has. Networks: mean of {SEEDS} random starts ± half its 95% interval, each trained with "
        f"about {measured()['steps']:,} steps. Methods without learning: 95% intervals over pictures; their settings "
        f"were chosen on {TUNED_ON} validation pictures."
    )


@once(maxsize=1)
def masks_figure() -> Finished:
    """IoU against the number of masks."""
    chart, told = go.Figure(), {}
    for place, (title, own) in enumerate((("U-Net, with skips", True), ("without skips", False))):
        means = [by_masks(count, skips=own) for count in COUNTS]
        chart.add_scatter(
            x=COUNTS, y=[each.mean for each in means], name=title, mode="lines+markers",
            line={"color": CLASS_COLOURS[place], "width": 3 if own else 2},
            error_y={"type": "data", "array": [each.half for each in means], "thickness": 1, "width": 2},
            hovertemplate="%{y:.2f}",
        )  # fmt: skip
        told[title] = [f"{each.mean:.2f} with {count:,}" for count, each in zip(COUNTS, means, strict=True)]
    for place, (name, method) in enumerate(CLASSICAL.items(), start=2):
        level = classical(name).mean
        chart.add_scatter(
            x=[COUNTS[0], COUNTS[-1]], y=[level, level], name=method.title, mode="lines", hovertemplate="%{y:.2f}",
            line={"color": CLASS_COLOURS[place], "width": 2, "dash": _DASHES[name]},
        )  # fmt: skip
        told[method.title] = [f"{level:.2f} with no mask"]
    chart.update_layout(
        template=TEMPLATE,
        height=420,
        xaxis={
            "title": "masks to learn from",
            "type": "log",
            "tickvals": COUNTS,
            "ticktext": [f"{count:,}" for count in COUNTS],
        },
        yaxis={"title": "mean IoU", "range": [0, 1]},
    )
    words = in_words("Mean intersection over union against the number of masks, on a logarithmic axis.", told)
    return Finished(chart, words, measured_note())


def targets_table() -> Html:
    """Every shipped network: what it gives, and how near it comes."""
    document = measured()
    rows: Rows = []
    for name, kind in NETWORKS.items():
        of = document["shipped"][name]
        rows.append(
            {
                "": f"{kind.target}: {title_of(name)}" if kind.target == "mask" else kind.target,
                "IoU": said(of_shipped(name)) if kind.target == "mask" else "",
                "nats": f"{of['reconstruction']:.1f}",
                "least possible": f"{of['bernoulli_floor']:.1f}",
                "squared error": f"{of['mse']:.4f}",
            }
        )
    note = (
        f"On {document['n']:,} test pictures. Nats per image, pixels summed: the cross-entropy to the target, of which "
        "the entropy of grey pixels is the least possible. Squared error per pixel. IoU ± half a 95% interval over "
        "pictures. One random start of each network."
    )
    return as_html(rows, title="The shipped networks, by their target", note=note)
