// Going to a channel by typing a part of its name.
import { html, useState } from "../../vendor/preact.js";
import { channelName } from "../state/derive.js";
import { isThread } from "../state/discord.js";
import { useApp } from "../store.js";
import { Dialog } from "./dialog.js";
import { Icon } from "./icon.js";
import { channelsInOrder } from "./shortcuts.js";

const MOST_SHOWN = 10;

export function Switcher() {
  const { store, closeDialog, openChannel } = useApp();
  const [query, setQuery] = useState("");
  const [active, setActive] = useState(0);
  const meId = store.state.me.id;
  const found = channelsInOrder(store.state)
    .filter((channel) => channelName(channel, meId).toLowerCase().includes(query.toLowerCase()))
    .slice(0, MOST_SHOWN);
  const go = (channel) => {
    closeDialog();
    openChannel(channel.id);
  };
  function onKeyDown(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) setActive((active + step + found.length) % found.length);
    else if (event.key === "Enter" && found[active]) go(found[active]);
    else return;
    event.preventDefault();
  }
  const search = (event) => {
    setQuery(event.target.value);
    setActive(0);
  };
  return html`
    <${Dialog} title="Go to a channel" className="switcher">
      <input class="input" data-first placeholder="Name of a channel or thread" aria-label="Name of a channel or thread"
        role="combobox" aria-expanded="true"
        aria-controls="switcher-list" aria-activedescendant=${`switch-${active}`}
        value=${query} onInput=${search} onKeyDown=${onKeyDown} />
      <div id="switcher-list" role="listbox">
        ${found.map(
          (channel, index) => html`
          <div key=${channel.id} id=${`switch-${index}`} role="option"
            class=${`suggestion${index === active ? " active" : ""}`}
            aria-selected=${index === active} onClick=${() => go(channel)}>
            <${Icon} name=${isThread(channel) ? "thread" : channel.guild_id ? "hash" : "at"} /><span class="name">
              ${channelName(channel, meId)}</span>
          </div>`,
        )}
        ${!found.length && html`<p class="nothing">No channel has that name.</p>`}
      </div>
    <//>`;
}
