"""VAE Playground. Start with: streamlit run app.py"""

from pathlib import Path

import streamlit as st

from ui.navigation import declare_pages
from ui.process import set_up_process

st.set_page_config(page_title="VAE Playground", page_icon=Path(__file__).parent / "ui" / "icon.png", layout="wide")
set_up_process()

declare_pages().run()
