// A forum: its posts, newest activity first, and the form for a new one.
import { html, useState } from "../../vendor/preact.js";
import { displayName, threadsOf } from "../state/derive.js";
import { snowflakeTime } from "../state/discord.js";
import { useApp, useSelect } from "../store.js";
import { formatCount, formatRelative } from "../text/format.js";
import { Avatar } from "./avatar.js";
import { Icon } from "./icon.js";
import { walkWithArrows } from "./roving.js";

function NewPost({ channel, onDone }) {
  const { startThread } = useApp();
  const [sending, setSending] = useState(false);
  async function submit(event) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    setSending(true);
    const posted = await startThread({
      channelId: channel.id,
      name: form.get("title").trim(),
      content: form.get("content"),
    });
    setSending(false);
    if (posted) onDone();
  }
  const onKeyDown = (event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    onDone();
  };
  return html`
    <form class="new-post" onSubmit=${submit} onKeyDown=${onKeyDown}>
      <label>Title<input class="input" name="title" required maxlength="100" autofocus placeholder="What is it about?"
        /></label>
      <label>Message<textarea class="input" name="content" required maxlength="2000" rows="5"
        placeholder="Ask your question" /></label>
      <div class="form-buttons">
        <button type="button" class="button link" onClick=${onDone}>Cancel</button>
        <button class="button primary" disabled=${sending}>Post</button>
      </div>
    </form>`;
}

function Post({ thread }) {
  const { openChannel } = useApp();
  const owner = useSelect((state) => state.users[thread.owner_id]);
  const unread = useSelect((state) => state.unread[thread.id]);
  const active = formatRelative(snowflakeTime(thread.last_message_id ?? thread.id));
  return html`
    <button class=${`post${unread ? " unread" : ""}`} onClick=${() => openChannel(thread.id)}>
      <span class="post-title">${thread.name}</span>
      <span class="post-facts">
        ${owner && html`<${Avatar} user=${owner} size=${20} /><b>${displayName(owner)}</b>
          <span aria-hidden="true">·</span>`}
        <span>${formatCount(thread.message_count ?? 0, "reply", "replies")}</span><span aria-hidden="true">·</span>
          <span>${active}</span>
        ${thread.thread_metadata?.archived && html`<span class="tag plain">ARCHIVED</span>`}
      </span>
    </button>`;
}

export function Forum({ channel }) {
  const [writing, setWriting] = useState(false);
  const channels = useSelect((state) => state.channels);
  const posts = threadsOf(channels, channel.id);
  return html`
    <section class="forum" aria-label=${`Posts in ${channel.name}`} onKeyDown=${walkWithArrows(".post")}>
      ${
        writing
          ? html`<${NewPost} channel=${channel} onDone=${() => setWriting(false)} />`
          : html`<button class="button primary new-post-button" onClick=${() => setWriting(true)}>
            <${Icon} name="plus" />New post</button>`
      }
      ${posts.map((thread) => html`<${Post} key=${thread.id} thread=${thread} />`)}
      ${!posts.length && !writing && html`<div class="empty"><p>There are no posts yet. Write the first one.</p></div>`}
    </section>`;
}
