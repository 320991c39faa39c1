"""Colours: Paul Tol's bright and light schemes, which are safe for colour-blind readers (personal.sron.nl/~pault)."""

CLASS_COLOURS = (
    "#4477AA", "#EE6677", "#228833", "#CCBB44", "#66CCEE", "#AA3377", "#BBBBBB", "#EE8866", "#44BB99", "#FFAABB",
)  # fmt: skip

HOLE_COLOUR = "#EE8866"  # for holes in latent space
POSITIVE_COLOUR, NEGATIVE_COLOUR = "#66CCEE", "#EE8866"
KL_COLOUR = "#EE8866"
MODEL_COLOURS = {
    "pixels": "#BBBBBB", "pca": "#CCBB44", "linear_ae": "#EE8866", "ae": "#EE6677", "conv_ae": "#AA3377",
    "vae": "#4477AA", "conv_vae": "#66CCEE",
}  # fmt: skip
MODEL_SYMBOLS = {  # of Plotly: not colour alone
    "pixels": "circle", "pca": "square", "linear_ae": "x", "ae": "diamond", "conv_ae": "triangle-up",
    "vae": "triangle-down", "conv_vae": "star",
}  # fmt: skip
