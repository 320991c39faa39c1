// A question that a class is asked. A student answers, which goes to the server over the class's own connection, and is
// told what became of it. A teacher sees how many have answered, and reveals. Once it is revealed, all see how the class
// has answered, and which answer is right.

import { element, endOf } from "../engine/page.js";
import { live } from "./live.js";

const MS_PER_STUDENT = 10; // over so long the pages of a class ask for the answer, which the server computes for each
const UNHEARD_MS = 1500; // an answer of which nothing was heard for so long is said not to have arrived
const instances = new Map(); // mount point -> Tally
let groups = 0; // of choices so far: each has a name of its own

const percent = (count, of) => `${Math.round((100 * count) / of)}%`;

class Tally {
  data;
  tell;
  count = ""; // in words, how many have answered
  hearing = null; // runs while an answer waits
  late = false; // it has waited for long

  constructor(parent) {
    this.root = parent.querySelector(".tally");
    this.find = (selector) => this.root.querySelector(selector);
    this.find(".reveal").onclick = () => { this.find(".reveal").disabled = true; this.tell("reveal", true); };
    live.tallies.add(this);
    this.root.tally = this; // for tests and the browser console
  }

  update(data, tell) {
    const shows = JSON.stringify([data.name, data.holds, data.revealed, data.mine.final]);
    if (shows !== this.shows) this.rest(); // the page has what it had asked for
    this.shows = shows;
    Object.assign(this, { data, tell });
    this.find(".reveal").disabled = false;
    this.build();
    if (this.silence) this.draw();
    else this.silence = live.listen(() => this.draw());
    this.root.hidden = false;
  }

  build() {
    const { options, right } = this.data;
    this.rows = options.map((option, index) => {
      const bar = element("div", { className: "bar" });
      const tag = element("span", { className: "tag" });
      const row = element("li", {}, element("span", { className: "option", textContent: option }), tag, element("div", { className: "track", ariaHidden: "true" }, bar));
      row.classList.toggle("right", index === right);
      return { bar, tag, row };
    });
    this.find(".rows").replaceChildren(...this.rows.map(({ row }) => row));
    this.choose(options);
  }

  // The options as something to choose from: made once for a question, so that no run takes the focus away.
  choose(options) {
    const { name, text } = this.data;
    if (this.chosenFrom === JSON.stringify([name, options])) return;
    this.chosenFrom = JSON.stringify([name, options]);
    groups++;
    this.choices = options.map((option, index) => {
      const input = element("input", { type: "radio", name: `choices-${groups}`, value: String(index) });
      input.onchange = () => this.answer(index);
      return element("label", { className: "choice" }, input, element("span", { textContent: option }));
    });
    this.find(".choices").replaceChildren(...this.choices);
    this.find(".choices").setAttribute("aria-label", text);
  }

  answer(index) {
    this.heard();
    live.answer(this.data.name, this.data.question, index);
  }

  // Whether an answer waits for so long that it is to be said.
  waited(mine) {
    if (mine.waits === null) this.heard();
    else this.hearing ??= setTimeout(() => { this.late = true; this.draw(); }, UNHEARD_MS);
    return this.late;
  }

  heard() {
    clearTimeout(this.hearing);
    Object.assign(this, { hearing: null, late: false });
  }

  draw() {
    const { data } = this;
    const state = live.state ?? {};
    const news = state.questions?.[data.name];
    const counts = news?.counts ?? data.counts;
    const answered = news?.answered ?? data.answered ?? counts?.reduce((sum, count) => sum + count, 0) ?? 0;
    const students = Math.max(state.students ?? data.students, answered);
    const mine = live.answers.of(data.name, data.mine);
    this.count = `${answered} of ${students} ${students === 1 ? "student has" : "students have"} answered`;
    const released = state.holds === false && mine.option !== null; // the teacher does not, or no longer, hold answers
    const unseen = !data.revealed && !data.mine.final && !data.teaches; // the page does not show the right answer
    if ((news?.counts && !data.revealed) || (unseen && (released || mine.final))) this.askForNews(mine.final ? 0 : students);
    this.find(".rows").hidden = !data.teaches && !(data.revealed && counts);
    this.find(".reveal").hidden = !data.teaches || data.revealed;
    for (const [index, { bar, tag }] of this.rows.entries()) {
      const count = data.revealed ? counts?.[index] ?? 0 : 0;
      const notes = [index === data.right && "✓ right", index === mine.option && !data.teaches && "yours"];
      bar.style.setProperty("--share", answered ? count / answered : 0);
      tag.textContent = [...notes, data.revealed ? `${count}${answered ? ` (${percent(count, answered)})` : ""}` : ""].filter(Boolean).join(" · ");
    }
    this.find(".choices").hidden = data.teaches || data.revealed;
    for (const [index, choice] of this.choices.entries()) {
      const input = choice.querySelector("input");
      input.checked = index === (mine.waits ?? mine.option);
      input.disabled = mine.final;
    }
    const said = data.teaches ? `${this.count}.` : this.told(mine, answered);
    if (this.find(".tally-said").textContent !== said) this.find(".tally-said").textContent = said;
    this.find(".tally-line").hidden = !said && this.find(".reveal").hidden;
  }

  // What a student is told of their answer: that it counts only after the server has said so.
  told(mine, answered) {
    const { data } = this;
    if (this.waited(mine)) return "Your answer has not arrived yet. It is sent again until it has.";
    if (mine.waits === null && mine.refused) return mine.refused;
    const late = mine.lost ? "The right answer was shown before your last one came, which is not counted." : "";
    const all = data.revealed ? `The class: ${answered} ${answered === 1 ? "answer" : "answers"}.` : "";
    if (late || all) return `${late} ${all}`.trim();
    if (mine.option === null || mine.final || !data.holds) return "";
    return "Answered. Wait for your teacher to reveal the result; until then you can change your answer.";
  }

  // Whether a teacher waits for answers to it, on the slide that is shown or the page.
  get waits() { return this.data.teaches && !this.data.revealed && this.root.getClientRects().length > 0; }

  // Once: the page then has the answer, or what the class said is shown all the same the next time that it runs.
  // students: how many pages may ask in this moment.
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
    this.heard();
    live.tallies.delete(this);
    this.silence?.();
  }
}

export default function (call) {
  const { data: [data], parentElement, setTriggerValue } = call;
  let tally = instances.get(parentElement);
  if (!tally) instances.set(parentElement, (tally = new Tally(parentElement)));
  tally.update(data, setTriggerValue);
  return endOf(call, () => {
    instances.get(parentElement)?.remove();
    instances.delete(parentElement);
  });
}
