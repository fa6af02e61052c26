// A person or the bot as initials on a colour. No picture is ever fetched from outside.
import { html } from "../../vendor/preact.js";
import { displayName } from "../state/derive.js";
import { useSelect } from "../store.js";

const COLOURS = ["#5865f2", "#3ba55c", "#c9720f", "#d83c3e", "#a652bb", "#0f8a8f"];

const colourOf = (user) => user.avatar_color ?? COLOURS[Number(BigInt(user.id) >> 22n) % COLOURS.length];

const initials = (name) =>
  name
    .split(/\s+/)
    .slice(0, 2)
    .map((word) => [...word][0])
    .join("")
    .toUpperCase();

/** `status` is "online", "offline" or nothing. */
export function Avatar({ user, size = 40, status = null }) {
  // The colour belongs to the playground; the authors that messages carry are Discord's and have none.
  const known = useSelect((state) => state.users[user.id]) ?? user;
  const style = { "--avatar-size": `${size}px`, "--avatar-colour": user.bot ? "#5865f2" : colourOf(known) };
  const picture = user.bot
    ? html`<svg viewBox="0 0 32 32"><path d="M21.5 11.2a7 7 0 1 0 0 9.6" fill="none" stroke="currentColor"
      stroke-width="3.2" stroke-linecap="round" /><circle cx="16.3" cy="16" r="2.1" fill="currentColor" /></svg>`
    : initials(displayName(user));
  return html`
    <span class="avatar" style=${style} aria-hidden="true">
      <span class="face">${picture}</span>
      ${status && html`<span class="status ${status}" />`}
    </span>`;
}
