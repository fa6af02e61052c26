// The whole page: the rail of servers, the channels, the open channel, and what lies over them.
import { html, useEffect } from "../../vendor/preact.js";
import { useApp, useSelect } from "../store.js";
import { Banner } from "./banner.js";
import { ChannelPane } from "./channel-pane.js";
import { Dialogs } from "./dialogs.js";
import { Lightbox } from "./lightbox.js";
import { Menu } from "./menu.js";
import { ModalForm } from "./modal-form.js";
import { useShortcuts } from "./shortcuts.js";
import { Sidebar } from "./sidebar.js";
import { Toasts } from "./toasts.js";
import { channelName } from "../state/derive.js";

function useTitle() {
  const title = useSelect((state) => {
    const channel = state.channels[state.channelId];
    const mentions = Object.values(state.unread).reduce((sum, unread) => sum + unread.mentions, 0);
    const place = channel ? `${channelName(channel, state.me.id)} · ` : "";
    return `${mentions ? `(${mentions}) ` : ""}${place}Cogitor playground`;
  });
  useEffect(() => {
    document.title = title;
  }, [title]);
}

export function Page() {
  const { setDrawer } = useApp();
  const drawerOpen = useSelect((state) => state.drawerOpen);
  const announcement = useSelect((state) => state.announcement);
  const modal = useSelect((state) => state.modal);
  useTitle();
  useShortcuts();
  return html`
    <div class=${`page${drawerOpen ? " drawer-open" : ""}`}>
      <a class="skip-link" href="#composer" onClick=${(event) => {
        event.preventDefault();
        document.querySelector("#composer")?.focus();
      }}>Skip to the message box</a>
      <${Banner} />
      <div class="columns">
        <${Sidebar} />
        <div class="drawer-shade" onClick=${() => setDrawer(false)} />
        <${ChannelPane} />
      </div>
      <div class="visually-hidden" role="log" aria-live="polite" aria-label="New messages">${announcement}</div>
      <${Toasts} />
      <${Menu} />
      <${Dialogs} />
      <${Lightbox} />
      ${modal && html`<${ModalForm} key=${modal.id} modal=${modal} />`}
    </div>`;
}
