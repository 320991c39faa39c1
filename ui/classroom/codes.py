"""The codes by which students find a class, and the secret by which a teacher holds one."""

from __future__ import annotations

import hashlib
import re
import secrets

from ui.links.frame import CODE

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's: no letter that is read as a digit, and no U
LENGTH = 8  # 32**8 is 1.1e12: see limits.py for how many may be tried
SECRET_BYTES = 16

_WRITTEN = re.compile(CODE, re.ASCII)
_MEANT = str.maketrans("OIL", "011")


def new_code() -> str:
    """A code that nobody can guess."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def read_code(text: str) -> str | None:
    """The code that a visitor means; None where the text cannot be one."""
    text = text.strip()
    if not _WRITTEN.fullmatch(text):
        return None
    code = re.sub("[- ]", "", text).upper().translate(_MEANT)
    return code if set(code) <= set(ALPHABET) else None


def shown(code: str) -> str:
    """A code as it is read out: ``K7QM-4TXP``."""
    return f"{code[:4]}-{code[4:]}"


def new_secret() -> str:
    """What only the teacher's link has."""
    return secrets.token_urlsafe(SECRET_BYTES)


def digest(text: str) -> str:
    """What is stored in a secret's or a visitor's place; both are random, so nobody finds them from it."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]
