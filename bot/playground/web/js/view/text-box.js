// Small things that text boxes share.

/** Makes a textarea as tall as its text; the style sheet sets the most. */
export function fitHeight(box) {
  box.style.height = "auto";
  box.style.height = `${box.scrollHeight}px`;
}
