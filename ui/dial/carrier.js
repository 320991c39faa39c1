// Brings a stop, or the thumbnails, to the dial: a component of its own, so that the dial's script does not travel with
// each of them. Streamlit loads every component as a module of its own; they meet at this port.

const port = (globalThis[Symbol.for("vae_playground.beta_dial")] ??= { waiting: new Map() });

export default function (component) {
  const { parentElement } = component;
  if (port.take) port.take(component);
  else port.waiting.set(parentElement, component);
  return () => {
    port.waiting.delete(parentElement);
    port.drop?.(parentElement);
  };
}
