"""VAE Playground. Start with: streamlit run app.py"""

import streamlit as st

from ui.navigation import ICON, declare_pages
from ui.process import set_up_process

st.set_page_config(page_title="VAE Playground", page_icon=ICON, layout="wide")
set_up_process()

declare_pages().run()
