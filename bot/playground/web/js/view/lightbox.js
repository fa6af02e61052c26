// An image over the whole page; Escape or a click closes it.
import { html, useLayoutEffect, useRef } from "../../vendor/preact.js";
import { useApp, useSelect } from "../store.js";

function OpenLightbox({ url, label }) {
  const { store } = useApp();
  const box = useRef(null);
  useLayoutEffect(() => box.current.showModal(), []);
  const close = () => store.update((state) => ({ ...state, lightbox: null }));
  return html`
    <dialog class="lightbox" ref=${box} aria-label=${label} onClose=${close} onClick=${() => box.current.close()}>
      <img src=${url} alt=${label} />
      <p><button class="text-link" autofocus>Close</button></p>
    </dialog>`;
}

export function Lightbox() {
  const lightbox = useSelect((state) => state.lightbox);
  return lightbox && html`<${OpenLightbox} ...${lightbox} />`;
}
