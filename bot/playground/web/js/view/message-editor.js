// Editing one's own message in its place: Enter saves, Escape leaves it as it was.
import { html, useLayoutEffect, useRef } from "../../vendor/preact.js";
import { useApp } from "../store.js";
import { mentionsToText } from "../text/mentions.js";
import { fitHeight } from "./text-box.js";

export function MessageEditor({ message }) {
  const { store, edit, setEditing, openDialog } = useApp();
  const box = useRef(null);
  useLayoutEffect(() => {
    box.current.focus();
    box.current.setSelectionRange(box.current.value.length, box.current.value.length);
    fitHeight(box.current);
  }, []);

  function leave() {
    setEditing(null);
    document.querySelector("#composer")?.focus();
  }

  function save() {
    const text = box.current.value;
    if (text.trim() || message.attachments?.length) edit(message, text);
    else openDialog({ kind: "delete-message", message });
    document.querySelector("#composer")?.focus();
  }

  function onKeyDown(event) {
    event.stopPropagation();
    if (event.key === "Escape") leave();
    else if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      save();
    }
  }

  return html`
    <div class="editor">
      <textarea ref=${box} class="input" aria-label="Edit the message" maxlength=${store.state.limits.content} rows="1"
        defaultValue=${mentionsToText(message.content, store.state)}
        onInput=${() => fitHeight(box.current)} onKeyDown=${onKeyDown} />
      <small>Escape to <button class="text-link" onClick=${leave}>cancel</button> · Enter to <button class="text-link"
        onClick=${save}>save</button></small>
    </div>`;
}
