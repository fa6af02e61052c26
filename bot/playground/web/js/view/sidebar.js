// The left side: the rail of servers, the open server's channels with their threads (or the direct messages), and
// who speaks in this tab.
import { html, useState } from "../../vendor/preact.js";
import { channelName, channelTree, directMessages, displayName } from "../state/derive.js";
import { ChannelType } from "../state/discord.js";
import { useApp, useSelect } from "../store.js";
import { Avatar } from "./avatar.js";
import { Icon } from "./icon.js";
import { PersonPanel } from "./person-panel.js";
import { walkWithArrows } from "./roving.js";

const DIRECT = "direct";

const guildOf = (channel) => channel?.guild_id ?? DIRECT;

function UnreadMark({ unread }) {
  if (!unread) return null;
  return unread.mentions
    ? html`<span class="badge" aria-label=${`${unread.mentions} unread mentions`}>${unread.mentions}</span>`
    : html`<span class="visually-hidden">unread</span>`;
}

function ChannelLink({ channel, className = "", children }) {
  const { openChannel } = useApp();
  const isOpen = useSelect((state) => state.channelId === channel.id);
  const unread = useSelect((state) => state.unread[channel.id]);
  const name = ["channel-link", className, isOpen && "open", unread && "unread"].filter(Boolean).join(" ");
  return html`
    <button class=${name} aria-current=${isOpen ? "page" : undefined} onClick=${() => openChannel(channel.id)}>
      ${children}<${UnreadMark} unread=${unread} />
    </button>`;
}

function ServerChannels({ guildId }) {
  const channels = useSelect((state) => state.channels);
  const openId = useSelect((state) => state.channelId);
  const tree = channelTree(channels, guildId, openId);
  return html`
    <h2 class="list-heading">Channels</h2>
    ${tree.map(
      ({ channel, threads }) => html`
      <div key=${channel.id} role="group" aria-label=${channel.name}>
        <${ChannelLink} channel=${channel}>
          <${Icon} name=${channel.type === ChannelType.FORUM ? "forum" : "hash"} /><span class="name">${channel.name}
            </span>
        <//>
        ${
          threads.length > 0 &&
          html`
          <div class="threads">
            ${threads.map(
              (thread) => html`
              <${ChannelLink} key=${thread.id} channel=${thread} className="thread">
                <span class="name">${thread.name}</span>
              <//>`,
            )}
          </div>`
        }
      </div>`,
    )}`;
}

function DirectChannels() {
  const { openDm } = useApp();
  const channels = useSelect((state) => state.channels);
  const me = useSelect((state) => state.me);
  const bot = useSelect((state) => state.bot);
  const dms = directMessages(channels);
  const others = (channel) => channel.recipients?.find((user) => user.id !== me.id) ?? bot;
  const hasBot = dms.some((channel) => others(channel).id === bot.id);
  return html`
    <h2 class="list-heading">Direct messages</h2>
    ${dms.map(
      (channel) => html`
      <${ChannelLink} key=${channel.id} channel=${channel} className="direct">
        <${Avatar} user=${others(channel)} size=${28} /><span class="name">${channelName(channel, me.id)}</span>
      <//>`,
    )}
    ${
      !hasBot &&
      html`
      <button class="channel-link direct" onClick=${() => openDm(bot.id)}>
        <${Avatar} user=${{ ...bot, bot: true }} size=${28} /><span class="name">Message ${displayName(bot)}</span>
      </button>`
    }`;
}

function RailButton({ label, chosen, unread, onClick, children }) {
  return html`
    <button class=${`rail-button${chosen ? " chosen" : ""}${unread ? " unread" : ""}`} title=${label}
      aria-label=${label} aria-pressed=${chosen} onClick=${onClick}>
      ${children}
      ${unread?.mentions > 0 && html`<span class="badge">${unread.mentions}</span>`}
    </button>`;
}

/** What is unread in all channels of one server, or in the direct messages. */
function unreadIn({ unread, channels }, place) {
  const counts = Object.entries(unread)
    .filter(([id]) => channels[id] && guildOf(channels[id]) === place)
    .map(([, each]) => each);
  return counts.length ? { mentions: counts.reduce((sum, each) => sum + each.mentions, 0) } : null;
}

export function Sidebar() {
  const guilds = useSelect((state) => state.guilds);
  const channel = useSelect((state) => state.channels[state.channelId]);
  const unread = useSelect((state) => state.unread);
  const channels = useSelect((state) => state.channels);
  const [chosen, setChosen] = useState({ place: guildOf(channel), channelId: channel?.id });
  // Opening a channel shows its server; choosing a server shows its channels without leaving the open one.
  const place = chosen.channelId === channel?.id ? chosen.place : guildOf(channel);
  const choose = (next) => setChosen({ place: next, channelId: channel?.id });
  const guild = guilds.find((each) => each.id === place);
  return html`
    <aside class="sidebar">
      <nav class="rail" aria-label="Servers" onKeyDown=${walkWithArrows(".rail-button")}>
        <${RailButton} label="Direct messages" chosen=${place === DIRECT}
          unread=${unreadIn({ unread, channels }, DIRECT)} onClick=${() => choose(DIRECT)}>
          <${Icon} name="at" />
        <//>
        <span class="rail-line" />
        ${guilds.map(
          (each) => html`
          <${RailButton} key=${each.id} label=${each.name} chosen=${place === each.id}
            unread=${unreadIn({ unread, channels }, each.id)} onClick=${() => choose(each.id)}>
            ${each.icon_text ?? each.name[0]}
          <//>`,
        )}
      </nav>
      <div class="channels">
        <header class="channels-head"><h1>${guild?.name ?? "Direct messages"}</h1></header>
        <nav class="channel-list" aria-label="Channels" onKeyDown=${walkWithArrows(".channel-link")}>
          ${guild ? html`<${ServerChannels} guildId=${guild.id} />` : html`<${DirectChannels} />`}
        </nav>
        <${PersonPanel} />
      </div>
    </aside>`;
}
