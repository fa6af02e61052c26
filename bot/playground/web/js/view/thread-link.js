// The card under a message that a thread hangs on.
import { html } from "../../vendor/preact.js";
import { useApp, useSelect } from "../store.js";
import { formatCount, formatRelative } from "../text/format.js";
import { MessageType, snowflakeTime } from "../state/discord.js";
import { Icon } from "./icon.js";

export function ThreadLink({ message, threadId = message.id }) {
  const { openChannel } = useApp();
  const thread = useSelect((state) => state.channels[threadId]) ?? message.thread;
  const unread = useSelect((state) => state.unread[threadId]);
  // A forum post's first message has its thread's id as well, but is inside of it.
  if (!thread || thread.id === message.channel_id || message.type === MessageType.THREAD_STARTER) return null;
  const active = thread.last_message_id && formatRelative(snowflakeTime(thread.last_message_id));
  return html`
    <button class=${`thread-link${unread ? " unread" : ""}`} onClick=${() => openChannel(thread.id)}>
      <${Icon} name="thread" />
      <span class="thread-name">${thread.name}</span>
      <span class="thread-count">${formatCount(thread.message_count ?? 0, "message")} ›</span>
      ${active && html`<span class="thread-when">${active}</span>`}
    </button>`;
}
