// Room below the page for the lines at the bottom of the window, however high they are: nothing lies below them.

const MORE_PX = 24;

export class Room {
  constructor(lines) {
    this.style = document.createElement("style");
    document.head.append(this.style);
    this.watcher = new ResizeObserver(() => {
      const high = lines.offsetHeight;
      const text = high
        ? `[data-testid="stApp"] [data-testid="stMainBlockContainer"] { padding-bottom: ${high + MORE_PX}px !important; }` : "";
      if (this.style.textContent !== text) this.style.textContent = text;
    });
    this.watcher.observe(lines);
  }

  end() {
    this.watcher.disconnect();
    this.style.remove();
  }
}
