// What the page's class shows now: a WebSocket, over which the server says it again whenever it has changed
// (ui/app/live_class.py). Where the connection ends it is made anew.

import { shared } from "../engine/shared.js";
import { Answers } from "./answers.js";

const WAITS_MS = [300, 1000, 2000, 5000, 10000]; // before each further attempt; the last one holds for all that follow
const SPREAD = 0.5; // a class that lost its server does not come back in one moment
const NOT_OURS = 4001; // the server knows no such class or page: no further attempt

class Live {
  constructor() {
    this.listeners = new Set();
    this.tallies = new Set(); // of the page's questions
    this.state = null; // what the server said last; null before
    this.ticket = null;
    this.attempts = 0;
    this.opened = 0; // connections so far
    this.refused = ""; // why the server did not take what this page said last
    this.again = false; // whether it may take the same later
    this.answers = new Answers({ send: (answer) => this.say(answer), renew: () => this.renew() });
  }

  // Called in every run of the page; ticket: null where it is in no class.
  give(ticket) {
    if (ticket === this.ticket) return;
    this.end();
    this.ticket = ticket;
    this.state = null;
    this.answers.show(ticket?.split(".")[0] ?? null);
    if (ticket) this.connect();
    this.tell();
  }

  // A student's answer to a question; see Answers.
  answer(name, question, option) {
    this.answers.give(name, question, option);
    this.tell();
  }

  // listener(state) is called at once, and after every change. Returns what ends that.
  listen(listener) {
    this.listeners.add(listener);
    listener(this.state);
    return () => this.listeners.delete(listener);
  }

  // Whether it could be said. A teacher's page says where it is, a student's what is answered.
  say(message) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
    return this.socket?.readyState === WebSocket.OPEN;
  }

  connect() {
    const url = new URL("class/live", document.baseURI);
    url.protocol = url.protocol.replace("http", "ws");
    const socket = new WebSocket(url);
    this.socket = socket;
    socket.addEventListener("open", () => {
      if (socket !== this.socket) return;
      this.opened++;
      socket.send(this.ticket);
      this.answers.sendAll();
    });
    socket.addEventListener("message", ({ data }) => {
      this.attempts = 0;
      const said = JSON.parse(data);
      if (said.answer) {
        this.answers.heard(said.answer);
        this.tell();
        return;
      }
      this.refused = said.refused ?? "";
      this.again = Boolean(said.again);
      if (!said.refused) this.state = said;
      this.tell();
    });
    socket.addEventListener("close", ({ code }) => {
      if (socket !== this.socket) return;
      if (code === NOT_OURS) { this.state = { over: true }; this.tell(); return; }
      const wait = WAITS_MS[Math.min(this.attempts++, WAITS_MS.length - 1)];
      this.waiting = setTimeout(() => this.connect(), wait * (1 + SPREAD * Math.random()));
    });
  }

  // In the place of a connection that says nothing any more.
  renew() {
    this.end();
    this.connect();
  }

  tell() { for (const listener of this.listeners) listener(this.state); }

  end() {
    clearTimeout(this.waiting);
    const { socket } = this;
    this.socket = null;
    socket?.close();
  }
}

// One for all components of the page.
export const live = shared("class", () => new Live());
