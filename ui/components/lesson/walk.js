// The line of a lesson under way: which step this is, what to ask and then to do, how long it may still take, and what
// comes next.
// The page itself is brought there by the server; what of a step the browser alone shows is taken up here.

import { pageLink } from "../engine/link.js";
import { MINUTE, began, left } from "./clock.js";

const PLACE = "vae-playground.lesson"; // in the tab's own storage: {lesson, run, began}, the time in ms at which it began
const LOOK_MS = 5000;

function kept() {
  try { return JSON.parse(sessionStorage.getItem(PLACE) ?? "null"); } catch { return null; }
}

function keep(told) {
  try { sessionStorage.setItem(PLACE, JSON.stringify(told)); } catch { /* blocked: a reload begins the time anew */ }
}

export class Walk {
  data = null;
  began = 0;
  shown = ""; // the step whose settings were taken up last

  // find(selector): within the lesson's component. tell(name): to the server.
  constructor(find, tell) {
    this.find = find;
    this.tell = tell;
    find(".walk-back").onclick = () => this.turn(-1);
    find(".walk-on").onclick = () => this.turn(1);
    find(".walk-end").onclick = () => this.tell("endlesson");
  }

  // A step further, or back; whether there is a lesson under way that takes the key.
  turn(by) {
    if (!this.data) return false;
    const there = this.data.number + by;
    if (there >= 1 && there <= this.data.of) this.tell(by > 0 ? "onward" : "back");
    return true;
  }

  // data: as `Walk.told` in ui/lessons/walk.py, with {here, query, values} of the step; null while there is no lesson.
  show(data) {
    this.data = data;
    clearInterval(this.looking);
    this.find(".walk").hidden = !data;
    if (!data) { this.shown = ""; return; }
    this.began = began(data, kept(), Date.now());
    keep({ lesson: data.lesson, run: data.run || kept()?.run || "", began: this.began });
    // Another step of the same page: its components have taken up their link already, and are told of the new one.
    const step = `${data.lesson} ${data.run} ${data.number}`;
    if (data.here && this.shown && this.shown !== step && pageLink.page === this.page) pageLink.follow(data.query, data.values);
    this.shown = step;
    this.page = pageLink.page;
    const say = (name, text) => { this.find(name).hidden = !text; this.find(name).textContent = text; };
    say(".walk-number", `${data.number} of ${data.of}`);
    say(".walk-title", data.title);
    say(".walk-asks", data.asks && `Ask: ${data.asks}`);
    say(".walk-do", data.do && `Do: ${data.do}`);
    say(".walk-next", data.next ? `Next: ${data.next}` : "This is the last step.");
    this.find(".walk-back").disabled = data.number === 1;
    this.find(".walk-on").disabled = data.number === data.of;
    this.draw();
    this.looking = setInterval(() => this.draw(), LOOK_MS);
  }

  draw() {
    const { data, began: since } = this;
    const rest = since + data.ends * MINUTE - Date.now();
    this.find(".walk-left").textContent = left(rest);
    this.find(".walk-left").classList.toggle("over", rest < 0);
  }

  end() { clearInterval(this.looking); }
}
