// The frame of the page's own dialogs: a title, a way to close it, and the focus where it belongs.
import { html, useLayoutEffect, useRef } from "../../vendor/preact.js";
import { useApp } from "../store.js";
import { Icon } from "./icon.js";

/** Opens the dialog that `box` refers to; when it goes, the focus returns to where it was, or to the message box. */
export function useModalDialog(box, firstFocus) {
  useLayoutEffect(() => {
    const opener = document.activeElement;
    box.current.showModal();
    box.current.querySelector(firstFocus)?.focus();
    return () => {
      const isThere = opener.isConnected && opener !== document.body;
      (isThere ? opener : document.querySelector("#composer"))?.focus({ preventScroll: true });
    };
  }, []);
}

/** A dialog over the page; the element with data-first gets the focus. */
export function Dialog({ title, children, className = "" }) {
  const { closeDialog } = useApp();
  const box = useRef(null);
  useModalDialog(box, "[data-first]");
  const close = () => box.current.close();
  return html`
    <dialog class=${`dialog ${className}`} ref=${box} aria-labelledby="dialog-title" onClose=${closeDialog}
      onPointerDown=${(event) => event.target === box.current && close()}>
      <header>
        <h2 id="dialog-title">${title}</h2>
        <button type="button" class="icon-button" aria-label="Close" onClick=${close}><${Icon} name="close" /></button>
      </header>
      ${children}
    </dialog>`;
}
