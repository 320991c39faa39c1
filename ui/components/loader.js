// Loads a component's module and style sheets, again where the network fails for a moment. It goes to the browser as text, within the
// script that Streamlit carries (modules.py), so it imports nothing itself.

const WAITS = [500, 2500]; // ms before the second attempt and the third

const rest = (milliseconds) => new Promise((done) => { setTimeout(done, milliseconds); });

// Asks for all that a module imports at once: the browser would find out one layer after the other.
export function fetchEarly(addresses) {
  for (const { href } of absolute(addresses)) {
    if (document.head.querySelector(`link[href="${href}"]`)) continue;
    document.head.append(Object.assign(document.createElement("link"), { rel: "modulepreload", href }));
  }
}

// The default export of the module at the first of the addresses that answers. A browser remembers for as long as the
// page is open that an address could not be imported, or one that its module imports: each attempt needs addresses of
// its own. If none answers, what says so in the component's place.
export async function load(addresses, get, wait = rest) {
  for (const [attempt, address] of addresses.entries()) {
    if (attempt) await wait(WAITS[attempt - 1]);
    try {
      return (await get(address)).default;
    } catch (error) {
      console.warn(`attempt ${attempt + 1} to load ${address}: ${error.message}`);
    }
  }
  return sayNotLoaded;
}

const sheets = (globalThis[Symbol.for("vae-playground style sheets")] ??= new Map()); // address -> promise of it

// A style sheet, parsed once for all components of the page that share it.
function sheetAt(address) {
  const { href } = address;
  if (!sheets.has(href)) {
    const asked = fetched(href);
    sheets.set(href, asked);
    asked.catch(() => sheets.delete(href)); // the next one asks again
  }
  return sheets.get(href);
}

async function fetched(address) {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`the server says ${answer.status}`);
  return new CSSStyleSheet().replace(await answer.text());
}

// The module at an address, whose component finds its styles in place.
export async function dressed(address, styles, get = (one) => import(one), sheet = sheetAt) {
  const [module, ...worn] = await Promise.all([get(address), ...styles.map((one) => sheet(one))]);
  return {
    default: (call) => {
      const { parentElement } = call;
      parentElement.getRootNode().adoptedStyleSheets = worn;
      parentElement.querySelector(".unstyled")?.remove();
      return module.default(call);
    },
  };
}

// The addresses of a page's files, below the app's own.
export const absolute = (addresses) => addresses.map((address) => new URL(address, document.baseURI));

function sayNotLoaded({ parentElement }) {
  parentElement.querySelector(".component")?.setAttribute("hidden", "");
  let box = parentElement.querySelector(".failed");
  if (!box) {
    box = document.createElement("div");
    box.className = "failed";
    box.setAttribute("role", "alert");
    parentElement.append(box);
  }
  box.hidden = false;
  box.textContent = "This instrument could not be loaded. Check the connection and reload the page.";
}
