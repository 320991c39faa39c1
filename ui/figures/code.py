"""Python as HTML: Streamlit's own highlighter is a script of 1.5 MB, which every chapter would run for a closed box."""

from __future__ import annotations

import html
import io
import keyword
import token
import tokenize

# By name: Python 3.12 divides a formatted string into several tokens.
_KINDS = {"STRING": "text", "FSTRING_START": "text", "FSTRING_MIDDLE": "text", "FSTRING_END": "text"}
_KINDS |= {"NUMBER": "number", "COMMENT": "comment"}


def highlighted(source: str) -> str:
    """Source code in one line of HTML, which markdown leaves as it is: line breaks are character references.

    It is no ``pre`` nor ``code``, because Streamlit gives these to its highlighter.
    """
    lines = source.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    parts, at = [], 0
    for one in tokenize.generate_tokens(io.StringIO(source).readline):
        kind = "keyword" if keyword.iskeyword(one.string) else _KINDS.get(token.tok_name[one.type])
        begin, end = (starts[row - 1] + column for row, column in (one.start, one.end))
        if kind and end > begin:
            parts += [html.escape(source[at:begin]), f'<i class="{kind}">{html.escape(source[begin:end])}</i>']
            at = end
    text = "".join([*parts, html.escape(source[at:])]).replace("\n", "&#10;")
    return f'<div class="code" role="code" tabindex="0">{text}</div>'
