"""A class: start one, join one, and what its teacher needs during a lesson."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from ui.chapters.classroom import CHAPTER
from ui.chapters.classroom.address import base_of, in_the_room, is_loopback, link, qr_picture
from ui.chapters.classroom.answers import as_csv, table_of
from ui.chapters.links import arrive_anew
from ui.classroom import session, store
from ui.classroom.codes import read_code, shown
from ui.classroom.store import ClassesUnavailable, ClassRefused, Classroom, Membership
from ui.figures.markup import Html, folded
from ui.figures.messages import errors_said
from ui.lessons import paths, walk
from ui.lessons.plan import overview
from ui.lessons.worksheet import WORKSHEET, file_of
from ui.links.frame import JOIN, TEACHER
from ui.stage.chapter import foot, opening
from ui.stage.steps import prose, step
from ui.training.visitor import address, visitor

LARGE = "font-size:3rem;line-height:1;font-weight:650;letter-spacing:0.04em;margin:0.25rem 0"
REFUSED = "class.refused"  # in the session's state: why the last wish was not fulfilled


def wish(act: Callable[[], object]) -> None:
    """Do something with a class; why it could not be done is said in the run that follows."""
    try:
        act()
    except (ClassRefused, ClassesUnavailable) as error:
        st.session_state[REFUSED] = str(error)


def say_refusal() -> None:
    """Why the last wish was not fulfilled, once."""
    if refused := st.session_state.pop(REFUSED, ""):
        st.warning(refused)


def enter() -> None:
    """Join by the code that was typed."""
    typed = st.session_state.get("class-code", "")
    code = read_code(typed)
    if code is None:
        raise ClassRefused("A code has eight letters and digits, such as K7QM-4TXP. Type it as your teacher shows it.")
    store.join(code, visitor(), address())


def leave() -> None:
    """Go on without the class."""
    store.leave(visitor())
    session.forget()


def no_class() -> None:
    """For whoever is in no class."""
    first = opening(
        CHAPTER,
        "In a class, everybody answers the questions of the chapters on their own device, and nobody sees the answer "
        "before the teacher reveals it. Then all see how the class has answered, beside the right one.\n\n"
        "Nobody needs an account or a name. A class and its answers are deleted after 24 hours.",
        words_first=True,
    )
    with first.words:
        st.button("Start a class", type="primary", key="class-start", on_click=wish, args=(session.begin,))
        with st.form("class-join", border=True):
            st.text_input("Or join one: its code", key="class-code", placeholder="K7QM-4TXP", max_chars=12, width=220)
            st.form_submit_button("Join", on_click=wish, args=(enter,))
    with first.instrument, st.container(key="class-here"):
        st.markdown(
            "1. **Start a class.** You get a code, a link and a QR code; students open it on their phones.\n"
            "2. **Open a chapter and press Present.** Each question shows how many have answered. **Reveal the "
            "answer** shows the class's answers beside the right one, here and on every phone.\n"
            "3. **Follow me**, at the bottom of every page: your chapter, step, dial, pins and drawing are on your "
            "students' screens, until they let go.\n"
            "4. **Keep the answers** as a CSV file before the day is over."
        )
    lessons()


def as_student(member: Membership) -> None:
    """For a student."""
    first = opening(
        CHAPTER,
        f"You are in the class **{shown(member.code)}**. Open the chapter that your teacher names, or wait: when your "
        "teacher presses **Follow me**, this page goes along. Your answers are counted without your name.",
        wide=True,
    )
    with first.instrument:
        st.button("Leave the class", key="class-leave", on_click=wish, args=(leave,))


def as_teacher(member: Membership, found: Classroom) -> None:
    """For whoever holds the class."""
    base = base_of(st.context.url or "http://localhost:8501/")
    outside = in_the_room(base)
    joining = link(outside or base, **{JOIN.name: shown(member.code)})
    first = opening(CHAPTER, "Students open this link, scan the QR code, or type the class's code on this page.")
    with first.words:
        st.html(Html(f'<p style="{LARGE}">{shown(member.code)}</p>'))
        st.code(joining, language=None, wrap_lines=True)
        if is_loopback(base):
            prose(
                "You opened the app at an address that means only this machine. "
                + (
                    f"Students find it at `{outside}`, if their devices are in the same network."
                    if outside
                    else "It has no other one: connect it to the network of your students."
                )
            )
        prose(
            "**Next**: choose a lesson below and press **Begin**, or open any chapter and press **Present**. Then "
            "press **Follow me** at the bottom."
        )
        st.toggle(
            "Hold every answer until I reveal it",
            value=found.holds,
            key="class-holds",
            on_change=lambda: wish(lambda: store.hold(member.code, bool(st.session_state["class-holds"]))),
        )
        secret = session.secret_of(member.code)
        with st.expander("Your own link, to hold this class on another device"):
            if secret:
                own = link(outside or base, CHAPTER.url, **{JOIN.name: shown(member.code), TEACHER.name: secret})
                st.code(own, language=None, wrap_lines=True)
                st.caption("Whoever has it holds the class as you do. This browser needs it no more.")
            else:
                st.caption("It is shown only where it was made. A new one ends the one before.")
                st.button(
                    "Make a new link", key="class-renew", on_click=wish,
                    args=(lambda: session.renew_secret(member.code),),
                )  # fmt: skip
    with first.instrument, st.container(key="class-here"):
        st.html(qr_picture(joining))
        with st.container(horizontal=True):
            st.download_button(
                "Answers as CSV", lambda: as_csv(member.code), f"class-{shown(member.code)}.csv", "text/csv",
                key="class-csv", icon=":material/download:", on_click="ignore",
            )  # fmt: skip
            with st.popover("End the class"):
                prose("This deletes the class and its answers. They are deleted after 24 hours in any case.")
                st.button(
                    "End it and delete its answers", key="class-end", on_click=wish,
                    args=(lambda: ended(member.code),),
                )  # fmt: skip

    lessons()
    answers(member.code)


def lessons() -> None:
    """Lessons to begin, step by step, with or without a class."""
    one = step(
        "lessons",
        "Lessons",
        "**Begin** presents the first step. From then on **Page down** brings the next one, whatever chapter it is in, "
        "and a line at the bottom says what to ask and to do, how much of the step's time is left, and what comes "
        "next. Who follows you goes along.",
        wide=True,
    )
    with one.instrument:
        for lesson in paths.lessons():
            with st.container(border=True, key=f"lesson-{lesson.slug}"):
                prose(f"### {lesson.title}, {lesson.minutes} minutes\n\n{lesson.about}")
                with st.container(horizontal=True, vertical_alignment="center"):
                    begun = st.button("Begin", key=f"lesson-begin-{lesson.slug}", type="primary")
                    st.markdown(
                        f"[Worksheet]({WORKSHEET}/{file_of(lesson.slug)}) · "
                        f"[solutions]({WORKSHEET}/{file_of(lesson.slug, solved=True)})"
                    )
                st.html(folded(f"Its {len(lesson.steps)} steps", overview(lesson)))
            if begun:
                walk.begin(lesson.slug)
                first = lesson.steps[0]
                arrive_anew(CHAPTER.url, first.page, first.query)


@st.fragment(run_every=None)
@errors_said()
def answers(code: str) -> None:
    """What has been answered."""
    one = step(
        "answers",
        "Answers",
        "Until you reveal a question, an answer may be changed and the last one counts. If you do not hold answers, "
        "each student sees the right one after their first, and the first counts, also if you hold them again.",
    )
    say_refusal()
    found = store.classroom(code)
    with one.words:
        st.button("Look again", key="class-look", icon=":material/refresh:")
    with one.instrument:
        if found is None or not found.questions:
            st.info("Nobody has answered yet. Open a chapter that asks a question, and press Present.")
        else:
            st.html(table_of(found))


def ended(code: str) -> None:
    """End the class."""
    store.end(code)
    session.forget()


say_refusal()
member = session.here()
found = None
with errors_said():
    found = store.classroom(member.code) if member else None
if member is None or found is None:
    no_class()
elif member.teaches:
    as_teacher(member, found)
else:
    as_student(member)
foot(CHAPTER)
