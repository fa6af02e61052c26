// Moving about: loading the channels, opening one, reading further back, and staying in step after a lost connection.
import { placeOf, writePlace } from "../session.js";
import { ChannelType } from "../state/discord.js";
import { channelTree } from "../state/derive.js";
import { markRead } from "../state/reduce.js";
import { prepend, timelineOf } from "../state/timeline.js";

const PAGE_SIZE = 50;

export function placeActions({ store, api, attempt }) {
  const loading = new Set();

  const messagesPath = (channelId, before) =>
    `/channels/${channelId}/messages?limit=${PAGE_SIZE}${before ? `&before=${before}` : ""}`;

  const setTimeline = (channelId, change) =>
    store.update((state) => ({
      ...state,
      timelines: { ...state.timelines, [channelId]: change(state.timelines[channelId]) },
    }));

  async function loadChannels() {
    const channels = await api.get("/channels");
    store.update((state) => ({
      ...state,
      channels: Object.fromEntries(channels.map((channel) => [channel.id, channel])),
    }));
  }

  async function loadLatest(channelId) {
    const newestFirst = await api.get(messagesPath(channelId));
    setTimeline(channelId, () => timelineOf(newestFirst, PAGE_SIZE));
  }

  async function loadOlder(channelId) {
    const timeline = store.state.timelines[channelId];
    if (!timeline || timeline.complete || loading.has(channelId)) return;
    loading.add(channelId);
    await attempt(async () => {
      const newestFirst = await api.get(messagesPath(channelId, timeline.messages[0].id));
      setTimeline(channelId, (current) => prepend(current, newestFirst, PAGE_SIZE));
    });
    loading.delete(channelId);
  }

  async function openChannel(channelId, { replace = false } = {}) {
    const { channels, me } = store.state;
    const channel = channels[channelId];
    if (!channel) return;
    writePlace({ username: me.username, channelId }, { replace });
    store.update((state) => {
      const leaving =
        state.channelId === channelId ? {} : { firstUnread: { ...state.firstUnread, [state.channelId]: undefined } };
      return { ...markRead(state, channelId), ...leaving, channelId, drawerOpen: false, editingId: null };
    });
    if (channel.type !== ChannelType.FORUM && !store.state.timelines[channelId]) {
      await attempt(() => loadLatest(channelId));
    }
  }

  /** Opens what the address names, or the first channel of the first server. */
  async function openFirst(channelId) {
    const { channels, guilds } = store.state;
    const first = channelTree(channels, guilds[0]?.id)[0]?.channel ?? Object.values(channels)[0];
    const target = channels[channelId] ?? first;
    if (target) await openChannel(target.id, { replace: true });
  }

  async function openDm(recipientId) {
    await attempt(async () => {
      const channel = await api.post("/dms", { recipient_id: recipientId });
      store.update((state) => ({
        ...state,
        channels: { ...state.channels, [channel.id]: { ...state.channels[channel.id], ...channel } },
      }));
      await openChannel(channel.id);
    });
  }

  /** Fetches again what may have changed unseen. Other timelines are forgotten and load when they are opened. */
  async function resync() {
    await attempt(async () => {
      const start = await api.get("/start");
      store.update((state) => ({ ...state, commands: start.commands, botOnline: start.bot.online ?? state.botOnline }));
      await loadChannels();
      const { channelId } = store.state;
      store.update((state) => ({
        ...state,
        timelines: channelId in state.timelines ? { [channelId]: state.timelines[channelId] } : {},
      }));
      if (channelId in store.state.timelines) await loadLatest(channelId);
    });
  }

  const lookedToEnd = (channelId) => store.update((state) => markRead(state, channelId));

  function speakAs(user) {
    location.hash = placeOf(user.username, store.state.channelId);
  }

  return { loadChannels, loadOlder, openChannel, openFirst, openDm, resync, lookedToEnd, speakAs };
}
