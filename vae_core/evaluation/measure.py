"""Measure a trained model on one split: its losses, its codes, and what it generates."""

from __future__ import annotations

from typing import Any

from vae_core.datasets import ImageDataset, load
from vae_core.errors import DatasetUnavailable, MeasureError
from vae_core.evaluation.anomalies import measure_anomalies
from vae_core.evaluation.codes import measure_codes
from vae_core.evaluation.factors import first_to_fit, measure_factors
from vae_core.evaluation.features import FeatureSpace
from vae_core.evaluation.generation import measure_generation, measure_real
from vae_core.evaluation.left_out import measure_left_out
from vae_core.evaluation.losses import classify, encode, evaluate, observed
from vae_core.evaluation.pictures import measure_pictures
from vae_core.evaluation.targets import measure_targets
from vae_core.evaluation.written import measure_prior, measure_written
from vae_core.metrics.codebook import usage
from vae_core.models import model_kind
from vae_core.run import Codes, Run

NO_CLASSIFIER = "There is no classifier of this dataset to measure samples with."


def measure(
    run: Run, dataset: ImageDataset, features: FeatureSpace | None, training: ImageDataset | None = None
) -> dict[str, Any]:
    """All figures that apply to a run.

    Args:
        run: a trained model.
        dataset: the split; of a run that was trained without a class, all but `left_out` is measured on the others.
        features: of the dataset's classifier; None leaves out what needs it.
        training: the images that it learned from, on whose codes readers of known factors are fitted; loaded where
            they are needed and left out.

    Returns:
        See `evaluate`, `targets.measure_targets` of a model that gives another image than it sees, `classify`,
        `codes.measure_codes`, `anomalies.measure_anomalies`, `left_out.measure_left_out`,
        `generation.measure_generation`, and of models with a prior `pictures.measure_pictures`; of codes that are
        entries of a codebook ``perplexity``, ``entries_used``, ``entries``, ``independent_bits`` and
        ``uniform_bits``, bits per image, see `metrics.codebook.usage`; of a prior over them what `written` measures;
        of a model with a classifier in it what that gets right, see `classify`; of images whose factors are known
        ``factors``, see `factors.measure_factors`. ``n`` is the number of images, and every figure measured on fewer
        states its own.
        ``not_measured`` maps what could not be measured to a sentence that says why.
    """
    kind = model_kind(run.spec.model)
    problems: dict[str, str] = {}
    whole, dataset = dataset, run.spec.usual_of(dataset)
    if run.spec.target is not None:
        result = measure_targets(run, dataset)
    elif not kind.bottleneck.decodes:
        result = classify(run.model, run.spec, dataset)
        result |= measure_real(dataset, FeatureSpace.of(run), problems)
    else:
        seen = observed(run.spec, dataset)
        codes = encode(run.model, seen)
        result = evaluate(run.model, run.spec, seen, codes)
        if "classify" in run.programs:
            result |= classify(run.model, run.spec, dataset)
        if kind.bottleneck.discrete:
            del result["code_std"]  # entries are numbered in no order
            result |= _measure_codebook(run, codes)
        if kind.bottleneck.discrete and kind.base:
            result |= measure_prior(run, codes)
            if features is None:
                problems["samples"] = NO_CLASSIFIER
            else:
                result |= measure_written(run, dataset, features, problems)
        if kind.bottleneck.continuous:
            result |= measure_codes(seen, codes, run.mixture, problems)
            result |= measure_anomalies(run, seen, codes, problems)
            result |= _measure_factors(run, seen, codes, training, problems)
            result |= measure_left_out(run, observed(run.spec, whole), problems)
            if features is None:
                problems["samples"] = NO_CLASSIFIER
            else:
                result |= measure_generation(run, dataset, codes, features, problems)
                if kind.bottleneck.has_prior:
                    result |= measure_pictures(run, dataset, codes, features, problems)
    return result | ({"not_measured": problems} if problems else {})


def _measure_factors(
    run: Run, dataset: ImageDataset, codes: Codes, training: ImageDataset | None, problems: dict[str, str]
) -> dict[str, Any]:
    """``factors``, of a dataset that knows them."""
    if dataset.factor_values is None:
        return {}
    try:
        training = training or run.spec.learned_of(load(run.spec.dataset, "train", download=False))
        fitted = first_to_fit(observed(run.spec, training))
        assert fitted.factor_values is not None  # one split of a dataset has factors where the other has
        fit = fitted.factor_values, encode(run.model, fitted)
        return {"factors": measure_factors(dataset.factors, dataset.factor_values, codes, *fit)}
    except (MeasureError, DatasetUnavailable) as error:
        problems["factors"] = str(error)
        return {}


def _measure_codebook(run: Run, codes: Codes) -> dict[str, Any]:
    entries = run.model.codebook.shape[0]  # type: ignore[index]
    used = usage(codes.mean, int(entries))
    return {
        "perplexity": used.perplexity,
        "entries_used": used.used,
        "entries": int(entries),
        "independent_bits": used.bits,
        "uniform_bits": used.uniform_bits,
    }
