// Which chapters this visitor has come to the end of. It is kept in the browser alone; Home's cards show it.

const PLACE = "vae-playground.progress";
const SLUG = /^[a-z][a-z0-9_]*$/;
const END = ".st-key-chapter-end";
const LOOK_MS = 300;

function read() {
  try {
    const kept = JSON.parse(localStorage.getItem(PLACE) ?? "[]");
    return new Set(Array.isArray(kept) ? kept.filter((slug) => typeof slug === "string" && SLUG.test(slug)) : []);
  } catch {
    return new Set(); // storage is blocked, or holds something else
  }
}

// The end counts as reached once its heading is on screen.
function endSeen() {
  const end = document.querySelector(END);
  return Boolean(end) && end.getBoundingClientRect().top < window.innerHeight;
}

export class Progress {
  constructor() {
    this.style = document.createElement("style");
    this.done = read();
    this.look = () => {
      clearTimeout(this.waiting);
      this.waiting = setTimeout(() => { if (this.page && endSeen()) this.finish(); }, LOOK_MS);
    };
    window.addEventListener("scroll", this.look, { capture: true, passive: true });
  }

  show(page) {
    this.page = page;
    this.mark();
  }

  finish() {
    if (this.done.has(this.page)) return;
    this.done = read().add(this.page); // another tab may have got further
    try {
      localStorage.setItem(PLACE, JSON.stringify([...this.done]));
    } catch { /* blocked or full: it is known until the page is closed */ }
    this.mark();
  }

  // A mark on the cards of finished chapters, as a style: the cards are Streamlit's and are made anew by every run.
  mark() {
    const cards = [...this.done].map((slug) => `.st-key-card-${slug} .card-state::after`);
    this.style.textContent = cards.length ? `${cards.join(", ")} { content: "✓ done"; }` : "";
    if (!this.style.isConnected) document.head.append(this.style);
  }

  end() {
    window.removeEventListener("scroll", this.look, { capture: true });
    clearTimeout(this.waiting);
    this.style.remove();
  }
}
