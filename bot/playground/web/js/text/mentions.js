// Mentions between the two ways they are written: "@Ada" and "#general" while a person types, <@id> and <#id> on
// the wire.
import { displayName } from "../state/derive.js";

const escapeRegExp = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

/**
 * Everything that can be mentioned: [{token, wire, label, kind, user?}], longest token first, so that the longest
 * name wins.
 */
export function mentionables({ users, channels }) {
  const people = Object.values(users).map((user) => ({
    kind: "user",
    token: `@${displayName(user)}`,
    wire: `<@${user.id}>`,
    label: displayName(user),
    user,
  }));
  const places = Object.values(channels)
    .filter((channel) => channel.guild_id && channel.name)
    .map((channel) => ({ kind: "channel", token: `#${channel.name}`, wire: `<#${channel.id}>`, label: channel.name }));
  return [...people, ...places].sort((a, b) => b.token.length - a.token.length);
}

// Code is left as it is written: a decorator named like a person is not a mention.
const CODE = /(```[\s\S]*?```|`[^`\n]*`)/;

export function mentionsToWire(text, state) {
  const known = mentionables(state);
  if (!known.length) return text;
  const pattern = new RegExp(`(?<![\\w<])(?:${known.map(({ token }) => escapeRegExp(token)).join("|")})(?!\\w)`, "g");
  const wires = new Map(known.map(({ token, wire }) => [token, wire]));
  return text
    .split(CODE)
    .map((piece, index) => (index % 2 ? piece : piece.replace(pattern, (token) => wires.get(token))))
    .join("");
}

export function mentionsToText(content, state) {
  return mentionables(state).reduce((text, { token, wire }) => text.replaceAll(wire, token), content);
}

/** The unfinished mention at the caret, as {start, sigil, query}, or null. */
export function mentionAt(text, caret) {
  const match = /(?:^|[\s(])([@#])([^\s@#]{0,40})$/.exec(text.slice(0, caret));
  return match && { start: caret - match[2].length - 1, sigil: match[1], query: match[2].toLowerCase() };
}
