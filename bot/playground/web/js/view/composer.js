// The message box: text, files, a reply, mentions, and the way into the bot's commands.
import { html, useLayoutEffect, useRef, useState } from "../../vendor/preact.js";
import { channelName, displayName } from "../state/derive.js";
import { isThread } from "../state/discord.js";
import { useApp, useSelect } from "../store.js";
import { CommandForm } from "./command-form.js";
import { DropZone } from "./drop-zone.js";
import { Icon } from "./icon.js";
import { Suggestions, useSuggestions } from "./suggestions.js";
import { fitHeight } from "./text-box.js";
import { TypingLine } from "./typing-line.js";
import { UploadTray } from "./upload-tray.js";

const EMPTY = { text: "", files: [], replyTo: null, command: null };
const COUNT_FROM = 200;

function ReplyBar({ replyTo, onCancel }) {
  return html`
    <div class="reply-bar">
      <span>Replying to <b>${displayName(replyTo.author)}</b></span>
      <button class="icon-button" aria-label="Stop replying" onClick=${onCancel}><${Icon} name="close" /></button>
    </div>`;
}

function Count({ length, limit }) {
  if (length < limit - COUNT_FROM) return null;
  const left = limit - length;
  return html`<span class=${`count${left < 0 ? " over" : ""}`} role="status">
    ${left >= 0 ? left : "Goes out as message.txt"}</span>`;
}

function lastOwnMessage({ timelines, channelId, me }) {
  return timelines[channelId]?.messages.findLast((message) => message.author.id === me.id && message.type !== 21);
}

function AttachButton({ onFiles }) {
  const picker = useRef(null);
  return html`
    <button class="icon-button attach" title="Attach files" aria-label="Attach files"
      onClick=${() => picker.current.click()}><${Icon} name="plus" /></button>
    <input type="file" multiple hidden ref=${picker} aria-label="Files to attach" onChange=${(event) => {
      onFiles(event.target.files);
      event.target.value = "";
    }} />`;
}

function TextLine({ channel, draft }) {
  const app = useApp();
  const limit = useSelect((state) => state.limits.content);
  const meId = useSelect((state) => state.me.id);
  const box = useRef(null);
  const [caret, setCaret] = useState(draft.text.length);
  const suggestions = useSuggestions({ channel, draft, caret, box });
  useLayoutEffect(() => fitHeight(box.current), [draft.text]);
  useLayoutEffect(() => {
    // A touch keyboard would cover what the person came to read.
    if (matchMedia("(pointer: fine)").matches) box.current.focus({ preventScroll: true });
  }, [draft.replyTo]);

  const send = () => {
    app.send(channel.id);
    box.current.focus();
  };

  function onInput({ target }) {
    setCaret(target.selectionStart);
    if (!suggestions.pickTyped(target.value)) app.setDraft(channel.id, { text: target.value });
    if (target.value && !target.value.startsWith("/")) app.typed(channel.id);
  }

  function onKeyDown(event) {
    if (event.isComposing || suggestions.onKeyDown(event)) return;
    const { key, shiftKey, altKey } = event;
    if (key === "Enter" && !shiftKey) {
      event.preventDefault();
      send();
    } else if (key === "ArrowUp" && !altKey && !draft.text) {
      const message = lastOwnMessage(app.store.state);
      if (!message) return;
      event.preventDefault();
      app.setEditing(message.id);
    } else if (key === "Escape") {
      if (draft.replyTo) app.setDraft(channel.id, { replyTo: null });
      else document.querySelector("#timeline").scrollTo({ top: Number.MAX_SAFE_INTEGER });
    }
  }

  function onPaste(event) {
    if (!event.clipboardData.files.length) return;
    event.preventDefault();
    app.addFiles(channel.id, event.clipboardData.files);
  }

  const name = channelName(channel, meId);
  const to = channel.guild_id && !isThread(channel) ? `#${name}` : name;
  return html`
    <${Suggestions} ...${suggestions} />
    <div class="text-line">
      <${AttachButton} onFiles=${(files) => app.addFiles(channel.id, files)} />
      <textarea id="composer" ref=${box} rows="1" value=${draft.text} placeholder=${`Message ${to}`}
        aria-label=${`Message ${to}`}
        aria-autocomplete="list" aria-controls=${suggestions.items.length ? "suggestions" : undefined}
        aria-activedescendant=${suggestions.activeId} onInput=${onInput} onKeyDown=${onKeyDown} onPaste=${onPaste}
        onSelect=${({ target }) => setCaret(target.selectionStart)} />
      <${Count} length=${draft.text.length} limit=${limit} />
      <button class="icon-button send" title="Send" aria-label="Send"
        disabled=${!draft.text.trim() && !draft.files.length} onClick=${send}><${Icon} name="send" /></button>
    </div>`;
}

export function Composer({ channel }) {
  const app = useApp();
  const saved = useSelect((state) => state.drafts[channel.id]);
  const draft = { ...EMPTY, ...saved };
  const locked = channel.thread_metadata?.locked;
  if (locked) return html`<p class="composer locked">This thread is locked. Nobody can write in it any more.</p>`;
  return html`
    <div class="composer">
      <${DropZone} onFiles=${(files) => app.addFiles(channel.id, files)} />
      ${draft.replyTo && html`<${ReplyBar} replyTo=${draft.replyTo}
        onCancel=${() => app.setDraft(channel.id, { replyTo: null })} />`}
      <div class="composer-box">
        ${
          draft.command
            ? html`<${CommandForm} key=${draft.command.entry.name} channel=${channel} command=${draft.command} />`
            : html`
            <${UploadTray} files=${draft.files} onChange=${(files) => app.setDraft(channel.id, { files })} />
            <${TextLine} channel=${channel} draft=${draft} />`
        }
      </div>
      <${TypingLine} channelId=${channel.id} />
    </div>`;
}
