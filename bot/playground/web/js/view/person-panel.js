// Who speaks in this tab, and the way to speak as the other person; light or dark, and help.
import { html } from "../../vendor/preact.js";
import { placeOf } from "../session.js";
import { displayName } from "../state/derive.js";
import { useApp, useSelect } from "../store.js";
import { currentTheme } from "../theme.js";
import { Avatar } from "./avatar.js";
import { Icon } from "./icon.js";

const roleOf = (user) => (user.admin ? "Server admin" : "Member");

export function PersonPanel() {
  const { speakAs, openMenu, openDialog, changeTheme, store } = useApp();
  const me = useSelect((state) => state.me);
  const people = useSelect((state) => state.people);
  const theme = useSelect((state) => state.theme) ?? currentTheme();
  const others = people.filter((user) => user.id !== me.id);
  const switcher = (event) => {
    const { left, top } = event.currentTarget.getBoundingClientRect();
    const here = others.map((user) => ({
      label: `Speak as ${displayName(user)} (${roleOf(user).toLowerCase()})`,
      icon: "swap",
      run: () => speakAs(user),
    }));
    const there = others.map((user) => ({
      label: `Open a second tab as ${displayName(user)}`,
      icon: "arrow",
      run: () => open(placeOf(user.username, store.state.channelId), "_blank", "noopener"),
    }));
    openMenu({ x: left, y: top, above: true, label: "Speak as", items: [...here, ...there] });
  };
  return html`
    <section class="person" aria-label="You">
      <button class="person-switch" aria-haspopup="menu"
        aria-label=${`You speak as ${displayName(me)}, ${roleOf(me)}. Change person.`} onClick=${switcher}>
        <${Avatar} user=${me} size=${32} status="online" />
        <span class="person-name"><b>${displayName(me)}</b><small>${roleOf(me)}</small></span>
        <${Icon} name="swap" />
      </button>
      <button class="icon-button" title="Switch between light and dark"
        aria-label=${theme === "dark" ? "Use the light theme" : "Use the dark theme"} onClick=${changeTheme}>
        <${Icon} name=${theme === "dark" ? "sun" : "moon"} />
      </button>
      <button class="icon-button" title="Help and keyboard shortcuts" aria-label="Help and keyboard shortcuts"
        onClick=${() => openDialog({ kind: "help" })}>
        <${Icon} name="help" />
      </button>
    </section>`;
}
