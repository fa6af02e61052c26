// The list above the message box: the bot's commands after "/", people after "@", channels after "#".
// The box keeps the focus; the list is walked from there.
import { html, useLayoutEffect, useMemo, useRef, useState } from "../../vendor/preact.js";
import { filterCommands, slashCommands } from "../commands/catalog.js";
import { useApp, useSelect } from "../store.js";
import { mentionables, mentionAt } from "../text/mentions.js";
import { Avatar } from "./avatar.js";
import { Icon } from "./icon.js";

const MOST_SHOWN = 50;
const KINDS = { "@": "user", "#": "channel" };

function useCommandEntries(channel) {
  const commands = useSelect((state) => state.commands);
  const me = useSelect((state) => state.me);
  const inGuild = Boolean(channel.guild_id);
  return useMemo(() => slashCommands({ commands, me, inGuild }), [commands, me, inGuild]);
}

// Mentioning the bot is how a conversation begins, so it stands first.
const botFirst = (a, b) => Number(b.user?.bot ?? false) - Number(a.user?.bot ?? false) || (a.label < b.label ? -1 : 1);

/** What the text asks for: {title, items: [{key, kind, ...}]}, or null. */
function suggestionsFor(text, caret, entries, state) {
  if (/^\/[^\n]*$/.test(text)) {
    const items = filterCommands(entries, text.slice(1)).map((entry) => ({ kind: "command", key: entry.name, entry }));
    return { title: "Commands", items };
  }
  const mention = mentionAt(text, caret);
  if (!mention) return null;
  const items = mentionables(state)
    .filter(({ kind, label }) => kind === KINDS[mention.sigil] && label.toLowerCase().includes(mention.query))
    .map((each) => ({ ...each, key: each.wire, mention }));
  return { title: mention.sigil === "@" ? "People" : "Channels", items: items.sort(botFirst) };
}

export function useSuggestions({ channel, draft, caret, box }) {
  const app = useApp();
  const entries = useCommandEntries(channel);
  const users = useSelect((state) => state.users);
  const channels = useSelect((state) => state.channels);
  const [active, setActive] = useState(0);
  const [closedFor, setClosedFor] = useState(null);
  const { text } = draft;
  const found = useMemo(
    () => suggestionsFor(text, caret, entries, { users, channels }),
    [text, caret, entries, users, channels],
  );
  const isOpen = found !== null && closedFor !== text && found.items.length > 0;
  const items = isOpen ? found.items.slice(0, MOST_SHOWN) : [];
  const index = Math.min(active, items.length - 1);
  const caretAfter = useRef(null);
  useLayoutEffect(() => {
    setActive(0);
    if (caretAfter.current !== null) box.current.setSelectionRange(caretAfter.current, caretAfter.current);
    caretAfter.current = null;
  }, [text]);

  const chooseCommand = (entry, rest = "") => {
    const first = entry.options.find((option) => option.type === 3 && !option.choices);
    app.setDraft(channel.id, { text: "", command: { entry, values: rest && first ? { [first.name]: rest } : {} } });
  };

  function pick(item) {
    if (item.kind === "command") {
      chooseCommand(item.entry);
      return;
    }
    const { start } = item.mention;
    const before = `${text.slice(0, start)}${item.token} `;
    app.setDraft(channel.id, { text: before + text.slice(caret).trimStart() });
    caretAfter.current = before.length;
    box.current.focus();
  }

  /** A command that was written out, with a space behind it, is chosen by that; what follows becomes its first text. */
  function pickTyped(typed) {
    if (!typed.startsWith("/") || typed.includes("\n")) return false;
    const written = entries
      .filter((entry) => typed.startsWith(`/${entry.name} `))
      .sort((a, b) => b.name.length - a.name.length)[0];
    if (!written || entries.some((entry) => entry.name.startsWith(`${written.name} `))) return false;
    chooseCommand(written, typed.slice(written.name.length + 2));
    return true;
  }

  /** Says whether the key was meant for the list. */
  function onKeyDown(event) {
    if (!items.length) return false;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && !event.altKey) setActive((index + step + items.length) % items.length);
    else if ((event.key === "Enter" && !event.shiftKey) || event.key === "Tab") pick(items[index]);
    else if (event.key === "Escape") setClosedFor(text);
    else return false;
    event.preventDefault();
    return true;
  }

  const activeId = items.length ? `suggestion-${index}` : undefined;
  return { title: found?.title, items, index, activeId, pick, pickTyped, onKeyDown, hover: setActive };
}

function Item({ item }) {
  if (item.kind === "command") {
    return html`<${Icon} name="slash" /><span class="name">/${item.entry.name}</span><span class="summary">
      ${item.entry.description}</span>`;
  }
  if (item.kind === "user") {
    return html`<${Avatar} user=${item.user} size=${24} /><span class="name">${item.label}</span>
      ${item.user.bot && html`<span class="tag">BOT</span>`}<span class="summary">${item.user.username}</span>`;
  }
  return html`<${Icon} name="hash" /><span class="name">${item.label}</span>`;
}

export function Suggestions({ title, items, index, pick, hover }) {
  const list = useRef(null);
  useLayoutEffect(() => {
    list.current?.querySelector(".active")?.scrollIntoView({ block: "nearest" });
  }, [index, items]);
  if (!items.length) return null;
  return html`
    <div class="suggestions" ref=${list}>
      <p class="list-heading">${title}</p>
      <div id="suggestions" role="listbox" aria-label=${title}>
        ${items.map(
          (item, at) => html`
          <div key=${item.key} id=${`suggestion-${at}`} role="option" aria-selected=${at === index}
            class=${`suggestion${at === index ? " active" : ""}`}
            onPointerDown=${(event) => event.preventDefault()} onClick=${() => pick(item)}
            onPointerMove=${() => at !== index && hover(at)}>
            <${Item} item=${item} />
          </div>`,
        )}
      </div>
    </div>`;
}
