// An album: photographs that a click marks for a purpose, and a second click on the same one unmarks. Python hears of the
// marks of all purposes whenever they change.

import { element, showFailure, withPayload } from "../engine/page.js";
import { Picture } from "../engine/pictures.js";

const STEPS = { ArrowLeft: () => -1, ArrowRight: () => 1, ArrowUp: (columns) => -columns, ArrowDown: (columns) => columns };
const instances = new Map(); // mount point -> Album

class Album {
  constructor(parent) {
    this.parent = parent;
    parent.append(parent.querySelector("template").content.cloneNode(true));
    this.root = parent.querySelector(".album");
    this.failed = parent.querySelector(".failed");
    this.find = (selector) => this.root.querySelector(selector);
    this.find(".sheet").addEventListener("keydown", (event) => this.key(event));
    this.root.album = this; // for tests and the browser console
  }

  async update(payload, setStateValue) {
    this.send = setStateValue;
    if (payload.headerText === this.headerText) return;
    const isNew = !this.header || this.header.images !== payload.header.images;
    // The page began anew, to follow another screen.
    const isLed = !isNew && JSON.stringify(this.header.start) !== JSON.stringify(payload.header.start);
    this.headerText = payload.headerText;
    this.header = payload.header;
    const { purposes, start } = this.header;
    if (isNew || isLed) this.marks = Object.fromEntries(purposes.map(({ name }) => [name, [...(start[name] ?? [])]]));
    if (isLed) this.send("marks", this.marks); // in the place of those that Streamlit still has
    if (isNew) {
      this.chosen = 0;
      const bitmap = await createImageBitmap(new Blob([payload.tensor("png")], { type: "image/png" }));
      if (payload.header !== this.header) return; // something newer came
      this.build({ bitmap, columns: this.header.columns });
    }
    this.show();
    this.failed.hidden = true;
    this.root.hidden = false;
  }

  build(sheet) {
    const { purposes, count, image, names } = this.header;
    this.buttons = purposes.map(({ title, badge }, place) => {
      const mark = element("span", { className: "badge", textContent: badge, ariaHidden: "true" });
      mark.dataset.place = String(place);
      const button = element("button", { type: "button", title: `A click on a photograph marks it: ${title}` }, mark, title);
      button.addEventListener("click", () => { this.chosen = place; this.show(); });
      return button;
    });
    this.find(".purposes").replaceChildren(...this.buttons);
    this.find(".purposes").hidden = purposes.length < 2;
    this.tiles = Array.from({ length: count }, (_, number) => {
      const canvas = element("canvas", { ariaHidden: "true" });
      new Picture(canvas, image).showTile(sheet, number);
      const badge = element("span", { className: "badge", ariaHidden: "true" });
      const button = element("button", { type: "button" }); // over the picture, which is printed without it
      button.addEventListener("click", () => this.mark(number));
      return { button, badge, tile: element("div", { className: "tile" }, canvas, badge, button), name: `Photograph ${number + 1}${names ? `, ${names[number]}` : ""}` };
    });
    this.find(".sheet").replaceChildren(...this.tiles.map(({ tile }) => tile));
    this.stop(0);
  }

  // Tab stops at one photograph, from which the arrow keys go to the others.
  stop(number) { this.tiles.forEach(({ button }, other) => { button.tabIndex = other === number ? 0 : -1; }); }

  key(event) {
    const from = this.tiles.findIndex(({ button }) => button === event.target);
    const { offsetTop } = this.tiles[0].tile;
    const columns = this.tiles.filter(({ tile }) => tile.offsetTop === offsetTop).length;
    const to = this.tiles[from + STEPS[event.key]?.(columns)];
    if (!to) return;
    event.preventDefault();
    this.stop(this.tiles.indexOf(to));
    to.button.focus();
  }

  // Marks a photograph for the chosen purpose, or takes that mark off. A photograph has one mark at most; where a purpose
  // has all that it may have, the one marked first loses it.
  mark(number) {
    const { purposes } = this.header;
    const { name, most, title } = purposes[this.chosen];
    this.stop(number);
    const before = this.marks[name];
    const off = before.includes(number);
    for (const one of purposes) this.marks[one.name] = this.marks[one.name].filter((other) => other !== number);
    if (!off) this.marks[name] = [...this.marks[name], number].slice(-most);
    this.show();
    this.find(".live").textContent = `${this.tiles[number].name}: ${off ? "no mark" : title}.`;
    this.send("marks", this.marks);
  }

  show() {
    const { purposes } = this.header;
    this.buttons.forEach((button, place) => button.setAttribute("aria-pressed", String(place === this.chosen)));
    this.tiles.forEach(({ button, badge, name }, number) => {
      const place = purposes.findIndex((one) => this.marks[one.name].includes(number));
      button.setAttribute("aria-pressed", String(place >= 0));
      button.setAttribute("aria-label", `${name}${place < 0 ? "" : `: ${purposes[place].title}`}`);
      badge.hidden = place < 0;
      badge.textContent = place < 0 ? "" : purposes[place].badge || String(this.marks[purposes[place].name].indexOf(number) + 1);
      for (const one of [button, badge]) {
        if (place < 0) delete one.dataset.place;
        else one.dataset.place = String(place);
      }
    });
  }

  remove() { this.root.remove(); }
}

export default function (component) {
  const { parentElement, setStateValue } = component;
  return withPayload(component, "album", (payload) => {
    let album = instances.get(parentElement);
    if (!album) instances.set(parentElement, (album = new Album(parentElement)));
    album.update(payload, setStateValue).catch((error) => showFailure(parentElement, "album", error));
  }, () => {
    instances.get(parentElement)?.remove();
    instances.delete(parentElement);
  });
}
