// The page's icons: one stroked path each, on a 24 by 24 grid, in the colour of the text.
import { html } from "../../vendor/preact.js";

const PATHS = {
  hash: "M5 9h15M4 15h15M10 4 8 20M16 4l-2 16",
  forum: "M4 5h12v9H9l-4 3v-3H4zM19 9h1v8h-1v3l-4-3h-4",
  thread: "M9 4 8 10M15 4l-1 6M5 7h13M4 12h5M6 17h2M12 13h8v6h-4l-2 2v-2h-2z",
  at: "M16 12a4 4 0 1 1-8 0 4 4 0 0 1 8 0v1.5a2.5 2.5 0 0 0 5 0V12a9 9 0 1 0-3.5 7.1",
  plus: "M12 5v14M5 12h14",
  send: "M4 12 3 4l18 8-18 8zM4 12h9",
  smile: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM8.5 14.5c1.8 2.4 5.2 2.4 7 0M9 9.5v.5M15 9.5v.5",
  reply: "M9 7 4 12l5 5M4 12h10a6 6 0 0 1 6 6v1",
  edit: "M4 20h4L19 9l-4-4L4 16zM13 7l4 4",
  more: "M6 12v.01M12 12v.01M18 12v.01",
  trash: "M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13M10 11v5M14 11v5",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  close: "M6 6l12 12M18 6 6 18",
  sun: "M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM12 3v2M12 19v2M3 12h2M19 12h2M5.6 5.6 7 7M17 17l1.4 1.4M5.6 18.4 7 17M17 7l1.4-1.4",
  moon: "M20 14.5A8 8 0 1 1 9.5 4a6.5 6.5 0 0 0 10.5 10.5z",
  help: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM9.5 9.5a2.5 2.5 0 1 1 3.6 2.2c-.8.4-1.1.9-1.1 1.8M12 16.7v.01",
  people:
    "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM3 20a6 6 0 0 1 12 0M16 4.5a3.5 3.5 0 0 1 0 6M18 14.5a6 6 0 0 1 3 5.5",
  menu: "M4 6h16M4 12h16M4 18h16",
  download: "M12 4v11M7 11l5 5 5-5M5 20h14",
  file: "M6 3h8l4 4v14H6zM14 3v4h4M9 12h6M9 16h6",
  eye: "M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12zM12 15a3 3 0 1 0 0-6 3 3 0 0 0 0 6z",
  chevron: "M6 9l6 6 6-6",
  down: "M12 5v14M6 13l6 6 6-6",
  arrow: "M5 12h14M13 6l6 6-6 6",
  pencil: "M4 20h4L19 9l-4-4L4 16z",
  warning: "M12 4 2.5 20h19zM12 10v4M12 17v.01",
  slash: "M16 4 8 20",
  swap: "M7 4 3 8l4 4M3 8h14M17 12l4 4-4 4M21 16H7",
  archive: "M4 5h16v4H4zM5 9v10h14V9M10 13h4",
};

export function Icon({ name, label }) {
  return html`
    <svg class=${`icon icon-${name}`} viewBox="0 0 24 24" aria-hidden=${label ? undefined : "true"}
      role=${label ? "img" : undefined} aria-label=${label}>
      <path d=${PATHS[name]} />
    </svg>`;
}
