// The open channel: its header, then its messages and the composer, or a forum's posts.
import { html, useState } from "../../vendor/preact.js";
import { channelName, threadsOf } from "../state/derive.js";
import { ChannelType, isThread } from "../state/discord.js";
import { useApp, useSelect } from "../store.js";
import { Composer } from "./composer.js";
import { Forum } from "./forum.js";
import { Icon } from "./icon.js";
import { Members } from "./members.js";
import { Timeline } from "./timeline.js";

const ICONS = { [ChannelType.FORUM]: "forum", [ChannelType.DM]: "at" };

function ThreadTools({ channel }) {
  const { openMenu, openDialog, editChannel } = useApp();
  const me = useSelect((state) => state.me);
  const archived = Boolean(channel.thread_metadata?.archived);
  const items = [
    { label: "Rename the thread", icon: "edit", run: () => openDialog({ kind: "rename", channel }) },
    {
      label: archived ? "Reopen the thread" : "Archive the thread",
      icon: "archive",
      run: () => editChannel(channel, { archived: !archived }),
    },
    ...(me.admin
      ? [
          {
            label: "Delete the thread",
            icon: "trash",
            danger: true,
            run: () => openDialog({ kind: "delete-thread", channel }),
          },
        ]
      : []),
  ];
  const show = (event) => {
    const { right, bottom } = event.currentTarget.getBoundingClientRect();
    openMenu({ x: right - 220, y: bottom + 4, label: "Thread", items });
  };
  return html`<button class="icon-button" title="Thread menu" aria-label="Thread menu" aria-haspopup="menu"
    onClick=${show}><${Icon} name="more" /></button>`;
}

function ThreadList({ channel }) {
  const { openMenu, openChannel, openDialog } = useApp();
  const channels = useSelect((state) => state.channels);
  const threads = threadsOf(channels, channel.id);
  const show = (event) => {
    const { right, bottom } = event.currentTarget.getBoundingClientRect();
    const items = [
      { label: "Create a thread", icon: "plus", run: () => openDialog({ kind: "thread", channel }) },
      ...threads.map((thread) => ({ label: thread.name, icon: "thread", run: () => openChannel(thread.id) })),
    ];
    openMenu({ x: right - 260, y: bottom + 4, label: "Threads", items });
  };
  return html`<button class="icon-button" title="Threads" aria-label="Threads" aria-haspopup="menu" onClick=${show}>
    <${Icon} name="thread" /></button>`;
}

function Header({ channel, membersShown, onMembers }) {
  const { setDrawer, openChannel } = useApp();
  const me = useSelect((state) => state.me);
  const parent = useSelect((state) => state.channels[channel.parent_id]);
  const inThread = isThread(channel);
  return html`
    <header class="channel-head">
      <button class="icon-button drawer-button" aria-label="Show the channels" onClick=${() => setDrawer(true)}>
        <${Icon} name="menu" /></button>
      ${
        inThread &&
        parent &&
        html`
        <button class="crumb" onClick=${() => openChannel(parent.id)}><${Icon} name=${ICONS[parent.type] ?? "hash"} />
          <span>${parent.name}</span></button>
        <span class="crumb-mark" aria-hidden="true">›</span>`
      }
      <h2 class="channel-title"><${Icon} name=${inThread ? "thread" : (ICONS[channel.type] ?? "hash")} /><span>
        ${channelName(channel, me.id)}</span></h2>
      ${channel.topic && html`<span class="topic">${channel.topic}</span>`}
      <span class="spring" />
      ${inThread && html`<${ThreadTools} channel=${channel} />`}
      ${channel.type === ChannelType.TEXT && html`<${ThreadList} channel=${channel} />`}
      ${
        channel.guild_id &&
        html`
        <button class="icon-button members-button" aria-pressed=${membersShown} title="Members"
          aria-label="Show or hide the members" onClick=${onMembers}><${Icon} name="people" /></button>`
      }
    </header>`;
}

export function ChannelPane() {
  const channel = useSelect((state) => state.channels[state.channelId]);
  const [membersShown, showMembers] = useState(true);
  if (!channel) {
    return html`<main class="pane"><div class="empty"><p>Choose a channel on the left.</p></div></main>`;
  }
  const isForum = channel.type === ChannelType.FORUM;
  return html`
    <main class="pane" aria-label=${channel.name}>
      <${Header} channel=${channel} membersShown=${membersShown} onMembers=${() => showMembers(!membersShown)} />
      <div class="pane-body">
        ${
          isForum
            ? html`<${Forum} key=${channel.id} channel=${channel} />`
            : html`<div class="conversation"><${Timeline} key=${channel.id} channel=${channel} />
              <${Composer} key=${channel.id} channel=${channel} /></div>`
        }
        ${membersShown && channel.guild_id && html`<${Members} />`}
      </div>
    </main>`;
}
