// A channel's messages as far as they are loaded, oldest first, and the few ways they change. All pure.
// A message object that did not change keeps its identity: that is what spares the others a rendering.
import { compareIds } from "./discord.js";

/** A timeline from messages newest first, as the server lists them. `pageSize` tells whether there are older ones. */
export function timelineOf(newestFirst, pageSize) {
  return { messages: newestFirst.toReversed(), complete: newestFirst.length < pageSize };
}

export function prepend(timeline, newestFirst, pageSize) {
  const known = new Set(timeline.messages.map((message) => message.id));
  const older = newestFirst.toReversed().filter((message) => !known.has(message.id));
  return { messages: [...older, ...timeline.messages], complete: newestFirst.length < pageSize };
}

export function insert(timeline, message) {
  const { messages } = timeline;
  let index = messages.length;
  while (index > 0 && compareIds(messages[index - 1].id, message.id) > 0) index -= 1;
  if (messages[index - 1]?.id === message.id) return replace(timeline, message);
  return { ...timeline, messages: messages.toSpliced(index, 0, message) };
}

/** Lays the given fields over the message with the same id; an unknown message changes nothing. */
export function replace(timeline, changed) {
  const index = timeline.messages.findLastIndex((message) => message.id === changed.id);
  if (index < 0) return timeline;
  return { ...timeline, messages: timeline.messages.with(index, { ...timeline.messages[index], ...changed }) };
}

export function remove(timeline, ids) {
  const messages = timeline.messages.filter((message) => !ids.includes(message.id));
  return messages.length === timeline.messages.length ? timeline : { ...timeline, messages };
}

const emojiKey = (emoji) => emoji.id ?? emoji.name;

/** Counts one person's reaction in (`step` 1) or out (`step` -1). */
export function react(timeline, { message_id, emoji, user_id }, meId, step) {
  const message = timeline.messages.find((each) => each.id === message_id);
  if (!message) return timeline;
  const reactions = message.reactions ?? [];
  const mine = user_id === meId ? { me: step > 0 } : {};
  const known = reactions.find((reaction) => emojiKey(reaction.emoji) === emojiKey(emoji));
  const changed = known
    ? reactions.map((reaction) => (reaction === known ? { ...known, count: known.count + step, ...mine } : reaction))
    : [...reactions, { emoji, count: step, me: false, ...mine }];
  return replace(timeline, { id: message_id, reactions: changed.filter((reaction) => reaction.count > 0) });
}
