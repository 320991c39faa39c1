// The page while it is presented, step by step, and the question that it begins with: styles for the whole document, which outlive
// every rerun and are taken back with it.

// Type that is read from the back of a room: 20 px where the screen is 1280 wide. Everything else is measured in it.
const PRESENTED = `
  html:root { font-size: clamp(16px, 1.5625vw, 32px); --below-bar: 2.75rem; --plane-most: calc(100vh - 11rem); }
  [data-testid="stHeader"], [data-testid="stSidebar"], [data-testid="stToolbar"], .st-key-chapter-end { display: none !important; }
  [data-testid="stMainBlockContainer"] { padding: 2.5rem 1.25rem 1rem !important; }
  .st-key-lesson { top: 0.25rem; right: 1.25rem; }
`;
const STEP = ":is([class*='st-key-step-'], [class*='st-key-widestep-'])";
const BOX = "[data-testid='stLayoutWrapper']";
const SETTLING_MS = 8000; // a page grows above its questions while it loads
const LOOK_MS = 150;
const FROM_TOP = 0.12; // of the window's height
const IN_VIEW = 0.4; // of it: a step whose heading is above that is being read

// Streamlit's boxes around the other steps go too: empty, they would still push the slide down.
const onlyStep = (key) => `
  :is(${STEP}:not(.${key}), ${BOX}:has(${STEP}):not(:has(.${key}))) { display: none !important; }
  ${BOX}:has(.${key}) { margin-top: 0 !important; }
`;

const keyOf = (step) => /st-key-(?:wide)?step-[\w-]+/.exec(step?.className ?? "")?.[0];

export class Presentation {
  // find(selector): within the lesson's line. walked(by): whether the keys that turn belong to a lesson under way.
  constructor(find, walked) {
    this.find = find;
    this.style = document.createElement("style");
    this.said = ""; // what the page looks like beside which step is shown
    this.place = 0; // of the step that is shown
    this.ended = new AbortController();
    const { signal } = this.ended;
    find(".before").addEventListener("click", () => this.turn(-1), { signal });
    find(".after").addEventListener("click", () => this.turn(1), { signal });
    document.addEventListener("keydown", (event) => {
      const by = { PageDown: 1, PageUp: -1 }[event.key];
      if (!by || !this.presents || event.defaultPrevented) return;
      event.preventDefault();
      if (!walked(by)) this.turn(by);
    }, { signal });
    this.steps = [];
  }

  turn(by) {
    this.place = Math.min(Math.max(this.place + by, 0), Math.max(this.steps.length - 1, 0));
    this.slide();
    document.querySelector("[data-testid='stMain']")?.scrollTo({ top: 0 });
  }

  // The keys of the page's steps, in its order.
  count() {
    const steps = [...document.querySelectorAll(STEP)].map(keyOf).filter(Boolean);
    if (steps.join() === this.steps.join()) return;
    this.steps = steps;
    this.turn(0);
  }

  // One step at a time is on screen.
  slide() {
    const { steps, place } = this;
    this.find(".slides").hidden = !this.presents || steps.length < 2;
    this.find(".slide").textContent = `${place + 1} of ${steps.length}`;
    this.find(".before").disabled = place === 0;
    this.find(".after").disabled = place >= steps.length - 1;
    const text = `${this.said}${this.presents && steps.length > 1 ? onlyStep(steps[place]) : ""}`;
    if (this.style.textContent !== text) this.style.textContent = text;
    if (!this.style.isConnected) document.head.append(this.style);
  }

  // The step in view, as a name for `bring`; empty where a page has none.
  here() {
    if (this.presents) return this.steps[this.place] ?? "";
    const most = IN_VIEW * window.innerHeight;
    const reached = [...document.querySelectorAll(STEP)].filter((step) => step.getBoundingClientRect().top < most);
    return keyOf(reached.at(-1)) ?? "";
  }

  // The step that holds an element comes on screen.
  reach(element) {
    const place = this.steps.indexOf(keyOf(element.closest(STEP)));
    if (place >= 0 && place !== this.place) { this.place = place; this.slide(); }
  }

  show({ present, hide, ask }, colour) {
    const marked = ask ? `${ask} { outline: 4px solid ${colour}; outline-offset: 3px; }` : "";
    const hidden = hide.length ? `${hide.join(", ")} { display: none !important; }` : "";
    this.said = `${present ? PRESENTED + hidden : ""}${marked}`;
    this.presents = present;
    clearInterval(this.counting);
    if (present) {
      this.count();
      this.counting = setInterval(() => this.count(), LOOK_MS); // a page's steps come one by one
    }
    this.slide();
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
        if (this.presents) this.reach(question);
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
    this.ended.abort();
    clearInterval(this.counting);
    this.style.remove();
  }
}
