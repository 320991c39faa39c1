"""VAE Playground. Start with: streamlit run app.py"""

import streamlit as st
from starlette.middleware import Middleware

from ui.app.descriptors import DescriptorGuard
from ui.app.head import StylesInHead
from ui.app.held_uploads import UploadLimit
from ui.app.server import MAIN, life_span, routes, say_that_it_failed
from ui.app.visitor_cookie import VisitorCookie

# `streamlit run` reads this file to find the app: it must be assigned here, plainly.
app = st.App(
    MAIN,
    routes=routes(),
    lifespan=life_span,
    on_script_error=say_that_it_failed,
    middleware=[
        Middleware(DescriptorGuard),
        Middleware(UploadLimit),
        Middleware(VisitorCookie),
        Middleware(StylesInHead),
    ],
)
