// Draws the nodes of a message's text. Every piece of text becomes a text node and every link is checked, so
// nothing that a message says can become markup.
import { html, useEffect, useMemo, useState } from "../../vendor/preact.js";
import { channelName, displayName } from "../state/derive.js";
import { useApp, useSelect } from "../store.js";
import { isOnlyEmoji } from "../text/emoji.js";
import { formatTimestamp } from "../text/format.js";
import { CodeBlock } from "./code.js";
import { parseMarkdown } from "./rules.js";

const TICK_MS = 1_000;

const safeUrl = (target) => (URL.canParse(target) && /^https?:$/.test(new URL(target).protocol) ? target : null);

function Link({ target, children }) {
  const url = safeUrl(target);
  if (!url) return html`<span>${children}</span>`;
  return html`<a href=${url} target="_blank" rel="noopener noreferrer nofollow" title=${url}>${children}</a>`;
}

export function Spoiler({ children, label = "Spoiler, hidden. Activate to show.", block = false }) {
  const [shown, setShown] = useState(false);
  const show = (event) => {
    event.preventDefault();
    event.stopPropagation();
    setShown(true);
  };
  const name = `spoiler${block ? " block" : ""}`;
  if (shown) return html`<span class="${name} shown">${children}</span>`;
  return html`
    <span class=${name} role="button" tabindex="0" aria-label=${label} aria-expanded="false"
      onClick=${show} onKeyDown=${(event) => (event.key === "Enter" || event.key === " ") && show(event)}>
      <span class="hidden-text" aria-hidden="true" inert>${children}</span>
    </span>`;
}

function Timestamp({ timestamp, format }) {
  const [, tick] = useState(0);
  useEffect(() => {
    if (format !== "R") return undefined;
    const timer = setInterval(() => tick((count) => count + 1), TICK_MS);
    return () => clearInterval(timer);
  }, [format]);
  const seconds = Number(timestamp);
  const [full, short] = [formatTimestamp(seconds, "F"), formatTimestamp(seconds, format)];
  return html`<time class="timestamp" title=${full}>${short}</time>`;
}

function UserMention({ id }) {
  const user = useSelect((state) => state.users[id]);
  return html`<span class="mention">@${user ? displayName(user) : "unknown-user"}</span>`;
}

function ChannelMention({ id }) {
  const { openChannel } = useApp();
  const channel = useSelect((state) => state.channels[id]);
  const meId = useSelect((state) => state.me.id);
  if (!channel) return html`<span class="mention">#unknown</span>`;
  return html`<button class="mention" onClick=${() => openChannel(id)}>#${channelName(channel, meId)}</button>`;
}

function RoleMention({ id }) {
  const role = useSelect((state) => state.guilds.flatMap((guild) => guild.roles ?? []).find((each) => each.id === id));
  return html`<span class="mention">@${role?.name ?? "role"}</span>`;
}

function CommandMention({ fullName }) {
  const { store, setDraft } = useApp();
  return html`<button class="mention"
    onClick=${() => setDraft(store.state.channelId, { text: `/${fullName}`, command: null })}>/${fullName}</button>`;
}

function List({ ordered, start, items }) {
  const rows = items.map((item) => html`<li>${draw(item)}</li>`);
  return ordered
    ? html`<ol start=${start} style=${{ "--digits": String(start + items.length - 1).length }}>${rows}</ol>`
    : html`<ul>${rows}</ul>`;
}

function drawNode(node) {
  const inside = () => (Array.isArray(node.content) ? draw(node.content) : node.content);
  switch (node.type) {
    case "text":
      return node.content;
    case "br":
      return html`<br />`;
    case "strong":
      return html`<strong>${inside()}</strong>`;
    case "em":
      return html`<em>${inside()}</em>`;
    case "underline":
      return html`<u>${inside()}</u>`;
    case "strikethrough":
      return html`<s>${inside()}</s>`;
    case "inlineCode":
      return html`<code class="inline">${node.content}</code>`;
    case "codeBlock":
      return html`<${CodeBlock} code=${node.content} language=${node.lang} />`;
    case "blockQuote":
      return html`<blockquote>${inside()}</blockquote>`;
    case "list":
      return html`<${List} ...${node} />`;
    case "heading":
      return html`
        <div class="heading level-${node.level}" role="heading" aria-level=${node.level + 2}>${inside()}</div>`;
    case "subtext":
      return html`<small class="subtext">${inside()}</small>`;
    case "spoiler":
      return html`<${Spoiler}>${inside()}<//>`;
    case "link":
    case "url":
    case "autolink":
      return html`<${Link} target=${node.target}>${inside()}<//>`;
    case "user":
      return html`<${UserMention} id=${node.id} />`;
    case "channel":
      return html`<${ChannelMention} id=${node.id} />`;
    case "role":
      return html`<${RoleMention} id=${node.id} />`;
    case "everyone":
      return html`<span class="mention">@everyone</span>`;
    case "here":
      return html`<span class="mention">@here</span>`;
    case "emoji":
      return `:${node.name}:`;
    case "timestamp":
      return html`<${Timestamp} timestamp=${node.timestamp} format=${node.format} />`;
    case "slashCommand":
      return html`<${CommandMention} fullName=${node.fullName} />`;
    case "guildNavigation":
      return html`<span class="mention">${node.navigation}</span>`;
    default:
      return inside();
  }
}

const draw = (nodes) => nodes.map(drawNode);

export function Markdown({ text }) {
  const nodes = useMemo(() => parseMarkdown(text), [text]);
  return html`<div class=${`markdown${isOnlyEmoji(text) ? " only-emoji" : ""}`} dir="auto">${draw(nodes)}</div>`;
}

const FLATTENED = { codeBlock: "code", br: " " };
const OWN_LINES = new Set(["heading", "subtext", "blockQuote"]);

const flatten = (nodes) =>
  nodes
    .map((node) => {
      if (node.type in FLATTENED) return FLATTENED[node.type];
      if (node.type === "spoiler") return "▇▇▇";
      if (node.items) return node.items.map(flatten).join(" ");
      const text = Array.isArray(node.content) ? flatten(node.content) : (node.content ?? "");
      return OWN_LINES.has(node.type) ? `${text} ` : text;
    })
    .join("");

/** A message's text as one plain line, for replies and lists. Hidden text stays hidden. */
export const plainLine = (text) => flatten(parseMarkdown(text)).replace(/\s+/g, " ").trim();
