// The drawing on the pad, kept by the browser until the tab is closed: leaving the page or loading it again does not lose it.

const PLACE = "vae-playground.inside";
const FORMS = { digit: /^\d{1,2}$/, example: /^\d{1,2}$/, drawing: /^[abd](\.[pe]([\w-]{3})+)*$/ };

// picture: {digit, example, drawing}, as a link writes them.
export function keep(picture) {
  try {
    sessionStorage.setItem(PLACE, JSON.stringify(picture));
  } catch { /* storage is blocked or full: the link still says it */ }
}

// The same, as a link is read; what is missing, or is not as `keep` wrote it, is left out.
export function kept() {
  let found;
  try {
    found = JSON.parse(sessionStorage.getItem(PLACE) ?? "{}");
  } catch {
    return {}; // blocked, or something else
  }
  const right = Object.entries(FORMS).filter(([name, form]) => form.test(found?.[name] ?? ""));
  return Object.fromEntries(right.map(([name]) => [name, name === "drawing" ? found[name] : Number(found[name])]));
}
