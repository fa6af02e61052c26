// The frame of the page's own dialogs: a title, a way to close it, and the focus where it belongs.
import { html, useLayoutEffect, useRef } from "../../vendor/preact.js";
import { useApp } from "../store.js";
import { Icon } from "./icon.js";

/** A dialog over the page; the element with data-first gets the focus. */
export function Dialog({ title, children, className = "" }) {
  const { closeDialog } = useApp();
  const box = useRef(null);
  useLayoutEffect(() => {
    box.current.showModal();
    box.current.querySelector("[data-first]")?.focus();
  }, []);
  const onPointerDown = (event) => event.target === box.current && box.current.close();
  return html`
    <dialog class=${`dialog ${className}`} ref=${box} aria-labelledby="dialog-title" onClose=${closeDialog}
      onPointerDown=${onPointerDown}>
      <header><h2 id="dialog-title">${title}</h2><button type="button" class="icon-button" aria-label="Close"
        onClick=${() => box.current.close()}><${Icon} name="close" /></button></header>
      ${children}
    </dialog>`;
}
