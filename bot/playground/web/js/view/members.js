// The people of the server and the bot, and whether the bot is there.
import { html } from "../../vendor/preact.js";
import { displayName } from "../state/derive.js";
import { useSelect } from "../store.js";
import { Avatar } from "./avatar.js";

function Member({ user, status }) {
  return html`
    <li class=${`member ${status}`}>
      <${Avatar} user=${user} size=${32} status=${status} />
      <span class="name">${displayName(user)}</span>
      ${user.bot && html`<span class="tag">BOT</span>`}
      ${user.admin && html`<span class="tag plain">ADMIN</span>`}
    </li>`;
}

export function Members() {
  const people = useSelect((state) => state.people);
  const bot = useSelect((state) => state.bot);
  const botOnline = useSelect((state) => state.botOnline);
  const botRow = html`<${Member} user=${{ ...bot, bot: true }} status=${botOnline ? "online" : "offline"} />`;
  return html`
    <aside class="members" aria-label="Members">
      <h3>Online — ${people.length + (botOnline ? 1 : 0)}</h3>
      <ul>${botOnline && botRow}${people.map((user) => html`<${Member} key=${user.id} user=${user} status="online"
        />`)}</ul>
      ${!botOnline && html`<h3>Offline — 1</h3><ul>${botRow}</ul>`}
    </aside>`;
}
