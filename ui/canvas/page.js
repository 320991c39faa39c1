// What every component does with the page: makes elements, and says when it cannot draw.

function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

// Hides the .component at a mount point and says in its .failed box that the `noun`, such as plane, was not drawn.
function showFailure(parent, noun, error) {
  parent.querySelector(".component")?.setAttribute("hidden", "");
  const box = parent.querySelector(".failed");
  box.hidden = false;
  box.textContent = `This ${noun} could not be drawn: ${error.message}. Reload the page to try again.`;
}
