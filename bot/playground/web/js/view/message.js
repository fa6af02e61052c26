// One message: what it answers, who wrote it, its text and everything attached to it.
import { html } from "../../vendor/preact.js";
import { displayName, isSystem } from "../state/derive.js";
import { hasFlag, MessageFlag } from "../state/discord.js";
import { memo, useApp, useSelect } from "../store.js";
import { formatClock, formatFull, formatWhen } from "../text/format.js";
import { Attachments } from "./attachments.js";
import { Avatar } from "./avatar.js";
import { Components } from "./components.js";
import { Embeds } from "./embeds.js";
import { Icon } from "./icon.js";
import { Markdown } from "../markdown/view.js";
import { contextLine } from "./message-context.js";
import { MessageEditor } from "./message-editor.js";
import { useMessageMenu } from "./message-menu.js";
import { Reactions } from "./reactions.js";
import { SystemMessage } from "./system-message.js";
import { ThreadLink } from "./thread-link.js";

function Head({ message, time }) {
  const { author } = message;
  return html`
    <header class="message-head">
      <span class=${`author${author.bot ? " of-bot" : ""}`}>${displayName(author)}</span>
      ${author.bot && html`<span class="tag" title="This is the bot">BOT</span>`}
      <time class="when" dateTime=${message.timestamp} title=${formatFull(time)}>${formatWhen(time)}</time>
    </header>`;
}

function Text({ message }) {
  const isEditing = useSelect((state) => state.editingId === message.id);
  if (isEditing) return html`<${MessageEditor} message=${message} />`;
  if (hasFlag(message, MessageFlag.LOADING)) {
    return html`<p class="thinking" role="status"><span class="dots" aria-hidden="true"><i /><i /><i /></span>
      ${displayName(message.author)} is thinking…</p>`;
  }
  const edited = message.edited_timestamp;
  return html`
    ${message.content && html`<${Markdown} text=${message.content} />`}
    ${edited && html`<small class="edited" title=${`Edited ${formatFull(Date.parse(edited))}`}>(edited)</small>`}`;
}

function OnlyYou({ message }) {
  const { dismiss } = useApp();
  return html`
    <p class="only-you"><${Icon} name="eye" />Only you can see this · <button class="text-link"
      onClick=${() => dismiss(message)}>Dismiss message</button></p>`;
}

function Toolbar({ message, menu }) {
  const { toggleReaction } = useApp();
  const shown = menu.actions.filter((action) => action.inToolbar);
  return html`
    <div class="toolbar" role="group" aria-label="Message actions">
      ${
        !hasFlag(message, MessageFlag.EPHEMERAL) &&
        ["👍", "❤️"].map(
          (name) => html`
        <button key=${name} class="icon-button emoji" tabindex="-1" aria-label=${`React with ${name}`}
          onClick=${() => toggleReaction(message, { id: null, name })}>${name}</button>`,
        )
      }
      ${shown.map(
        ({ label, icon, run }) => html`
        <button key=${label} class="icon-button" tabindex="-1" title=${label} aria-label=${label} onClick=${run}>
          <${Icon} name=${icon} /></button>`,
      )}
      <button class="icon-button" tabindex="-1" title="More" aria-label="More" aria-haspopup="menu"
        onClick=${menu.openAtButton}><${Icon} name="more" /></button>
    </div>`;
}

export const Message = memo(function Message({ message, grouped, reachable }) {
  const menu = useMessageMenu(message);
  const failure = useSelect((state) => state.failures[message.id]);
  const mentionsMe = useSelect((state) => Boolean(message.mentions?.some((user) => user.id === state.me.id)));
  const isReplyTarget = useSelect((state) => state.drafts[message.channel_id]?.replyTo?.id === message.id);
  const time = Date.parse(message.timestamp);
  const ephemeral = hasFlag(message, MessageFlag.EPHEMERAL);
  if (isSystem(message)) return html`<${SystemMessage} message=${message} time=${time} reachable=${reachable} />`;
  const name = [
    "message",
    grouped && "grouped",
    ephemeral && "ephemeral",
    mentionsMe && "mentions-me",
    isReplyTarget && "reply-target",
  ];
  return html`
    <article id=${`message-${message.id}`} class=${name.filter(Boolean).join(" ")} tabindex=${reachable ? 0 : -1}
      aria-label=${`${displayName(message.author)}, ${formatWhen(time)}`}
      onContextMenu=${menu.onContextMenu} onKeyDown=${menu.onKeyDown}
      onTouchStart=${menu.onTouchStart} onTouchEnd=${menu.onTouchEnd} onTouchMove=${menu.onTouchEnd}>
      ${contextLine(message)}
      <div class="gutter">
        ${grouped
          ? html`<time class="when" title=${formatFull(time)}>${formatClock(time)}</time>`
          : html`<${Avatar} user=${message.author} />`}
      </div>
      <div class="body">
        ${!grouped && html`<${Head} message=${message} time=${time} />`}
        <${Text} message=${message} />
        <${Attachments} message=${message} />
        <${Embeds} embeds=${message.embeds} />
        <${Components} message=${message} />
        <${Reactions} message=${message} />
        <${ThreadLink} message=${message} />
        ${failure && html`<p class="failure" role="alert"><${Icon} name="warning" />${failure}</p>`}
        ${ephemeral && html`<${OnlyYou} message=${message} />`}
      </div>
      <${Toolbar} message=${message} menu=${menu} />
    </article>`;
});
