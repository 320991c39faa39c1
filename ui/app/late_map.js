// Lets the front end get late.js in place of a large module of its own (late.py). Inline in the document, before its
// modules. The import map comes only when late.js is there: with a map to what cannot be fetched, no chart would come.
{
  const { module, map } = document.currentScript.dataset;
  const link = Object.assign(document.createElement("link"), { rel: "modulepreload", href: module });
  link.addEventListener("load", () => {
    document.head.append(Object.assign(document.createElement("script"), { type: "importmap", textContent: map }));
  });
  document.head.append(link);
}
