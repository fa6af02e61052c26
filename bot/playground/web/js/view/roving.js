// Lists that take one stop in the tab order and are walked with the arrow keys.

const STEPS = { ArrowDown: 1, ArrowUp: -1 };

const isShown = (element) => element.offsetParent !== null;

/** A key handler for a container: arrows, Home and End move the focus among the elements that match `selector`. */
export function walkWithArrows(selector) {
  return (event) => {
    const items = [...event.currentTarget.querySelectorAll(selector)].filter(isShown);
    const current = items.indexOf(event.target.closest(selector));
    const targets = {
      Home: 0,
      End: items.length - 1,
      ArrowDown: current + STEPS.ArrowDown,
      ArrowUp: current + STEPS.ArrowUp,
    };
    if (!(event.key in targets) || current < 0) return;
    event.preventDefault();
    items[Math.max(0, Math.min(items.length - 1, targets[event.key]))]?.focus();
  };
}
