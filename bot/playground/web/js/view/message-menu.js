// What can be done with a message, as a menu (by right click, long press, the ⋯ button or the keyboard), as
// buttons beside the message, and as keys on a focused message.
import { useRef } from "../../vendor/preact.js";
import { messageCommandData } from "../commands/payload.js";
import { messageCommands } from "../commands/catalog.js";
import { hasFlag, isThread, MessageFlag, MessageType } from "../state/discord.js";
import { useApp } from "../store.js";

const LONG_PRESS_MS = 500;

/** The actions that this person has on this message; `key` is the key that runs one while the message has the focus. */
function actionsOn(app, message) {
  const { me, channels } = app.store.state;
  const channel = channels[message.channel_id];
  const ephemeral = hasFlag(message, MessageFlag.EPHEMERAL);
  const own = message.author.id === me.id;
  const reply = () => {
    app.setDraft(message.channel_id, { replyTo: message });
    document.querySelector("#composer")?.focus();
  };
  const canThread = channel?.guild_id && !isThread(channel) && !channels[message.id];
  return [
    !ephemeral && { label: "Reply", icon: "reply", key: "r", inToolbar: true, run: reply },
    own &&
      !ephemeral && {
        label: "Edit the message",
        icon: "edit",
        key: "e",
        inToolbar: true,
        run: () => app.setEditing(message.id),
      },
    canThread &&
      !ephemeral && {
        label: "Create a thread",
        icon: "thread",
        inToolbar: true,
        run: () => app.openDialog({ kind: "thread", channel, message }),
      },
    message.content && { label: "Copy the text", icon: "copy", key: "c", run: () => app.copyText(message.content) },
    ephemeral && { label: "Dismiss the message", icon: "close", key: "Delete", run: () => app.dismiss(message) },
    (own || me.admin) &&
      !ephemeral && {
        label: "Delete the message",
        icon: "trash",
        key: "Delete",
        danger: true,
        run: () => app.openDialog({ kind: "delete-message", message }),
      },
  ].filter(Boolean);
}

function menuItems(app, message) {
  const { commands, me, channels } = app.store.state;
  const channel = channels[message.channel_id];
  const actions = actionsOn(app, message);
  const apps = messageCommands({ commands, me, inGuild: Boolean(channel?.guild_id) }).map((command) => ({
    label: command.name,
    icon: "slash",
    run: () => app.runCommand(channel, { label: command.name, data: messageCommandData(command, message), files: [] }),
  }));
  const usable = message.type !== MessageType.THREAD_STARTER && !hasFlag(message, MessageFlag.EPHEMERAL);
  const [danger, plain] = [actions.filter((action) => action.danger), actions.filter((action) => !action.danger)];
  return [...plain, ...(usable && apps.length ? [{ heading: "Apps" }, ...apps] : []), ...danger];
}

export function useMessageMenu(message) {
  const app = useApp();
  const press = useRef(null);

  const openAt = (x, y) => {
    const reacting = hasFlag(message, MessageFlag.EPHEMERAL)
      ? null
      : (name) => app.toggleReaction(message, { id: null, name });
    app.openMenu({ x, y, label: "Message actions", items: menuItems(app, message), onEmoji: reacting });
  };

  function onContextMenu(event) {
    // A link or selected text keeps the browser's own menu, which can open and copy it.
    if (event.target.closest("a, textarea, input") || String(getSelection())) return;
    event.preventDefault();
    const { left, top } = event.currentTarget.getBoundingClientRect();
    const byKeyboard = event.clientX === 0 && event.clientY === 0;
    openAt(byKeyboard ? left + 72 : event.clientX, byKeyboard ? top + 24 : event.clientY);
  }

  function openAtButton(event) {
    const { right, bottom } = event.currentTarget.getBoundingClientRect();
    openAt(right - 248, bottom + 4);
  }

  function onKeyDown(event) {
    if (event.target !== event.currentTarget || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Enter") {
      const { left, top } = event.currentTarget.getBoundingClientRect();
      openAt(left + 72, top + 24);
    } else if (event.key === "Escape") {
      document.querySelector("#composer")?.focus();
    } else {
      const action = actionsOn(app, message).find((each) => each.key?.toLowerCase() === event.key.toLowerCase());
      if (!action) return;
      action.run();
    }
    event.preventDefault();
  }

  const onTouchStart = ({ touches, target }) => {
    if (target.closest("a, button")) return;
    const { clientX, clientY } = touches[0];
    press.current = setTimeout(() => openAt(clientX, clientY), LONG_PRESS_MS);
  };
  const onTouchEnd = () => clearTimeout(press.current);

  return { actions: actionsOn(app, message), onContextMenu, onKeyDown, openAtButton, onTouchStart, onTouchEnd };
}
