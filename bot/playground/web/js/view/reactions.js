// The reactions under a message; each is a button that adds or takes back one's own.
import { html } from "../../vendor/preact.js";
import { useApp } from "../store.js";

const label = ({ emoji, count, me }) => `${emoji.name}, ${count}${me ? ", including yours" : ""}`;

export function Reactions({ message }) {
  const { toggleReaction } = useApp();
  if (!message.reactions?.length) return null;
  return html`
    <div class="reactions">
      ${message.reactions.map(
        (reaction) => html`
        <button key=${reaction.emoji.id ?? reaction.emoji.name} class=${`reaction${reaction.me ? " mine" : ""}`}
          aria-pressed=${Boolean(reaction.me)}
          aria-label=${label(reaction)} onClick=${() => toggleReaction(message, reaction.emoji)}>
          <span class="emoji">${reaction.emoji.id ? `:${reaction.emoji.name}:` : reaction.emoji.name}</span><span>
            ${reaction.count}</span>
        </button>`,
      )}
    </div>`;
}
