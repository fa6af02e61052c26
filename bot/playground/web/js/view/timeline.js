// The messages of the open channel. It stays at the newest message while the reader is there, and never moves
// what somebody is reading: new text above or below leaves the view where it is.
import { html, useEffect, useLayoutEffect, useMemo, useRef, useState } from "../../vendor/preact.js";
import { channelName, rowsOf } from "../state/derive.js";
import { isThread } from "../state/discord.js";
import { useApp, useSelect } from "../store.js";
import { formatDay } from "../text/format.js";
import { CommandNotices } from "./command-notices.js";
import { Icon } from "./icon.js";
import { Message } from "./message.js";
import { walkWithArrows } from "./roving.js";

const NEAR_END_PX = 40;
const NEAR_START_PX = 400;

function beginningOf(channel, name) {
  if (isThread(channel)) return "This is the beginning of the thread.";
  return channel.guild_id
    ? "This is the beginning of the channel. Mention @Cogitor to open a thread with it."
    : `This is the beginning of your direct messages with ${name}.`;
}

function Beginning({ channel }) {
  const meId = useSelect((state) => state.me.id);
  const name = channelName(channel, meId);
  const icon = isThread(channel) ? "thread" : channel.guild_id ? "hash" : "at";
  return html`
    <div class="beginning">
      <span class="beginning-icon"><${Icon} name=${icon} /></span>
      <h3>${channel.guild_id && !isThread(channel) ? `Welcome to #${name}` : name}</h3>
      <p>${beginningOf(channel, name)}</p>
    </div>`;
}

function Row({ row, last }) {
  if (row.kind === "day") return html`<div class="divider" role="separator"><span>${formatDay(row.time)}</span></div>`;
  if (row.kind === "new") return html`<div class="divider new" role="separator"><span>New</span></div>`;
  return html`<${Message} message=${row.message} grouped=${row.grouped} reachable=${last} />`;
}

/**
 * Whether the reader is at the end, and staying there whatever grows or shrinks: {atEnd, noteScroll}.
 * A scroll event arrives a frame late, when new text may already have moved the end away. So only an upward move
 * with the sizes as they were is the reader's; everything else is the content's doing and is followed.
 */
function useStayingAtEnd(scroller, content) {
  const atEnd = useRef(true);
  const seen = useRef({ top: 0, height: 0, room: 0 });

  function noteScroll() {
    const { scrollTop: top, scrollHeight: height, clientHeight: room } = scroller.current;
    const before = seen.current;
    seen.current = { top, height, room };
    if (height - top - room < NEAR_END_PX) atEnd.current = true;
    else if (top < before.top && height === before.height && room === before.room) atEnd.current = false;
  }

  useLayoutEffect(() => {
    const toEnd = () => {
      if (atEnd.current) scroller.current.scrollTop = scroller.current.scrollHeight;
      noteScroll();
    };
    const observer = new ResizeObserver(toEnd);
    observer.observe(scroller.current);
    observer.observe(content.current);
    toEnd();
    return () => observer.disconnect();
  }, []);
  return { atEnd, noteScroll };
}

export function Timeline({ channel }) {
  const app = useApp();
  const timeline = useSelect((state) => state.timelines[channel.id]);
  const dismissed = useSelect((state) => state.dismissed);
  const firstUnread = useSelect((state) => state.firstUnread[channel.id]);
  const unread = useSelect((state) => state.unread[channel.id]);
  const scroller = useRef(null);
  const content = useRef(null);
  const { atEnd, noteScroll } = useStayingAtEnd(scroller, content);
  const [away, setAway] = useState(false);
  const rows = useMemo(
    () =>
      rowsOf(
        (timeline?.messages ?? []).filter((message) => !dismissed[message.id]),
        firstUnread,
      ),
    [timeline, dismissed, firstUnread],
  );

  function markSeen() {
    app.atEnd = atEnd.current;
    if (atEnd.current && document.hasFocus() && app.store.state.unread[channel.id]) app.lookedToEnd(channel.id);
  }

  useEffect(() => {
    markSeen();
    addEventListener("focus", markSeen);
    return () => removeEventListener("focus", markSeen);
  }, [channel.id]);

  // Whoever writes wants to see it, wherever they were reading.
  const last = timeline?.messages.at(-1);
  const lastOwnId = last?.author.id === app.store.state.me.id ? last.id : null;
  useLayoutEffect(() => {
    if (lastOwnId) toEnd();
  }, [lastOwnId]);

  function onScroll() {
    noteScroll();
    setAway(!atEnd.current);
    markSeen();
    const { scrollTop } = scroller.current;
    if (scrollTop < NEAR_START_PX && timeline && !timeline.complete) {
      // At the very top the browser does not hold the view in place while messages are put in above it.
      if (scrollTop === 0) scroller.current.scrollTop = 1;
      app.loadOlder(channel.id);
    }
  }

  function toEnd() {
    atEnd.current = true;
    scroller.current.scrollTop = scroller.current.scrollHeight;
    setAway(false);
    markSeen();
  }

  return html`
    <div class="timeline-frame">
      <div id="timeline" class="timeline" ref=${scroller} onScroll=${onScroll} onKeyDown=${walkWithArrows(".message")}>
        <div class="timeline-content" ref=${content} role="feed" aria-label="Messages" aria-busy=${!timeline}>
          ${timeline?.complete && html`<${Beginning} channel=${channel} />`}
          ${!timeline && html`<p class="loading-note">Loading the messages…</p>`}
          ${rows.map((row, index) => html`<${Row} key=${row.key} row=${row} last=${index === rows.length - 1} />`)}
          <${CommandNotices} channelId=${channel.id} />
        </div>
      </div>
      ${
        away &&
        html`
        <button class="to-end" onClick=${toEnd}>
          <${Icon} name="down" />${unread ? `${unread.count} new` : "Newest messages"}
        </button>`
      }
    </div>`;
}
