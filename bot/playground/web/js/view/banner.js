// The line on top: which model answers, said plainly when it is a stand-in, and the connection when it is lost.
import { html } from "../../vendor/preact.js";
import { useApp, useSelect } from "../store.js";
import { Icon } from "./icon.js";

export function Banner() {
  const { reconnect } = useApp();
  const model = useSelect((state) => state.model);
  const notice = useSelect((state) => state.notice);
  const connection = useSelect((state) => state.connection);
  const botOnline = useSelect((state) => state.botOnline);
  if (connection === "waiting") {
    return html`
      <div class="banner trouble" role="alert">
        <${Icon} name="warning"
          /><span>The connection to the playground is lost. The page keeps trying to come back.</span>
        <button class="banner-button" onClick=${reconnect}>Try now</button>
      </div>`;
  }
  const text = model.stand_in
    ? html`<strong>${model.label}</strong>: the answers come from a script, not from a real model. `
    : html`Answers come from <strong>${model.label}</strong>. `;
  return html`
    <div class=${`banner${model.stand_in ? " stand-in" : ""}`} role="note">
      <span class="banner-text">${text}${notice && html`<span class="wide-only">${notice}</span>`}</span>
      <span class=${`bot-state ${botOnline ? "online" : "offline"}`}><span class="dot" />
        ${botOnline ? "Bot online" : "Bot offline"}</span>
    </div>`;
}
