// The page while it is presented, and the question that it begins with: styles for the whole document, which outlive
// every rerun and are taken back with it.

// Type that is read from the back of a room: 24 px where the screen is 1280 wide. Everything else is measured in it.
const PRESENTED = `
  html:root { font-size: clamp(18px, 1.875vw, 36px); --plane-most: min(44rem, 88vh); }
  [data-testid="stHeader"], [data-testid="stSidebar"], [data-testid="stToolbar"] { display: none !important; }
  [data-testid="stMainBlockContainer"] { padding: 2rem 1.25rem 1rem !important; }
  [data-testid="stMarkdown"], [data-testid="stElementContainer"]:has(> [data-testid="stMarkdown"]),
  [data-testid="stVerticalBlock"]:has(> [class*="st-key-predict-"]) { max-width: 100%; width: min(100%, 44rem) !important; }
  .st-key-lesson {
    position: fixed !important; top: 0.25rem; right: 1.25rem; z-index: 100; height: 1.75rem !important;
    width: min(26rem, 80vw) !important;
  }
`;
const SETTLING_MS = 8000; // a page grows above its questions while it loads
const LOOK_MS = 150;
const FROM_TOP = 0.12; // of the window's height

export class Presentation {
  constructor() { this.style = document.createElement("style"); }

  show({ present, hide, ask }, colour) {
    const marked = ask ? `${ask} { outline: 4px solid ${colour}; outline-offset: 3px; }` : "";
    const hidden = hide.length ? `${hide.join(", ")} { display: none !important; }` : "";
    const text = `${present ? PRESENTED + hidden : ""}${marked}`;
    if (this.style.textContent !== text) this.style.textContent = text;
    if (!this.style.isConnected) document.head.append(this.style);
  }

  // Brings the question near the top of the window, and keeps it there until the page has settled or the visitor acts.
  bring(selector) {
    this.release();
    this.ends = new AbortController();
    const { signal } = this.ends;
    for (const name of ["wheel", "pointerdown", "keydown", "touchstart"]) {
      window.addEventListener(name, () => this.release(), { signal, capture: true, passive: true });
    }
    const until = performance.now() + SETTLING_MS;
    this.looking = setInterval(() => {
      const question = document.querySelector(selector);
      if (question) {
        const away = question.getBoundingClientRect().top - FROM_TOP * window.innerHeight;
        const main = question.closest('[data-testid="stMain"]') ?? document.scrollingElement;
        const room = main.scrollHeight - main.clientHeight - main.scrollTop;
        if (Math.abs(away) > 2 && (away < 0 ? main.scrollTop > 0 : room > 0)) main.scrollBy({ top: away, behavior: "instant" });
      }
      if (performance.now() > until) this.release();
    }, LOOK_MS);
  }

  release() {
    clearInterval(this.looking);
    this.ends?.abort();
  }

  end() {
    this.release();
    this.style.remove();
  }
}
