// Beside a question that a class is asked. A teacher sees how many have answered, and reveals. A student who has answered
// is told to wait. Once it is revealed, all see how the class has answered, and which answer is right.

import { element, endOf } from "../engine/page.js";
import { live } from "./live.js";

const MS_PER_STUDENT = 10; // over so long the pages of a class ask for the answer, which the server computes for each
const instances = new Map(); // mount point -> Tally

const percent = (count, of) => `${Math.round((100 * count) / of)}%`;

class Tally {
  data;
  tell;
  count = ""; // in words, how many have answered

  constructor(parent) {
    this.root = parent.querySelector(".tally");
    this.find = (selector) => this.root.querySelector(selector);
    this.find(".reveal").onclick = () => { this.find(".reveal").disabled = true; this.tell("reveal", true); };
    live.tallies.add(this);
    this.root.tally = this; // for tests and the browser console
  }

  update(data, tell) {
    if (this.data?.holds !== data.holds) this.rest();
    Object.assign(this, { data, tell });
    this.find(".reveal").disabled = false;
    this.build();
    if (this.silence) this.draw();
    else this.silence = live.listen(() => this.draw());
    this.root.hidden = false;
  }

  build() {
    const { options, right, mine } = this.data;
    this.rows = options.map((option, index) => {
      const bar = element("div", { className: "bar" });
      const tag = element("span", { className: "tag" });
      const row = element("li", {}, element("span", { className: "option", textContent: option }), tag, element("div", { className: "track", ariaHidden: "true" }, bar));
      row.classList.toggle("right", index === right);
      return { bar, tag, row, notes: [index === right && "✓ right", index === mine && "yours"].filter(Boolean) };
    });
    this.find(".rows").replaceChildren(...this.rows.map(({ row }) => row));
  }

  draw() {
    const { data } = this;
    const state = live.state ?? {};
    const news = state.questions?.[data.name];
    const counts = news?.counts ?? data.counts;
    const answered = news?.answered ?? data.answered ?? counts?.reduce((sum, count) => sum + count, 0) ?? 0;
    const students = Math.max(state.students ?? data.students, answered);
    this.count = `${answered} of ${students} ${students === 1 ? "student has" : "students have"} answered`;
    const released = state.holds === false && data.holds && data.mine !== null; // the teacher no longer holds answers
    if ((news?.counts && !data.revealed) || released) this.askForNews(students);
    this.find(".rows").hidden = !data.teaches && !(data.revealed && counts);
    this.find(".reveal").hidden = !data.teaches || data.revealed;
    for (const [index, { bar, tag, notes }] of this.rows.entries()) {
      const count = data.revealed ? counts?.[index] ?? 0 : 0;
      bar.style.setProperty("--share", answered ? count / answered : 0);
      tag.textContent = [...notes, data.revealed ? `${count}${answered ? ` (${percent(count, answered)})` : ""}` : ""].filter(Boolean).join(" · ");
    }
    const said = data.teaches ? `${this.count}.`
      : data.revealed ? `The class: ${answered} ${answered === 1 ? "answer" : "answers"}.`
      : data.mine !== null && data.holds ? "Answered. Wait for your teacher to reveal the result; until then you can change your answer."
      : "";
    if (this.find(".tally-said").textContent !== said) this.find(".tally-said").textContent = said;
    this.find(".tally-line").hidden = !said && this.find(".reveal").hidden;
  }

  // Whether a teacher waits for answers to it, on the slide that is shown or the page.
  get waits() { return this.data.teaches && !this.data.revealed && this.root.getClientRects().length > 0; }

  // Once: the page then has the answer, or what the class said is shown all the same the next time that it runs.
  askForNews(students) {
    if (this.asking) return;
    this.asking = setTimeout(() => this.tell("news", true), Math.random() * MS_PER_STUDENT * students);
  }

  rest() {
    clearTimeout(this.asking);
    this.asking = null;
  }

  remove() {
    this.rest();
    live.tallies.delete(this);
    this.silence?.();
  }
}

export default function (call) {
  const { data, parentElement, setTriggerValue } = call;
  let tally = instances.get(parentElement);
  if (!tally) instances.set(parentElement, (tally = new Tally(parentElement)));
  tally.update(data, setTriggerValue);
  return endOf(call, () => {
    instances.get(parentElement)?.remove();
    instances.delete(parentElement);
  });
}
