"""From the factors behind a head to the places of its vertices."""

from __future__ import annotations

import math

import numpy as np

from tools.heads.mesh import Mesh

GROUPS = ("body", "helper-l-eye", "helper-r-eye")
ANCESTRIES, SEXES = ("african", "asian", "caucasian"), ("female", "male")
_MACRO = "mpfb2/targets/macrodetails/{}-{}-{}.target.gz"
_HEAD = "mpfb2/targets/head/{}.target.gz"
_UNIT = "faceunits01/targets/faceunits/{}.target"
# What a full smile, a full frown and a wide open mouth move, and how far in each unit's own measure.
SMILE = {"mouthSmile": 1.25, "cheekSquint": 0.6, "mouthUpperUp": 0.4}
FROWN = {"mouthFrown": 2.0, "browDown": 1.2}
OPEN = {"jawOpen": 1.0}
_SIDES = ("Left", "Right")


def _units(amounts: dict[str, float]) -> dict[str, float]:
    return {
        _UNIT.format(name + side): amount
        for name, amount in amounts.items()
        for side in (("",) if name.startswith("jaw") else _SIDES)
    }


_EXPRESSIONS = {"smile": _units(SMILE), "frown": _units(FROWN), "open": _units(OPEN)}
_WIDTH = {1: _HEAD.format("head-scale-horiz-incr"), -1: _HEAD.format("head-scale-horiz-decr")}
_AGES = {1: _HEAD.format("head-age-incr"), -1: _HEAD.format("head-age-decr")}
TARGETS = (
    *(_MACRO.format(a, s, age) for a in ANCESTRIES for s in SEXES for age in ("young", "old")),
    *_WIDTH.values(),
    *_AGES.values(),
    *(name for units in _EXPRESSIONS.values() for name in units),
)

YOUNGEST, OLDEST = 25.0, 90.0  # years: of MakeHuman's young and old bodies
EYES = (0.0, 7.29, 1.2)  # decimetres: where the middle between both eyes is, for every head
AXIS = (0.0, 7.0, 0.9)  # about which a head turns


class Shapes:
    """Heads of one mesh.

    Args:
        mesh: with `GROUPS` and `TARGETS`.
    """

    def __init__(self, mesh: Mesh) -> None:
        def summed(weights: dict[str, float]) -> np.ndarray:
            total = np.zeros_like(mesh.vertices)
            for name, weight in weights.items():
                total += weight * mesh.targets[name]
            return total

        def macro(age: str, sexes: tuple[str, ...] = SEXES, ancestries: tuple[str, ...] = ANCESTRIES) -> np.ndarray:
            share = 1.0 / (len(sexes) * len(ancestries))
            return summed({_MACRO.format(ancestry, sex, age): share for ancestry in ancestries for sex in sexes})

        self._eyes = np.unique(mesh.triangles[np.char.endswith(mesh.group, "-eye")])
        self._base = mesh.vertices + macro("young") + 0.5 * summed({_AGES[-1]: 1.0})
        self._ageing = macro("old") - macro("young") + summed({_AGES[1]: 1.0, _AGES[-1]: -0.5})
        self._moves = {name: summed(units) for name, units in _EXPRESSIONS.items()}
        self._wide, self._narrow = summed({_WIDTH[1]: 1.0}), summed({_WIDTH[-1]: 1.0})
        self._male = 0.5 * (macro("young", ("male",)) - macro("young", ("female",)))
        self._ancestry = [macro("young", SEXES, (ancestry,)) - macro("young") for ancestry in ANCESTRIES]

    def moves(self) -> dict[str, np.ndarray]:
        """What a head is the sum of, each (V, 3): ``base``, and what is added for each unit of the others.

        They include what keeps the eyes in their place. ``base`` is given from `AXIS`.
        """

        def kept(shift: np.ndarray) -> np.ndarray:
            return shift - shift[self._eyes].mean(axis=0)

        base = kept(self._base) + np.array(EYES) - np.array(AXIS)
        wide, narrow = kept(self._wide), kept(self._narrow)
        return {"base": base, "age": kept(self._ageing), "wide": wide, "narrow": narrow} | {
            name: kept(shift) for name, shift in self._moves.items()
        }

    def vertices(self, causes: dict[str, np.ndarray]) -> np.ndarray:
        """Vertices of B heads that look ahead, float64 (B, V, 3).

        Args:
            causes: by name, (B,): ``smile``, ``open mouth``, ``width``, ``age``, ``sex``, and one for each of
                `ANCESTRIES`.
        """

        def by(amount: np.ndarray, shift: np.ndarray) -> np.ndarray:
            return amount[:, None, None] * shift

        smile, width = causes["smile"], causes["width"]
        made = self._base + by((causes["age"] - YOUNGEST) / (OLDEST - YOUNGEST), self._ageing)
        made += by(np.maximum(smile, 0.0), self._moves["smile"]) + by(np.maximum(-smile, 0.0), self._moves["frown"])
        made += by(causes["open mouth"], self._moves["open"])
        made += by(np.maximum(width, 0.0), self._wide) + by(np.maximum(-width, 0.0), self._narrow)
        made += by(causes["sex"], self._male)
        for ancestry, shift in zip(ANCESTRIES, self._ancestry, strict=True):
            made += by(causes[ancestry], shift)
        return made + (np.array(EYES) - made[:, self._eyes].mean(axis=1))[:, None]


def turned(vertices: np.ndarray, degrees: np.ndarray) -> np.ndarray:
    """Heads (B, V, 3), each turned about `AXIS`: a positive angle turns the face to the picture's right."""
    cos, sin = (np.array([f(math.radians(angle)) for angle in degrees])[:, None] for f in (math.cos, math.sin))
    x, z = vertices[..., 0] - AXIS[0], vertices[..., 2] - AXIS[2]
    return np.stack([AXIS[0] + cos * x + sin * z, vertices[..., 1], AXIS[2] - sin * x + cos * z], axis=-1)
