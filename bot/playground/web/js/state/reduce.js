// What a live event makes of the state. Pure: one state and one event in, the next state out.
// The names and payloads are those of Discord's gateway.
import { hasFlag, isThread, MessageFlag, MessageType } from "./discord.js";
import { insert, react, remove, replace } from "./timeline.js";

const TYPING_MS = 10_000;

const onTimeline = (state, channelId, change) => {
  const timeline = state.timelines[channelId];
  if (!timeline) return state;
  const changed = change(timeline);
  return changed === timeline ? state : { ...state, timelines: { ...state.timelines, [channelId]: changed } };
};

const without = (record, key) => {
  if (!(key in record)) return record;
  const { [key]: _gone, ...rest } = record;
  return rest;
};

function messageCreated(state, message, { seen }) {
  const own = message.author.id === state.me.id;
  let next = onTimeline(state, message.channel_id, (timeline) => insert(timeline, message));
  const channel = next.channels[message.channel_id];
  if (channel && !hasFlag(message, MessageFlag.EPHEMERAL)) {
    const counted = isThread(channel) ? { message_count: (channel.message_count ?? 0) + 1 } : {};
    const changed = { ...channel, last_message_id: message.id, ...counted };
    next = { ...next, channels: { ...next.channels, [channel.id]: changed } };
  }
  if (!next.users[message.author.id]) next = { ...next, users: { ...next.users, [message.author.id]: message.author } };
  next = typingStopped(next, message.channel_id, message.author.id);
  if (own) return { ...next, firstUnread: without(next.firstUnread, message.channel_id) };
  const isAnswerHere = hasFlag(message, MessageFlag.EPHEMERAL) && message.channel_id === state.channelId;
  const isNews = message.type !== MessageType.THREAD_STARTER && !isAnswerHere;
  return seen || !isNews ? next : markUnread(next, message);
}

function markUnread(state, message) {
  const { channel_id: channelId } = message;
  const before = state.unread[channelId] ?? { count: 0, mentions: 0 };
  const mentioned = state.channels[channelId]?.type === 1 || message.mentions?.some((user) => user.id === state.me.id);
  const unread = { count: before.count + 1, mentions: before.mentions + Number(Boolean(mentioned)) };
  const firstUnread = state.firstUnread[channelId]
    ? state.firstUnread
    : { ...state.firstUnread, [channelId]: message.id };
  return { ...state, unread: { ...state.unread, [channelId]: unread }, firstUnread };
}

function typingStopped(state, channelId, userId) {
  const here = state.typing[channelId];
  if (!here?.[userId]) return state;
  return { ...state, typing: { ...state.typing, [channelId]: without(here, userId) } };
}

function channelChanged(state, channel) {
  const merged = { ...state.channels[channel.id], ...channel };
  return { ...state, channels: { ...state.channels, [channel.id]: merged } };
}

/** A channel's threads go with it; there is no event for each. */
function channelWithThreadsGone(state, channel) {
  const isIn = ({ parent_id, thread_metadata }) => thread_metadata && parent_id === channel.id;
  const threads = Object.values(state.channels).filter(isIn);
  return [...threads, channel].reduce(channelGone, state);
}

function channelGone(state, { id }) {
  return {
    ...state,
    channels: without(state.channels, id),
    timelines: without(state.timelines, id),
    unread: without(state.unread, id),
    channelId: state.channelId === id ? null : state.channelId,
  };
}

function messagesGone(state, channelId, ids) {
  const next = onTimeline(state, channelId, (timeline) => remove(timeline, ids));
  return ids.includes(next.editingId) ? { ...next, editingId: null } : next;
}

/** The channel has been looked at up to its end. The first unread message stays marked until it is opened again. */
export function markRead(state, channelId) {
  return channelId in state.unread ? { ...state, unread: without(state.unread, channelId) } : state;
}

/** Forgets who typed too long ago to be typing still. */
export function pruneTyping(state, now) {
  const typing = Object.entries(state.typing)
    .map(([channelId, users]) => [
      channelId,
      Object.fromEntries(Object.entries(users).filter(([, until]) => until > now)),
    ])
    .filter(([, users]) => Object.keys(users).length);
  return { ...state, typing: Object.fromEntries(typing) };
}

/**
 * `seen(channelId)` says whether the person is looking at the end of that channel now; `now` is in milliseconds.
 */
export function reduce(state, { t, d }, { seen, now }) {
  switch (t) {
    case "MESSAGE_CREATE":
      return messageCreated(state, d, { seen: seen(d.channel_id) });
    case "MESSAGE_UPDATE":
      return onTimeline(state, d.channel_id, (timeline) => replace(timeline, d));
    case "MESSAGE_DELETE":
      return messagesGone(state, d.channel_id, [d.id]);
    case "MESSAGE_DELETE_BULK":
      return messagesGone(state, d.channel_id, d.ids);
    case "MESSAGE_REACTION_ADD":
      return onTimeline(state, d.channel_id, (timeline) => react(timeline, d, state.me.id, 1));
    case "MESSAGE_REACTION_REMOVE":
      return onTimeline(state, d.channel_id, (timeline) => react(timeline, d, state.me.id, -1));
    case "TYPING_START": {
      if (d.user_id === state.me.id) return state;
      const here = { ...state.typing[d.channel_id], [d.user_id]: now + TYPING_MS };
      return { ...state, typing: { ...state.typing, [d.channel_id]: here } };
    }
    case "THREAD_CREATE":
    case "THREAD_UPDATE":
    case "CHANNEL_CREATE":
    case "CHANNEL_UPDATE":
      return channelChanged(state, d);
    case "THREAD_DELETE":
      return channelGone(state, d);
    case "CHANNEL_DELETE":
      return channelWithThreadsGone(state, d);
    case "APPLICATION_COMMANDS":
      return { ...state, commands: d.commands };
    case "BOT_STATUS":
      return { ...state, botOnline: d.online };
    default:
      return state;
  }
}
