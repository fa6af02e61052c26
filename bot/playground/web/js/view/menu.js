// A menu at a point of the page: arrows walk it, Enter chooses, Escape and a click elsewhere close it.
import { html, useLayoutEffect, useRef } from "../../vendor/preact.js";
import { useApp, useSelect } from "../store.js";
import { REACTIONS } from "../text/emoji.js";
import { Icon } from "./icon.js";
import { walkWithArrows } from "./roving.js";

const MARGIN_PX = 8;

function EmojiRow({ onEmoji, close }) {
  return html`
    <div class="emoji-row" role="group" aria-label="Add a reaction">
      ${REACTIONS.map(
        (name) => html`
        <button key=${name} class="menu-item emoji" role="menuitem" aria-label=${`React with ${name}`} onClick=${() => {
          close();
          onEmoji(name);
        }}>${name}</button>`,
      )}
    </div>`;
}

function OpenMenu({ menu }) {
  const { closeMenu } = useApp();
  const box = useRef(null);
  useLayoutEffect(() => {
    const { width, height } = box.current.getBoundingClientRect();
    const top = menu.above ? menu.y - height - MARGIN_PX : menu.y;
    box.current.style.left = `${Math.max(MARGIN_PX, Math.min(menu.x, innerWidth - width - MARGIN_PX))}px`;
    box.current.style.top = `${Math.max(MARGIN_PX, Math.min(top, innerHeight - height - MARGIN_PX))}px`;
    box.current.querySelector(".menu-item:not(.emoji)")?.focus();
  }, [menu]);
  const walk = walkWithArrows(".menu-item");
  function onKeyDown(event) {
    event.stopPropagation();
    if (event.key === "Escape" || event.key === "Tab") {
      event.preventDefault();
      closeMenu();
    } else if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
      const next = event.key === "ArrowRight" ? event.target.nextElementSibling : event.target.previousElementSibling;
      if (event.target.matches(".emoji")) next?.focus();
    } else {
      walk(event);
    }
  }
  const choose = (item) => {
    closeMenu();
    item.run();
  };
  return html`
    <div class="menu-shade" onPointerDown=${closeMenu} onContextMenu=${(event) => event.preventDefault()} />
    <div class="menu" role="menu" aria-label=${menu.label} ref=${box} onKeyDown=${onKeyDown}>
      ${menu.onEmoji && html`<${EmojiRow} onEmoji=${menu.onEmoji} close=${closeMenu} />`}
      ${menu.items.map((item) =>
        item.heading
          ? html`<div key=${item.heading} class="menu-heading">${item.heading}</div>`
          : html`
          <button key=${item.label} class=${`menu-item${item.danger ? " danger" : ""}`} role="menuitem"
            onClick=${() => choose(item)}>
            <span class="name">${item.label}</span>${item.icon && html`<${Icon} name=${item.icon} />`}
          </button>`,
      )}
    </div>`;
}

export function Menu() {
  const menu = useSelect((state) => state.menu);
  return menu && html`<${OpenMenu} menu=${menu} />`;
}
