// The β dial: a slider along VAEs that differ only in β. On a stop everything is that model's own; between two stops the
// points are on their way from one to the other, and all else is the nearer stop's. Python hears of a stop on release.

import { pageLink } from "../engine/link.js";
import { withPayload } from "../engine/page.js";
import { onThumbnails, receiveThumbnails, sheets } from "../engine/thumbnails.js";
import { Timings } from "../engine/timings.js";
import { Gallery, Sheet } from "./gallery.js";
import { Motion } from "./motion.js";
import { Numbers, stopSentence } from "./numbers.js";
import { DialPlane } from "./plane.js";
import { Rail } from "./rail.js";
import { leaveSweep, sweepOf } from "./sweep.js";

const dials = new Map(); // mount point -> BetaDial

class BetaDial {
  constructor(parent) {
    parent.append(parent.querySelector("template").content.cloneNode(true));
    this.root = parent.querySelector(".beta-dial");
    this.failed = parent.querySelector(".failed");
    this.find = (selector) => this.root.querySelector(selector);
    this.moves = new Timings();
    this.plane = new DialPlane(this.root);
    this.motion = new Motion({ moved: (position) => this.draw(position, true), limits: () => this.limits() });
    this.rail = new Rail(this.find(".rail"), {
      grab: () => { this.stopPlaying(); this.motion.cancel(); this.awaited = null; },
      drag: (position) => { this.stopPlaying(); this.motion.follow(position); },
      release: () => this.go(this.nearestTo(this.rail.slider.valueAsNumber)),
      go: (index) => this.go(index),
      goal: () => this.motion.goal ?? this.nearestTo(this.motion.position),
    });
    this.find(".play").onclick = () => this.togglePlay();
    this.root.betaDial = this; // for tests and the browser console
  }

  // A new payload, or the same one again because the page ran again.
  update(payload, setStateValue) {
    this.send = setStateValue;
    if (payload.headerText === this.headerText) return;
    const { header } = payload;
    const sameSweep = this.header?.sweep === header.sweep;
    this.headerText = payload.headerText;
    this.header = header;
    this.root.hidden = false;
    this.failed.hidden = true;
    for (const name of ["title", "subtitle"]) {
      this.find(`.${name}`).textContent = header[name] ?? "";
      this.find(`.${name}`).hidden = !header[name];
    }
    if (sameSweep) return; // the visitor stays where they are
    this.leave();
    this.build(payload);
  }

  build({ header, tensor }) {
    this.motion.position = this.start = this.committed = header.options.start;
    this.awaited = null;
    this.nearest = -1;
    this.stopPlaying();
    this.rail.build(header.stops);
    this.rail.show(this.start); // before the first model is here
    this.numbers = new Numbers(this.root, header);
    this.plane.build(header);
    const canvases = Object.fromEntries(["manifold", "samples", "rebuilt"].map((name) => [name, this.find(`canvas.${name}`)]));
    this.gallery = new Gallery(canvases, header.image, tensor("z_samples"));
    this.originals = new Sheet(this.find("canvas.originals"), header.image, header.pinned.length);
    this.showOriginals();
    this.find("canvas.samples").setAttribute("aria-label", "Samples decoded from the same codes at every stop");
    this.find("canvas.originals").setAttribute("aria-label", "Held-out images");
    this.find("canvas.rebuilt").setAttribute("aria-label", "Their reconstructions");
    this.showNearest(this.start);
    this.sweep = sweepOf(header.sweep);
    this.lost = false;
    this.sweep.dials.add(this);
    this.showReach();
    for (const stop of this.sweep.stops.values()) this.arrived(stop);
    pageLink.join(this);
  }

  // ---- for whoever follows another screen: the page itself keeps the stop in the link -------------------------------

  linked() { return {}; }

  led() {
    const { link, usual } = this.header.options;
    const at = Math.round(this.motion.goal ?? this.motion.position);
    return link === undefined ? {} : { [link]: at === usual ? "" : this.header.stops[at].label };
  }

  usual() {
    const { link, usual } = this.header.options;
    return { [link]: this.header.stops[usual].label };
  }

  restore(values) {
    const label = String(values[this.header.options.link]);
    const index = this.header.stops.findIndex((stop) => stop.label === label);
    if (index >= 0) this.go(index, index);
  }

  // ---- what has arrived -------------------------------------------------------------------------------------------

  arrived(stop) {
    this.gallery.add(stop);
    this.showReach();
    if (this.awaited !== null && this.motion.goal === null) this.go(this.awaited, this.awaited);
    if (stop.index === this.nearest) this.draw(this.motion.position, false);
  }

  showReach() {
    this.reach = this.sweep.reach(this.start);
    this.rail.showReach(this.reach);
    const [low, high] = this.reach ?? [0, -1];
    const [here, all] = [high - low + 1, this.header.stops.length];
    const lacking = this.lost ? "Some stops did not arrive. Reload the page to try again." : `loading: ${here} of ${all} stops`;
    this.find(".loading").textContent = here < all ? lacking : "";
    this.find(".play").disabled = !this.reach || all === 1;
  }

  // Something that was to come did not; what has come works.
  missed() { this.lost = true; this.showReach(); }

  limits() { return this.reach ?? [this.start, this.start]; }

  nearestTo(position) {
    const [low, high] = this.limits();
    return Math.min(Math.max(Math.round(position), low), high);
  }

  showOriginals() {
    const thumbnails = sheets.get(this.header.options.images);
    if (thumbnails) this.header.pinned.forEach((tile, index) => this.originals.showTile(index, thumbnails, tile));
  }

  // ---- going elsewhere --------------------------------------------------------------------------------------------

  // Glides to a stop, as near as what has arrived allows, and says so when it is there.
  // awaited: the stop to go on to when it has arrived, if it has not yet.
  go(index, awaited = null) {
    this.stopPlaying();
    this.awaited = awaited === this.nearestTo(index) ? null : awaited;
    this.motion.glide(this.nearestTo(index), () => this.rest());
  }

  togglePlay() {
    if (this.playing) { this.go(this.motion.position); this.paused = true; return; }
    const last = this.header.stops.length - 1;
    const play = () => this.motion.play(last, () => { this.stopPlaying(); this.rest(); });
    const resumes = this.paused && this.motion.position < last;
    this.setPlaying(true);
    if (resumes) play();
    else this.motion.glide(this.limits()[0], play);
  }

  setPlaying(playing) {
    this.playing = playing;
    this.paused = false;
    const button = this.find(".play");
    button.setAttribute("aria-pressed", String(playing));
    button.textContent = playing ? "Pause" : "Play";
  }

  stopPlaying() { this.setPlaying(false); }

  // On a stop, nothing moves: draw in full and tell Python once.
  rest() {
    this.draw(this.motion.position, false);
    const index = Math.round(this.motion.position);
    this.find(".live").textContent = `${stopSentence(this.header.stops[index])}.`;
    if (index === this.committed) return;
    this.committed = index;
    this.send("beta", index);
  }

  // ---- showing ----------------------------------------------------------------------------------------------------

  draw(position, moving) {
    const began = performance.now();
    this.rail.show(position);
    this.showPlace(position);
    const nearest = this.nearestTo(position);
    if (nearest !== this.nearest) this.showNearest(nearest);
    if (!this.reach) return;
    const { sweep, gallery } = this;
    gallery.show(nearest);
    gallery.setResting(!moving);
    this.plane.show({
      points: sweep.points(position), centres: sweep.centres(position), view: sweep.view(position),
      stop: sweep.stops.get(nearest), moving,
    });
    this.moving = moving;
    if (moving) this.moves.note(began);
  }

  showNearest(nearest) {
    this.nearest = nearest;
    const stop = this.header.stops[nearest];
    this.numbers.show(stop);
    this.rail.showNearest(nearest, stopSentence(stop));
    this.showPlace(this.motion.position);
  }

  showPlace(position) {
    const name = (index) => this.header.stops[index].name;
    const low = Math.floor(position);
    const place = this.find(".place");
    place.querySelector("b").textContent = position === low ? name(low) : `between ${name(low)} and ${name(low + 1)}`;
    place.querySelector("span").textContent = position === low ? "trained" : `numbers of ${name(this.nearest)}`;
  }

  // For tests and benchmarks: what is on screen, in numbers.
  state() {
    const { scene, at, focus } = this.plane;
    return {
      position: this.motion.position, nearest: this.nearest, committed: this.committed, moving: Boolean(this.moving),
      playing: Boolean(this.playing), reach: this.reach, at, focus, half: scene?.view.half,
      points: scene ? Array.from(scene.points) : null,
      moveMilliseconds: this.moves.list(),
    };
  }

  leave() {
    pageLink.leave(this);
    this.motion.cancel();
    if (this.sweep) leaveSweep(this.sweep, this);
    this.gallery?.end();
  }

  remove() {
    this.leave();
    this.plane.end();
    this.root.remove();
  }
}

onThumbnails((images) => {
  for (const dial of dials.values()) if (dial.header?.options.images === images) dial.showOriginals();
});

export default function (component) {
  const { parentElement, setStateValue } = component;
  return withPayload(component, "dial", (payload) => {
    let dial = dials.get(parentElement);
    if (!dial) dials.set(parentElement, (dial = new BetaDial(parentElement)));
    dial.update(payload, setStateValue);
  }, () => {
    dials.get(parentElement)?.remove();
    dials.delete(parentElement);
  }, {
    later: (payload) => {
      if (payload.header.kind === "thumbnails") return receiveThumbnails(payload);
      return sweepOf(payload.header.sweep).receive(payload);
    },
    missed: () => dials.get(parentElement)?.missed(),
  });
}
