// The line at the bottom of every page of a visitor who is in a class: which one, and following.

import { Following, Leading } from "./following.js";
import { live } from "./live.js";

const LOOK_MS = 500;
const RETRY_MS = 6000; // at least so long after the server could not say which class this is: it does not look again sooner
const LONGEST_RETRY_MS = 60000;
const STUDENTS = (count) => (count === 1 ? "1 student" : `${count} students`);

export class Strip {
  // find(selector): within the lesson's component. presentation: of the page. tell(name): to the server.
  constructor(find, presentation, tell) {
    this.find = find;
    this.tell = tell;
    this.leading = new Leading({ step: () => presentation.here(), changed: () => this.draw() });
    this.following = new Following({
      go: () => this.tell("follow"),
      bring: (step) => { if (step) presentation.bring(`.${step}`); },
    });
    find(".class-code").onclick = () => this.tell("classroom");
    find(".class-leave").onclick = () => this.tell("leaveclass");
    find(".class-follow").onclick = () => this.toggle();
    // A slide may have its question further down: how many have answered stands here, too.
    this.looking = setInterval(() => { if (presentation.presents && this.data?.teaches) this.draw(); }, LOOK_MS);
    this.presentation = presentation;
    this.silence = live.listen((state) => this.heard(state));
  }

  // data: {code, shown, teaches, ticket, known, frame, problem}; {problem, retry} where no class was found; null in none.
  show(data) {
    this.data = data;
    if (!data?.retry) this.rest();
    else if (!this.retrying) this.retry(RETRY_MS);
    live.give(data?.ticket ?? null);
    const code = data?.ticket ? data.code : null;
    this.leading.show(data?.teaches ? code : null, data?.frame ?? []);
    this.following.show(data && !data.teaches ? code : null, data?.known ?? []);
    this.draw();
  }

  // The page asks again until it is told which class it is in, ever less often, and not all pages in one moment.
  retry(wait) {
    this.retrying = setTimeout(() => {
      this.tell("classover");
      this.retry(Math.min(2 * wait, LONGEST_RETRY_MS));
    }, wait * (1 + Math.random()));
  }

  rest() {
    clearTimeout(this.retrying);
    this.retrying = null;
  }

  toggle() {
    (this.data.teaches ? this.leading : this.following).toggle();
    this.draw();
  }

  heard(state) {
    if (!this.data) return;
    if (state?.over && !this.over) this.tell("classover"); // once: the page finds out what became of it
    this.over = Boolean(state?.over);
    this.leading.heard(state);
    this.following.heard(state);
    this.draw();
  }

  draw() {
    const { data, leading, following } = this;
    this.find(".class").hidden = !data;
    if (!data) return;
    const state = live.state ?? {};
    const inClass = Boolean(data.ticket);
    const leads = Boolean(state.place);
    this.find(".class-code").hidden = !inClass;
    this.find(".class-code").textContent = `Class ${data.shown ?? ""}`;
    this.find(".class-leave").hidden = !inClass || data.teaches;
    const follow = this.find(".class-follow");
    follow.hidden = !inClass || !(data.teaches || leads);
    const on = data.teaches ? leading.on : following.on;
    follow.setAttribute("aria-pressed", String(on));
    follow.textContent = data.teaches ? "Follow me" : on ? "Let go" : "Follow the teacher";
    follow.title = data.teaches ? "What is on this screen is on the students', until they let go"
      : on ? "Go on at your own pace" : "See what is on the teacher's screen";
    const said = data.problem || state.problem || live.refused || (data.teaches
      ? `${this.asked() || STUDENTS(state.students ?? 0)}${on ? " · they follow this screen" : ""}`
      : leads && on ? "You follow the teacher." : "");
    if (this.find(".class-said").textContent !== said) this.find(".class-said").textContent = said;
  }

  // While presenting: how many have answered the question of the slide; empty where it asks none.
  asked() {
    return this.presentation.presents ? [...live.tallies].find((tally) => tally.waits)?.count ?? "" : "";
  }

  end() {
    clearInterval(this.looking);
    this.rest();
    this.silence();
    this.leading.end();
    live.give(null);
  }
}
