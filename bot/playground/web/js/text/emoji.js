// Which text is only emoji, and the few that the page offers as reactions.
export const REACTIONS = ["👍", "👎", "❤️", "😂", "🎉", "🤔", "👀", "🚀", "✅", "❌", "🙏", "🔥"];

const EMOJI = /\p{RGI_Emoji}/v;
const ONLY_EMOJI = /^(?:\p{RGI_Emoji}|<a?:\w{2,32}:\d{17,21}>|\s)+$/v;
const MOST_LARGE = 30;

/** Discord draws a message of nothing but emoji large, up to 30 of them. */
export function isOnlyEmoji(text) {
  if (!ONLY_EMOJI.test(text)) return false;
  const count = text.match(new RegExp(`${EMOJI.source}|<a?:\\w+:\\d+>`, "gv"))?.length ?? 0;
  return count > 0 && count <= MOST_LARGE;
}
