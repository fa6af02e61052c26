// Who is typing in the open channel.
import { html } from "../../vendor/preact.js";
import { displayName } from "../state/derive.js";
import { useSelect } from "../store.js";

function sentence(names) {
  if (names.length === 1) return html`<b>${names[0]}</b> is typing…`;
  if (names.length < 4) return html`<b>${names.slice(0, -1).join(", ")}</b> and <b>${names.at(-1)}</b> are typing…`;
  return "Several people are typing…";
}

export function TypingLine({ channelId }) {
  const typing = useSelect((state) => state.typing[channelId]);
  const users = useSelect((state) => state.users);
  const names = Object.keys(typing ?? {}).map((id) => displayName(users[id]));
  return html`
    <div class="typing-line" role="status">
      ${names.length > 0 &&
      html`<span class="dots" aria-hidden="true"><i /><i /><i /></span><span>${sentence(names)}</span>`}
    </div>`;
}
