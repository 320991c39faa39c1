"""The script that the server runs in every rerun of every visitor: the frame around a page, and the page."""

import streamlit as st

from ui.app.head import styles_in_head
from ui.app.lanes import LANES
from ui.app.navigation import ICON, declare_pages
from ui.app.process import set_up_process
from ui.components.lesson import lesson
from ui.figures.markup import PAGE_STYLE
from ui.links.present import presenting

st.set_page_config(page_title="VAE Playground", page_icon=ICON, layout="wide")
set_up_process()
with LANES.lane():
    if not styles_in_head():
        st.html(PAGE_STYLE)  # takes no space on the page

    page = declare_pages(shown=not presenting())
    lesson(page.url_path)
    page.run()
