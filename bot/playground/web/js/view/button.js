// A message's button: five styles, an emoji, and dots while the bot has not answered.
import { html } from "../../vendor/preact.js";
import { ButtonStyle } from "../state/discord.js";
import { useApp, useSelect } from "../store.js";
import { Icon } from "./icon.js";

const STYLES = {
  [ButtonStyle.PRIMARY]: "primary",
  [ButtonStyle.SECONDARY]: "secondary",
  [ButtonStyle.SUCCESS]: "success",
  [ButtonStyle.DANGER]: "danger",
  [ButtonStyle.LINK]: "secondary",
};

export function usePending(message, customId) {
  return useSelect((state) =>
    Object.values(state.pending).some((entry) => entry.messageId === message.id && entry.customId === customId),
  );
}

export function Button({ component, message }) {
  const { useComponent } = useApp();
  const { style, label, emoji, disabled, custom_id: customId, url } = component;
  const waiting = usePending(message, customId);
  const content = html`
    ${emoji && html`<span class="emoji">${emoji.id ? `:${emoji.name}:` : emoji.name}</span>`}
    ${label && html`<span>${label}</span>`}`;
  if (style === ButtonStyle.LINK) {
    const safe = /^https?:\/\//.test(url ?? "") ? url : undefined;
    return html`<a class="button secondary" href=${safe} target="_blank" rel="noopener noreferrer nofollow">${content}
      <${Icon} name="arrow" /></a>`;
  }
  return html`
    <button class=${`button ${STYLES[style] ?? "secondary"}${waiting ? " waiting" : ""}`} disabled=${disabled}
      aria-busy=${waiting}
      onClick=${() => !waiting && useComponent(message, component)}>
      ${content}${waiting && html`<span class="dots" aria-label="waiting"><i /><i /><i /></span>`}
    </button>`;
}
