"""One process of the app: `streamlit run`, ready for visitors whose sessions were in another process::

python -m deploy.replica run app.py --server.port 8601
"""

from __future__ import annotations

from streamlit.web.cli import main

import ui.process  # noqa: F401  what every page needs: imported before the first visitor
from ui.returning import welcome_returning_visitors

if __name__ == "__main__":
    welcome_returning_visitors()  # here, because the first message may come before any page has run
    main(prog_name="streamlit")
