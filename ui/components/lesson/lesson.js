// The line above every page: copies the link to what is on screen, presents and leaves again.

import { pageLink } from "../engine/link.js";
import { endOf } from "../engine/page.js";
import { Strip } from "../classroom/strip.js";
import { plainMenu } from "./menu.js";
import { Presentation } from "./present.js";
import { Progress } from "./progress.js";
import { Room } from "./room.js";
import { Walk } from "./walk.js";

const SAID_MS = 4000;
const lessons = new Map(); // mount point -> Lesson

class Lesson {
  constructor(parent) {
    this.root = parent.querySelector(".lesson");
    this.find = (selector) => this.root.querySelector(selector);
    this.walk = new Walk((selector) => parent.querySelector(selector), (name) => this.tell(name));
    this.presentation = new Presentation(this.find, (by) => this.walk.turn(by));
    this.room = new Room(parent.querySelector(".below"));
    this.progress = new Progress();
    this.strip = new Strip((selector) => parent.querySelector(selector), this.presentation, (name) => this.tell(name));
    this.ends = new AbortController();
    plainMenu(this.ends.signal);
    this.find(".copy").onclick = () => this.copy();
    this.find(".present").onclick = () => this.tell("present");
    this.find(".leave").onclick = () => this.tell("leave");
    this.find(".by-hand").addEventListener("blur", () => this.showByHand(null));
    // Components that have a use for Escape of their own prevent what it does otherwise.
    document.addEventListener("keydown", (event) => {
      const writing = event.target instanceof Element && event.target.closest("input:not([type=radio]), textarea, [role=listbox], [role=dialog]");
      if (event.key === "Escape" && !event.defaultPrevented && !writing && this.data.present) this.tell("leave");
    }, { signal: this.ends.signal });
    this.root.lesson = this; // for tests and the browser console
  }

  update(data, tell) {
    this.data = data;
    this.tell = (name) => tell(name, true);
    pageLink.give(data.page, data.values);
    this.find(".leave").hidden = !data.present;
    this.find(".present").hidden = data.present;
    this.progress.show(data.page);
    this.presentation.show(data, getComputedStyle(this.root).getPropertyValue("--st-primary-color"));
    const begins = data.ask ?? data.at; // of the page: a question, or a step
    const asked = begins && `${data.page} ${begins} ${data.walk?.number ?? ""}`;
    if (asked && asked !== this.asked) this.presentation.bring(begins);
    this.asked = asked;
    this.walk.show(data.walk ?? null);
    this.strip.show(data.class ?? null);
  }

  // The clipboard asks for a safe connection and may be refused, as in a frame; the older way asks for neither. If both
  // fail, the link is there, selected, to be copied by hand.
  async copy() {
    const url = pageLink.url();
    for (const name of this.data.uncopied) url.searchParams.delete(name);
    const link = url.href;
    pageLink.write();
    try {
      await navigator.clipboard.writeText(link);
      this.say("Link copied.");
    } catch {
      this.showByHand(link);
      if (document.execCommand("copy")) {
        this.showByHand(null);
        this.find(".copy").focus();
        this.say("Link copied.");
      } else this.say("Copy the selected link by hand.");
    }
  }

  showByHand(link) {
    const field = this.find(".by-hand");
    field.hidden = link === null;
    if (link === null) return;
    field.value = link;
    field.focus({ preventScroll: true });
    field.select();
  }

  say(text) {
    const said = this.find(".said");
    said.textContent = text;
    clearTimeout(this.saying);
    this.saying = setTimeout(() => { said.textContent = ""; }, SAID_MS);
  }

  remove() {
    this.strip.end();
    this.walk.end();
    this.room.end();
    this.presentation.end();
    this.progress.end();
    this.ends.abort();
    clearTimeout(this.saying);
  }
}

export default function (call) {
  const { data: [data], parentElement, setTriggerValue } = call;
  let lesson = lessons.get(parentElement);
  if (!lesson) lessons.set(parentElement, (lesson = new Lesson(parentElement)));
  lesson.update(data, setTriggerValue);
  return endOf(call, () => {
    lessons.get(parentElement)?.remove();
    lessons.delete(parentElement);
  });
}
