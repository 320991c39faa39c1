// The page's link. Much of what a visitor does never reaches the server; what of it a link should say is kept in the URL
// from here, by history.replaceState: no rerun and no message, however many do it.
//
// Streamlit writes the query string too, from its own notes, in which these parameters are missing or old. They do not
// fight: whenever it has written, what is on screen is put over it again (where the browser says so: the Navigation
// API), and a link that is copied is always made from what is on screen.

import { shared } from "./shared.js";

const SETTLED_MS = 250; // nothing is written while a hand moves

// Streamlit adds an entry to the history for every setting, and Back would change the link alone, not the setting. So
// entries are pages only: Back leads to the page before, however many settings were changed on this one.
function keepSettingsOutOfHistory() {
  const add = history.pushState.bind(history);
  history.pushState = (state, unused, url) => {
    const here = new URL(url ?? location.href, location.href).pathname === location.pathname;
    if (here) history.replaceState(state, unused, url);
    else add(state, unused, url);
  };
}

class PageLink {
  constructor() {
    this.page = null; // of the link; null until the component lesson has said it
    this.path = null;
    this.values = {}; // what the link said and no component has taken up yet
    this.members = new Map(); // component -> the page that it came with
    globalThis.navigation?.addEventListener("currententrychange", () => this.write());
    keepSettingsOutOfHistory();
  }

  // Called by the component lesson in every run: the page, and the checked values of its link, which count on arrival only.
  give(page, values) {
    if (page === this.page) return;
    this.page = page;
    this.path = location.pathname;
    this.values = { ...values };
    for (const [member, its] of this.members) if (its === null) this.join(member);
  }

  // member: {linked(): {name: text, or "" for what is usual}, restore(values)}. It joins when it is ready to be
  // restored, and leaves when it is taken off the page.
  join(member) {
    this.members.set(member, this.page);
    const mine = Object.keys(member.linked()).filter((name) => name in this.values);
    if (!mine.length) return;
    const values = Object.fromEntries(mine.map((name) => [name, this.values[name]]));
    for (const name of mine) delete this.values[name];
    member.restore(values);
  }

  // What is on screen becomes what another screen's link says: texts, and their checked values. A member that is somewhere
  // else is restored; what the link leaves out is as usual(), {name: value}. A member may also have led(), as linked(), of
  // what the page itself keeps in the link. Returns the names that members have taken up.
  follow(texts, values) {
    const taken = new Set();
    for (const [member, page] of this.members) {
      if (page === null || page !== this.page) continue;
      const here = { ...member.linked(), ...member.led?.() };
      const names = Object.keys(here);
      for (const name of names) taken.add(name);
      if (names.every((name) => here[name] === (texts[name] ?? ""))) continue;
      const said = Object.fromEntries(names.filter((name) => name in values).map((name) => [name, values[name]]));
      member.restore({ ...member.usual?.(), ...said });
    }
    // For those that have not joined yet.
    this.values = Object.fromEntries(Object.entries(values).filter(([name]) => !taken.has(name)));
    this.changed();
    return taken;
  }

  leave(member) { this.members.delete(member); }

  // To be called after whatever changes what linked() says.
  changed() {
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => this.write(), SETTLED_MS);
  }

  // The link to what is on screen.
  url() {
    const url = new URL(location.href);
    const { searchParams: said } = url;
    for (const [member, page] of this.members) {
      if (page === null || page !== this.page) continue; // on its way out
      for (const [name, text] of Object.entries(member.linked())) {
        if (name in this.values || text === (said.get(name) ?? "")) continue;
        if (text) said.set(name, text);
        else said.delete(name);
      }
    }
    return url;
  }

  write() {
    if (this.page === null || location.pathname !== this.path) return; // on the way to another page
    const url = this.url();
    if (url.href !== location.href) history.replaceState(history.state, "", url);
  }
}

// One for all components of the page.
export const pageLink = shared("link", () => new PageLink());

// Numbers as Python writes and reads them: to four digits, and none where it is the usual one.
export const rounded = (value) => String(Number(value.toPrecision(4)));
export const unlike = (value, usual) => (value === usual ? "" : String(value));
