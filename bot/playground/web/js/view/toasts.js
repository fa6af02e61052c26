// The short notices in the corner.
import { html } from "../../vendor/preact.js";
import { useApp, useSelect } from "../store.js";
import { Icon } from "./icon.js";

export function Toasts() {
  const { dismissToast } = useApp();
  const toasts = useSelect((state) => state.toasts);
  return html`
    <div class="toasts">
      ${toasts.map(
        ({ id, text, kind }) => html`
        <div key=${id} class="toast ${kind}" role=${kind === "error" ? "alert" : "status"}>
          <span>${text}</span>
          <button class="icon-button" aria-label="Dismiss" onClick=${() => dismissToast(id)}>
            <${Icon} name="close" />
          </button>
        </div>`,
      )}
    </div>`;
}
