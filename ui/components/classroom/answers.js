// What this browser's student has answered, until the server says what it has kept. A connection may end between the two,
// and the process at its other end may die: then nobody knows whether the answer was stored. So it is sent again, over the
// next connection, and after the page was loaded anew; the server takes each only once (ui/classroom/store.py).

const PLACE = "vae-playground.unsent"; // in the tab's own storage
const AGAIN_MS = 2000; // after the server could not store it
const HEARD_WITHIN_MS = 8000; // longer than the server waits for its database: then the connection is dead, and says nothing of it

export class Answers {
  send;
  renew;
  waiting = new Map(); // name of a question -> {question, option, sent}, not yet heard of
  kept = new Map(); // -> {option, sent, final, lost}, or {refused, sent}, as the server said last
  clock = 0; // when the last one was sent: each is later than all before it
  code = null; // of the class

  // send(message): whether it could be said. renew(): make a new connection.
  constructor({ send, renew }) {
    Object.assign(this, { send, renew });
  }

  // code: of the class that the page is in now, or null.
  show(code) {
    if (code === this.code) return;
    this.code = code;
    clearTimeout(this.timer);
    this.kept.clear();
    this.waiting = code === null ? new Map() : this.remembered();
    this.sendAll();
  }

  // A student has chosen. question: sealed, as the page was given it.
  give(name, question, option) {
    this.clock = Math.max(this.clock + 1, Date.now());
    this.waiting.set(name, { question, option, sent: this.clock });
    this.remember();
    this.sendAll();
  }

  // Also whenever a connection has been made.
  sendAll() {
    clearTimeout(this.timer);
    if (!this.waiting.size) return;
    for (const answer of this.waiting.values()) if (!this.send(answer)) return; // it is sent once there is a connection
    this.timer = setTimeout(() => this.renew(), HEARD_WITHIN_MS);
  }

  // What the server said of one.
  heard({ name, of, option, sent, final, refused, again }) {
    const answer = this.waiting.get(name);
    if (again) {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.sendAll(), AGAIN_MS * (1 + Math.random()));
      return;
    }
    if (answer?.sent !== of) return; // the student has chosen again meanwhile
    this.kept.set(name, refused ? { refused, sent: of } : { option, sent, final, lost: option !== answer.option });
    this.waiting.delete(name);
    this.remember();
    if (!this.waiting.size) clearTimeout(this.timer);
  }

  // What counts as the answer to a question. mine: the server's word of it when the page ran last.
  // Returns {option: or null, final, waits: the option that was not yet heard of, or null, lost: whether the last one does
  // not count, refused: why not}.
  of(name, mine) {
    const kept = this.kept.get(name);
    const known = kept && kept.sent >= mine.sent ? kept : mine;
    return {
      option: known.option ?? null,
      final: Boolean(known.final || mine.final),
      waits: this.waiting.get(name)?.option ?? null,
      lost: Boolean(kept?.lost),
      refused: kept?.refused ?? "",
    };
  }

  remember() {
    try {
      if (this.waiting.size) sessionStorage.setItem(PLACE, JSON.stringify({ code: this.code, waiting: [...this.waiting] }));
      else sessionStorage.removeItem(PLACE);
    } catch { /* blocked: it waits until the page is closed */ }
  }

  remembered() {
    try {
      const { code, waiting } = JSON.parse(sessionStorage.getItem(PLACE) ?? "{}");
      return new Map(code === this.code ? waiting : []);
    } catch {
      return new Map();
    }
  }
}
