// Commands that have been sent and not answered yet, and those that were never answered. Only this tab sees them.
import { html } from "../../vendor/preact.js";
import { displayName } from "../state/derive.js";
import { useApp, useSelect } from "../store.js";
import { Icon } from "./icon.js";

const NONE = [];

function Notice({ command, waiting, text, onDismiss }) {
  const bot = useSelect((state) => state.bot);
  return html`
    <div class=${`command-notice${waiting ? " waiting" : ""}`} role=${waiting ? "status" : "alert"}>
      <span class="used">You used <b>${command}</b></span>
      ${
        waiting
          ? html`<span>Sending the command to ${displayName(bot)}…</span>`
          : html`<span class="failure"><${Icon} name="warning" />${text}</span>
          <span class="only-you"><${Icon} name="eye" />Only you can see this · <button class="text-link"
            onClick=${onDismiss}>Dismiss</button></span>`
      }
    </div>`;
}

export function CommandNotices({ channelId }) {
  const { dismissNotice } = useApp();
  const notices = useSelect((state) => state.notices[channelId]) ?? NONE;
  const pending = useSelect((state) => state.pending);
  const waiting = Object.values(pending).filter((entry) => entry.command && entry.channelId === channelId);
  return html`
    ${waiting.map(({ nonce, command }) => html`<${Notice} key=${nonce} command=${command} waiting />`)}
    ${notices.map(({ nonce, command, text }) => html`<${Notice} key=${`${nonce}-failed`} command=${command} text=${text}
      onDismiss=${() => dismissNotice(channelId, nonce)} />`)}`;
}
