// What the page shows of the state without storing it: names, the tree of channels, rows of a timeline.
import { ChannelType, compareIds, hasFlag, isThread, MessageFlag, MessageType, snowflakeTime } from "./discord.js";

const GROUP_WITHIN_MS = 7 * 60_000;
const GROUPED_TYPES = [MessageType.DEFAULT, MessageType.REPLY, MessageType.COMMAND, MessageType.CONTEXT_COMMAND];
const SYSTEM_TYPES = [
  MessageType.CHANNEL_NAME_CHANGE,
  MessageType.PINNED,
  MessageType.JOINED,
  MessageType.THREAD_CREATED,
  MessageType.THREAD_STARTER,
];

export const displayName = (user) => user?.global_name ?? user?.username ?? "Unknown user";

/** A DM is named for the other person in it. */
export function channelName(channel, meId) {
  if (channel.type !== ChannelType.DM) return channel.name;
  return displayName(channel.recipients?.find((user) => user.id !== meId) ?? channel.recipients?.[0]);
}

export const isSystem = (message) => SYSTEM_TYPES.includes(message.type);

const isArchived = (thread) => Boolean(thread.thread_metadata?.archived);

const newestFirst = (a, b) => compareIds(b.last_message_id ?? b.id, a.last_message_id ?? a.id);

/**
 * The server's channels in order, each with its threads: [{channel, threads}].
 * An archived thread shows only while it is open.
 */
export function channelTree(channels, guildId, openId) {
  const inGuild = Object.values(channels).filter((channel) => channel.guild_id === guildId);
  const threads = inGuild.filter((channel) => isThread(channel) && (!isArchived(channel) || channel.id === openId));
  return inGuild
    .filter((channel) => channel.type === ChannelType.TEXT || channel.type === ChannelType.FORUM)
    .sort((a, b) => (a.position ?? 0) - (b.position ?? 0) || compareIds(a.id, b.id))
    .map((channel) => ({
      channel,
      threads: threads.filter((thread) => thread.parent_id === channel.id).sort(newestFirst),
    }));
}

export const directMessages = (channels) =>
  Object.values(channels)
    .filter((channel) => channel.type === ChannelType.DM)
    .sort(newestFirst);

/** A forum's posts, or all threads of a channel, newest activity first. */
export const threadsOf = (channels, parentId) =>
  Object.values(channels)
    .filter((channel) => isThread(channel) && channel.parent_id === parentId)
    .sort(newestFirst);

const messageTime = (message) => (message.timestamp ? Date.parse(message.timestamp) : snowflakeTime(message.id));

function continues(previous, message) {
  return (
    previous &&
    previous.author.id === message.author.id &&
    GROUPED_TYPES.includes(previous.type) &&
    GROUPED_TYPES.includes(message.type) &&
    !message.message_reference &&
    !message.interaction_metadata &&
    hasFlag(previous, MessageFlag.EPHEMERAL) === hasFlag(message, MessageFlag.EPHEMERAL) &&
    messageTime(message) - messageTime(previous) < GROUP_WITHIN_MS
  );
}

/**
 * The rows of a timeline: day dividers, the line above the first unread message, and messages, each saying
 * whether it continues its author's group.
 */
export function rowsOf(messages, firstUnreadId) {
  const rows = [];
  let previous = null;
  let day = null;
  for (const message of messages) {
    const messageDay = new Date(messageTime(message)).toDateString();
    const isNewDay = messageDay !== day;
    const isFirstUnread = message.id === firstUnreadId;
    if (isNewDay) rows.push({ kind: "day", key: `day-${messageDay}`, time: messageTime(message) });
    if (isFirstUnread) rows.push({ kind: "new", key: "new" });
    const grouped = !isNewDay && !isFirstUnread && continues(previous, message);
    rows.push({ kind: "message", key: message.id, message, grouped: Boolean(grouped) });
    previous = message;
    day = messageDay;
  }
  return rows;
}
