// The line above a message: the message that it replies to, or the command that it answers.
import { html } from "../../vendor/preact.js";
import { displayName } from "../state/derive.js";
import { MessageType } from "../state/discord.js";
import { plainLine } from "../markdown/view.js";
import { Avatar } from "./avatar.js";
import { Icon } from "./icon.js";

const FLASH_MS = 1_500;

/** Brings a loaded message into view and marks it for a moment. */
function goToMessage(id) {
  const element = document.getElementById(`message-${id}`);
  if (!element) return;
  element.scrollIntoView({ block: "center" });
  element.focus({ preventScroll: true });
  element.classList.add("found");
  setTimeout(() => element.classList.remove("found"), FLASH_MS);
}

const summary = (message) => {
  if (message.content) return plainLine(message.content);
  return message.attachments?.length ? "Click to see the attachment" : "Click to see the message";
};

function ReplyLine({ original }) {
  if (!original)
    return html`<div class="context"><${Icon} name="reply" /><i>The original message was deleted.</i></div>`;
  return html`
    <button class="context" aria-label=${`Reply to ${displayName(original.author)}. Go to that message.`}
      onClick=${() => goToMessage(original.id)}>
      <${Avatar} user=${original.author} size=${16} />
      <b>${displayName(original.author)}</b>
      <span class="summary">${summary(original)}</span>
    </button>`;
}

function CommandLine({ user, name, isMenu }) {
  return html`
    <div class="context">
      <${Avatar} user=${user} size=${16} /><b>${displayName(user)}</b> used <span class="mention">
        ${isMenu ? name : `/${name}`}</span>
    </div>`;
}

/** The context of `message`, or null. */
export function contextLine(message) {
  const command = message.interaction ?? message.interaction_metadata;
  if (command?.user && command.name && [MessageType.COMMAND, MessageType.CONTEXT_COMMAND].includes(message.type)) {
    return html`<${CommandLine} user=${command.user} name=${command.name}
      isMenu=${message.type === MessageType.CONTEXT_COMMAND} />`;
  }
  if (message.type === MessageType.REPLY) return html`<${ReplyLine} original=${message.referenced_message} />`;
  return null;
}
