"""One code, the held-out images that it may stand for, and their mean, live in the browser."""

from __future__ import annotations

from ui.components.mount import component, mount
from vae_core.payloads.plane import Payload

_blur = component(
    "blur",
    html="blur/blur.html",
    styles=("engine/base.css", "engine/plane.css", "blur/blur.css"),
    module="blur/blur.js",
)


def likely_images(payload: Payload, thumbnails: Payload, *, key: str) -> None:
    """Mount a plane on which a code is chosen, beside what lies near it. Nothing comes back from it.

    Args:
        payload: the plane (`vae_core.payloads.plane.plane_payload`) of a run of grey images and two latent dimensions,
            with the header entries ``images``, the name of the image set, ``sharpness``, the mean variance of the
            Laplacian of the held-out images, ``most``, how many images are averaged at most, ``start`` and ``count``,
            the code and the number of images with which it opens, and ``names``, what a link calls ``z`` and ``count``.
        thumbnails: the held-out images, in the order of the codes.
        key: the element's identity across reruns.
    """
    mount(_blur, payload, key=key, later=[thumbnails])
