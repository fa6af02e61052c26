// Discord's markdown as rules for simple-markdown's parser: the inline rules come from discord-markdown-parser,
// the rules for whole lines are written here, because Discord decides by lines. Text in, a tree of nodes out.
// Knows nothing of how nodes are drawn.
import { rules as inlineRules, SimpleMarkdown } from "../../vendor/markdown.js";

const BEFORE_INLINE = -1;
const MOST_NESTED = 8;
// The parser would turn tabs into spaces; in code they must survive, so they cross it as a private-use character.
const TAB_STAND_IN = "\u{f8f0}";

const atLineStart = (state) => !state.prevCapture || state.prevCapture[0].endsWith("\n");

const within = (state, more) => ({ ...state, ...more, prevCapture: null });

/** A rule that matches `pattern` only where a line begins. */
const lineRule = (pattern, parse, allowed = () => true) => ({
  order: BEFORE_INLINE,
  match: (source, state) => (atLineStart(state) && allowed(state) ? pattern.exec(source) : null),
  parse,
});

const heading = lineRule(/^(#{1,3}) +([^\n]+?) *(?:\n|$)/, ([, marks, text], parse, state) => ({
  level: marks.length,
  content: parse(text, within(state)),
}));

const subtext = lineRule(/^-# +([^\n]+)(?:\n|$)/, ([, text], parse, state) => ({
  content: parse(text, within(state)),
}));

const blockQuote = lineRule(
  /^(?:>>> ([\s\S]+)|(?:> [^\n]*(?:\n|$)|>(?:\n|$))+)/,
  ([all, rest], parse, state) => ({
    content: parse(rest ?? all.replace(/^> ?/gm, "").replace(/\n$/, ""), within(state, { inQuote: true })),
  }),
  (state) => !state.inQuote,
);

const BULLET = /^( *)(?:([-*])|(\d{1,9})\.) +(?=\S)/;

const isNumbered = (bullet) => bullet[3] !== undefined;

const fences = (line) => line.split("```").length - 1;

/**
 * The lines of the list that `source` begins with: bullets, indented lines, and all of an open fence.
 * Each says whether it opens an item.
 */
function listLines(source) {
  const lines = [];
  let first = null;
  let inFence = false;
  for (const text of source.split("\n")) {
    const bullet = inFence ? null : BULLET.exec(text);
    if (!bullet && !inFence && !/^ {2,}\S/.test(text)) break;
    first ??= bullet;
    const base = first[1].length;
    const opensItem = bullet !== null && bullet[1].length <= base + 1;
    // Bullets after numbers, or the other way about, are another list.
    if (opensItem && isNumbered(bullet) !== isNumbered(first)) break;
    lines.push({ text, bullet: opensItem ? bullet : null, base });
    if (fences(text) % 2) inFence = !inFence;
  }
  return lines;
}

/** The lines put together as items; deeper lines stay with their item, without its indentation. */
function listItems(lines) {
  const items = [];
  for (const { text, bullet, base } of lines) {
    if (bullet) items.push([text.slice(bullet[0].length)]);
    else items.at(-1).push(text.replace(new RegExp(`^ {0,${base + 2}}`), ""));
  }
  return items.map((item) => item.join("\n"));
}

const list = {
  order: BEFORE_INLINE,
  match(source, state) {
    if (!atLineStart(state) || (state.depth ?? 0) >= MOST_NESTED || !BULLET.test(source)) return null;
    const taken = listLines(source)
      .map((line) => line.text)
      .join("\n");
    return [source.startsWith(`${taken}\n`) ? `${taken}\n` : taken];
  },
  parse([all], parse, state) {
    const lines = listLines(all.replace(/\n$/, ""));
    const { bullet } = lines[0];
    const items = listItems(lines).map((item) => parse(item, within(state, { depth: (state.depth ?? 0) + 1 })));
    return { ordered: isNumbered(bullet), start: Number(bullet[3] ?? 1), items };
  },
};

const spoiler = {
  ...inlineRules.spoiler,
  parse: ([, text], parse, state) => ({ content: parse(text, within(state)) }),
};

// The next three backticks close a block, whatever stands before them.
const codeBlock = {
  ...inlineRules.codeBlock,
  match: (source) => /^```(?:([a-zA-Z0-9_+.-]+)\n)?\n*([^\n][\s\S]*?)\n*```/.exec(source),
  parse: ([, lang = "", content]) => ({ lang, content }),
};

const { twemoji: _drawnByTheFont, ...inline } = inlineRules;

const parser = SimpleMarkdown.parserFor({
  ...inline,
  link: SimpleMarkdown.defaultRules.link,
  heading,
  subtext,
  blockQuote,
  list,
  spoiler,
  codeBlock,
});

/** A line break after a block of code belongs to the block, which already ends its line; one at the end, to nothing. */
const withoutSpareBreaks = (nodes) =>
  nodes.filter(
    (node, index) => node.type !== "br" || (index < nodes.length - 1 && nodes[index - 1]?.type !== "codeBlock"),
  );

/** Text that the parser cut into pieces, whole again: a cut may have gone through the middle of an emoji. */
function joinedText(nodes) {
  const joined = [];
  for (const node of nodes) {
    const previous = joined.at(-1);
    if (node.type === "text" && previous?.type === "text")
      joined[joined.length - 1] = { ...previous, content: previous.content + node.content };
    else joined.push(node);
  }
  return joined;
}

function tidied(nodes) {
  return joinedText(withoutSpareBreaks(nodes)).map((node) => {
    if (Array.isArray(node.content)) return { ...node, content: tidied(node.content) };
    if (node.items) return { ...node, items: node.items.map(tidied) };
    return typeof node.content === "string" ? { ...node, content: node.content.replaceAll(TAB_STAND_IN, "\t") } : node;
  });
}

/** The nodes of a message's text. */
export function parseMarkdown(text) {
  return tidied(parser(text.replaceAll("\t", TAB_STAND_IN), { inline: true }));
}
