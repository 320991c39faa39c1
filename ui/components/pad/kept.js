// The drawing on a page's pad, kept by the browser until the tab is closed: leaving the page or loading it again does not
// lose it.

const FORMS = { digit: /^\d{1,2}$/, example: /^\d{1,2}$/, drawing: /^[abd](\.[pe]([\w-]{3})+)*$/ };

export class Kept {
  // page: whose.
  constructor(page) { this.place = `vae-playground.${page}`; }

  // picture: {digit, example, drawing}, as a link writes them.
  write(picture) {
    try {
      sessionStorage.setItem(this.place, JSON.stringify(picture));
    } catch { /* storage is blocked or full: the link still says it */ }
  }

  // The same, as a link is read; what is missing, or is not as `write` wrote it, is left out.
  read() {
    let found;
    try {
      found = JSON.parse(sessionStorage.getItem(this.place) ?? "{}");
    } catch {
      return {}; // blocked, or something else
    }
    const right = Object.entries(FORMS).filter(([name, form]) => form.test(found?.[name] ?? ""));
    return Object.fromEntries(right.map(([name]) => [name, name === "drawing" ? found[name] : Number(found[name])]));
  }
}
