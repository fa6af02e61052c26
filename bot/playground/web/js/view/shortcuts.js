// The page's keyboard shortcuts, and the list of them that the help dialog shows.
import { useEffect } from "../../vendor/preact.js";
import { channelTree, directMessages } from "../state/derive.js";
import { useApp } from "../store.js";

export const SHORTCUTS = [
  ["Enter", "Send the message"],
  ["Shift + Enter", "Begin a new line"],
  ["/", "Open the list of commands (in an empty message box)"],
  ["@ or #", "Mention somebody, or a channel"],
  ["Arrow up", "Edit your last message (in an empty message box)"],
  ["Escape", "Close what is open, stop replying or editing, go to the newest message"],
  ["Alt + arrow up or down", "Go to the previous or next channel"],
  ["Shift + Tab from the message box, then arrows", "Walk through the messages"],
  ["Enter or Shift + F10 on a message", "Open its menu"],
  ["R, E, C, Delete on a message", "Reply, edit, copy its text, delete it"],
  ["Ctrl + K", "Go to a channel"],
  ["Ctrl + Shift + L", "Switch between light and dark"],
  ["?", "Show this list (outside of the message box)"],
];

const isTyping = (target) => target.matches("input, textarea, select, [contenteditable]");

/** All channels in the order in which the sidebar shows them. */
export function channelsInOrder({ channels, guilds, channelId }) {
  const ofGuilds = guilds.flatMap((guild) =>
    channelTree(channels, guild.id, channelId).flatMap(({ channel, threads }) => [channel, ...threads]),
  );
  return [...ofGuilds, ...directMessages(channels)];
}

function neighbour(state, step) {
  const order = channelsInOrder(state);
  const index = order.findIndex((channel) => channel.id === state.channelId);
  return order[(index + step + order.length) % order.length];
}

export function useShortcuts() {
  const app = useApp();
  useEffect(() => {
    function onKeyDown(event) {
      if (document.querySelector("dialog[open]")) return;
      const { key, altKey, ctrlKey, metaKey, shiftKey, target } = event;
      if (altKey && (key === "ArrowUp" || key === "ArrowDown")) {
        const channel = neighbour(app.store.state, key === "ArrowUp" ? -1 : 1);
        if (channel) app.openChannel(channel.id);
      } else if ((ctrlKey || metaKey) && !shiftKey && key.toLowerCase() === "k") {
        app.openDialog({ kind: "switcher" });
      } else if (ctrlKey && shiftKey && key.toLowerCase() === "l") {
        app.changeTheme();
      } else if (key === "?" && !isTyping(target)) {
        app.openDialog({ kind: "help" });
      } else {
        return;
      }
      event.preventDefault();
    }
    addEventListener("keydown", onKeyDown);
    return () => removeEventListener("keydown", onKeyDown);
  }, [app]);
}
