"""Colours: Paul Tol's bright and light schemes, which stay apart for colour-blind eyes (personal.sron.nl/~pault)."""

CLASS_COLOURS = (
    "#4477AA", "#EE6677", "#228833", "#CCBB44", "#66CCEE", "#AA3377", "#BBBBBB", "#EE8866", "#44BB99", "#FFAABB",
)  # fmt: skip
