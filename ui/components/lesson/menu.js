// Streamlit's menu on a narrow screen puts the pages of a section into its list, but not as items of it: no valid list
// (WCAG 1.3.1). It is told as what it is, links in a navigation.

const LISTS = '[data-testid="stSidebar"] ul';

export function plainMenu(signal) {
  const mend = () => {
    for (const part of document.querySelectorAll(`${LISTS}:not([role]), ${LISTS} li:not([role])`)) part.setAttribute("role", "none");
  };
  mend();
  const watcher = new MutationObserver(mend); // it is made anew when the window becomes narrow
  watcher.observe(document.body, { childList: true, subtree: true });
  signal.addEventListener("abort", () => watcher.disconnect());
}
