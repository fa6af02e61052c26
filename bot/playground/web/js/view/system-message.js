// A line that nobody wrote: a thread was opened or renamed, somebody joined; and the message that a thread began with.
import { html } from "../../vendor/preact.js";
import { displayName } from "../state/derive.js";
import { MessageType } from "../state/discord.js";
import { Markdown } from "../markdown/view.js";
import { useSelect } from "../store.js";
import { formatFull, formatWhen } from "../text/format.js";
import { Attachments } from "./attachments.js";
import { Avatar } from "./avatar.js";
import { Icon } from "./icon.js";
import { ThreadLink } from "./thread-link.js";

const ICONS = {
  [MessageType.CHANNEL_NAME_CHANGE]: "pencil",
  [MessageType.THREAD_CREATED]: "thread",
  [MessageType.JOINED]: "arrow",
  [MessageType.PINNED]: "warning",
};

function sentence(message) {
  switch (message.type) {
    case MessageType.CHANNEL_NAME_CHANGE:
      return html`changed the name: <b>${message.content}</b>`;
    case MessageType.THREAD_CREATED:
      return html`started a thread: <b>${message.content}</b>`;
    case MessageType.JOINED:
      return "joined the server.";
    case MessageType.PINNED:
      return "pinned a message.";
    default:
      return message.content;
  }
}

/** The message on which the thread was opened, shown as the thread's beginning. */
function ThreadStarter({ original, reachable }) {
  const botId = useSelect((state) => state.bot.id);
  if (!original)
    return html`<p class="system"><${Icon} name="thread" /><i>The message that began this thread was deleted.</i></p>`;
  const time = Date.parse(original.timestamp);
  return html`
    <article class="message starter" tabindex=${reachable ? 0 : -1}
      aria-label=${`${displayName(original.author)} began this thread`}>
      <div class="gutter"><${Avatar} user=${original.author} /></div>
      <div class="body">
        <header class="message-head">
          <span class="author">${displayName(original.author)}</span>
          ${original.author.id === botId && html`<span class="tag">BOT</span>`}
          <time class="when" title=${formatFull(time)}>${formatWhen(time)}</time>
        </header>
        ${original.content && html`<${Markdown} text=${original.content} />`}
        <${Attachments} message=${original} />
      </div>
    </article>`;
}

export function SystemMessage({ message, time, reachable }) {
  if (message.type === MessageType.THREAD_STARTER)
    return html`<${ThreadStarter} original=${message.referenced_message} reachable=${reachable} />`;
  const threadId = message.message_reference?.channel_id;
  return html`
    <article class="message system" id=${`message-${message.id}`} tabindex=${reachable ? 0 : -1}>
      <div class="gutter"><${Icon} name=${ICONS[message.type] ?? "arrow"} /></div>
      <div class="body">
        <p class="system-text"><b>${displayName(message.author)}
          </b> ${sentence(message)} <time class="when" title=${formatFull(time)}>${formatWhen(time)}</time></p>
        ${message.type === MessageType.THREAD_CREATED && threadId && html`<${ThreadLink} message=${message}
          threadId=${threadId} />`}
      </div>
    </article>`;
}
