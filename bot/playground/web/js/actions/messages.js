// What a person does with messages, threads and reactions. Each is one HTTP call; the outcome arrives on the socket.
import { isThread } from "../state/discord.js";
import { mentionsToWire } from "../text/mentions.js";

const TYPING_EVERY_MS = 8_000;

const emojiPath = (emoji) => encodeURIComponent(emoji.id ? `${emoji.name}:${emoji.id}` : emoji.name);

export function messageActions({ store, api, toast, attempt, openChannel }) {
  let typedAt = -Infinity;

  const messagePath = (message) => `/channels/${message.channel_id}/messages/${message.id}`;

  const setDraft = (channelId, change) =>
    store.update((state) => ({
      ...state,
      drafts: { ...state.drafts, [channelId]: { ...state.drafts[channelId], ...change } },
    }));

  /** Long text travels as message.txt, as Discord's own client does it. */
  function outgoing(channelId, text, files) {
    const content = mentionsToWire(text.trim(), store.state);
    if (content.length <= store.state.limits.content) return { content, files };
    toast("The text is longer than 2,000 characters, so it was attached as message.txt.");
    return { content: "", files: [new File([content], "message.txt", { type: "text/plain" }), ...files] };
  }

  async function send(channelId) {
    const { text = "", files = [], replyTo = null } = store.state.drafts[channelId] ?? {};
    if (!text.trim() && !files.length) return;
    const out = outgoing(channelId, text, files);
    const reference = replyTo ? { message_reference: { message_id: replyTo.id, channel_id: channelId } } : {};
    setDraft(channelId, { text: "", files: [], replyTo: null });
    typedAt = -Infinity;
    const sent = await attempt(() =>
      api.post(`/channels/${channelId}/messages`, { content: out.content, ...reference }, out.files),
    );
    // What could not be sent comes back, unless the person has begun something new.
    if (!sent && !store.state.drafts[channelId]?.text) setDraft(channelId, { text, files, replyTo });
  }

  function typed(channelId) {
    if (performance.now() - typedAt < TYPING_EVERY_MS) return;
    typedAt = performance.now();
    api.post(`/channels/${channelId}/typing`).catch(() => {
      // Nobody needs to know that a typing notice was lost.
    });
  }

  function addFiles(channelId, added) {
    const { limits, drafts } = store.state;
    const files = drafts[channelId]?.files ?? [];
    const small = [...added].filter((file) => file.size <= limits.attachment_bytes);
    if (small.length < added.length)
      toast("A file is larger than 10 MiB, which is the most that Discord takes. It was left out.", "error");
    if (files.length + small.length > 10)
      toast("A message carries at most 10 files. The others were left out.", "error");
    setDraft(channelId, { files: [...files, ...small].slice(0, 10) });
  }

  async function edit(message, text) {
    const content = mentionsToWire(text.trim(), store.state);
    store.update((state) => ({ ...state, editingId: null }));
    if (content !== message.content) await attempt(() => api.patch(messagePath(message), { content }));
  }

  const setEditing = (editingId) => store.update((state) => ({ ...state, editingId }));

  const deleteMessage = (message) => attempt(() => api.delete(messagePath(message)));

  function toggleReaction(message, emoji) {
    const mine = message.reactions?.some(
      (reaction) => reaction.me && (reaction.emoji.id ?? reaction.emoji.name) === (emoji.id ?? emoji.name),
    );
    const path = `${messagePath(message)}/reactions/${emojiPath(emoji)}`;
    return attempt(() => (mine ? api.delete(path) : api.put(path)));
  }

  async function copyText(text) {
    await attempt(async () => {
      await navigator.clipboard.writeText(text).catch(() => {
        throw new Error("The browser did not allow the page to copy. Select the text and copy it by hand.");
      });
      toast("Copied.");
    });
  }

  /** Opens a thread: on a message, on none, or as a forum post whose first message is `content`. */
  async function startThread({ channelId, name, message = null, content = null }) {
    const path = message ? `${messagePath(message)}/threads` : `/channels/${channelId}/threads`;
    return attempt(async () => {
      const thread = await api.post(
        path,
        content === null ? { name } : { name, message: { content: mentionsToWire(content, store.state) } },
      );
      store.update((state) => ({
        ...state,
        channels: { ...state.channels, [thread.id]: { ...state.channels[thread.id], ...thread } },
      }));
      await openChannel(thread.id);
    });
  }

  const editChannel = (channel, change) => attempt(() => api.patch(`/channels/${channel.id}`, change));

  async function deleteThread(channel) {
    const deleted = await attempt(() => api.delete(`/channels/${channel.id}`));
    if (deleted && isThread(channel)) await openChannel(channel.parent_id);
  }

  /** An ephemeral message is dismissed in this tab only: on the server it was never a lasting one. */
  const dismiss = (message) =>
    store.update((state) => ({ ...state, dismissed: { ...state.dismissed, [message.id]: true } }));

  return {
    setDraft,
    send,
    typed,
    addFiles,
    edit,
    setEditing,
    deleteMessage,
    toggleReaction,
    copyText,
    startThread,
    editChannel,
    deleteThread,
    dismiss,
  };
}
