// Follow me: a teacher's screen says where it is, and those who follow go there.

import { pageLink } from "../engine/link.js";
import { live } from "./live.js";

const LOOK_MS = 150;
const AGAIN_MS = 2000; // after the server could not note what this screen said
const LEADS = "vae-playground.leads"; // in the tab's own storage: the class that this screen leads
const LET_GO = "vae-playground.let-go"; // the class that this tab no longer follows

function kept(place) {
  try { return sessionStorage.getItem(place); } catch { return null; }
}

function keep(place, text) {
  try {
    if (text === null) sessionStorage.removeItem(place);
    else sessionStorage.setItem(place, text);
  } catch { /* blocked: it holds until the page is loaded anew */ }
}

const randomName = () => Array.from(crypto.getRandomValues(new Uint8Array(9)), (byte) => (byte % 36).toString(36)).join("");

// Where this screen is: {page, query, step}; null while it changes. frame: parameters that are a visitor's own.
function placeOf(frame, step) {
  if (pageLink.page === null || location.pathname !== pageLink.path) return null;
  const said = [...pageLink.url().searchParams].filter(([name]) => !frame.includes(name));
  return { page: pageLink.page, query: Object.fromEntries(said), step };
}

export class Leading {
  step;
  changed;
  code = null; // of the class that this visitor holds
  frame = []; // parameters of the link that are a visitor's own
  on = false;
  asked = false; // whether the server was told that this screen leads
  led = false; // whether it has said so itself
  said = ""; // the place that it was told last
  rests = 0; // the time (ms) before which it is told nothing
  opened = 0; // the connection of which this screen heard last

  // step(): the name of the step in view. changed(): this screen began or ended to lead.
  constructor({ step, changed }) {
    Object.assign(this, { step, changed });
    this.screen = randomName();
  }

  // The page ran; code: of the class that this visitor holds, or null.
  show(code, frame) {
    Object.assign(this, { frame });
    if (code === this.code) return;
    this.code = code;
    if (code !== null && kept(LEADS) === code) this.begin(); // the page was loaded anew
    else if (this.on) this.cease();
  }

  toggle() {
    if (this.on) { live.say({ what: "stop", screen: this.screen }); this.cease(); } else this.begin();
  }

  begin() {
    Object.assign(this, { on: true, asked: false, said: "", led: false });
    keep(LEADS, this.code);
    clearInterval(this.looking);
    this.looking = setInterval(() => this.look(), LOOK_MS);
    this.changed();
  }

  cease() {
    this.on = false;
    keep(LEADS, null);
    clearInterval(this.looking);
    this.changed();
  }

  look() {
    if (performance.now() < this.rests) return;
    if (!this.asked) this.asked = live.say({ what: "lead", screen: this.screen });
    const place = placeOf(this.frame, this.step());
    const text = JSON.stringify(place);
    if (place && this.asked && text !== this.said && live.say({ what: "place", screen: this.screen, place })) this.said = text;
  }

  // What the server says of the class. What this screen said last may be lost with a connection, or was not noted.
  heard(state) {
    const { opened, again } = live;
    if (!state || again || opened !== this.opened) Object.assign(this, { asked: false, said: "", opened });
    if (again) this.rests = performance.now() + AGAIN_MS;
    if (!state || !this.on || state.leader === undefined) return;
    if (state.leader === this.screen) this.led = true;
    else if (this.led) { this.asked = false; this.cease(); } // another of the teacher's screens leads now
  }

  end() { clearInterval(this.looking); }
}

export class Following {
  go;
  bring;
  code = null; // of the class that this visitor is a student of
  known = []; // what a link to the page may say of it
  done = null; // the teacher's move that this page has made
  asked = null; // the one for which the server was asked to bring another page
  step = "";
  released = false; // let go, also where nothing can be kept

  // go(): let the server bring this page to the place. bring(step): let a step come into view.
  constructor({ go, bring }) {
    Object.assign(this, { go, bring });
  }

  get on() { return this.code !== null && kept(LET_GO) !== this.code && !this.released; }

  // The page ran; code: of the class that this visitor is a student of, or null.
  show(code, known) {
    if (code !== this.code) Object.assign(this, { code, done: null, asked: null, released: false });
    this.known = known;
    this.heard(live.state);
  }

  toggle() {
    this.released = this.on;
    keep(LET_GO, this.released ? this.code : null);
    Object.assign(this, { done: null, asked: null, step: "" });
    this.heard(live.state);
  }

  heard(state) {
    const to = state?.place;
    if (!to || !this.on || to.move === this.done || pageLink.page === null) return;
    if (to.page !== pageLink.page) { // once the page is there, it hears of the move again (show)
      if (to.move !== this.asked) this.go();
      this.asked = to.move;
      this.step = "";
      return;
    }
    this.done = to.move;
    const taken = pageLink.follow(to.query, to.values);
    const here = new URL(location.href).searchParams;
    const differs = (name) => (here.get(name) ?? "") !== (to.query[name] ?? "");
    if (this.known.some((name) => !taken.has(name) && differs(name))) this.go();
    if (to.step !== this.step) this.bring(to.step);
    this.step = to.step;
  }
}
