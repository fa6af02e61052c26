// The page's own dialogs, one at a time: help, naming threads, and questions before something is lost.
import { html } from "../../vendor/preact.js";
import { plainLine } from "../markdown/view.js";
import { useApp, useSelect } from "../store.js";
import { Dialog } from "./dialog.js";
import { SHORTCUTS } from "./shortcuts.js";
import { Switcher } from "./switcher.js";

const THREAD_NAME_LENGTH = 100;

function Help() {
  return html`
    <${Dialog} title="Help" className="help">
      <p>
        You are in a playground: everything here runs on this machine, and the bot is the real one. Mention${" "}
        <b>@Cogitor</b> in a channel to begin a thread, write in its threads, or type <b>/</b> for its commands.
      </p>
      <p>
        You can speak as two people: Ada, the server's admin, and Ben, a member. Change person at the lower left;${" "}
        two tabs may be two people.
      </p>
      <h3>Keyboard</h3>
      <dl class="shortcuts">
        ${SHORTCUTS.map(([keys, effect]) => html`<div key=${keys}><dt><kbd>${keys}</kbd></dt><dd>${effect}</dd></div>`)}
      </dl>
    <//>`;
}

function Confirm({ title, text, yes, run, children }) {
  const { closeDialog } = useApp();
  const confirm = () => {
    closeDialog();
    run();
  };
  return html`
    <${Dialog} title=${title}>
      <p>${text}</p>
      ${children}
      <footer class="form-buttons">
        <button class="button link" onClick=${closeDialog}>Cancel</button>
        <button class="button danger" data-first onClick=${confirm}>${yes}</button>
      </footer>
    <//>`;
}

function NameForm({ title, label, value, yes, run }) {
  const { closeDialog } = useApp();
  const submit = (event) => {
    event.preventDefault();
    const name = new FormData(event.currentTarget).get("name").trim();
    if (!name) return;
    closeDialog();
    run(name);
  };
  return html`
    <${Dialog} title=${title}>
      <form onSubmit=${submit}>
        <div class="field"><label for="name-field">${label}</label>
          <input id="name-field" class="input" name="name" required maxlength=${THREAD_NAME_LENGTH}
          defaultValue=${value} data-first /></div>
        <footer class="form-buttons"><button type="button" class="button link" onClick=${closeDialog}>Cancel</button>
          <button class="button primary">${yes}</button></footer>
      </form>
    <//>`;
}

function nameFor(message) {
  return message?.content ? [...plainLine(message.content)].slice(0, THREAD_NAME_LENGTH).join("") : "";
}

export function Dialogs() {
  const { startThread, editChannel, deleteThread, deleteMessage } = useApp();
  const dialog = useSelect((state) => state.dialog);
  if (!dialog) return null;
  const { kind, channel, message } = dialog;
  switch (kind) {
    case "help":
      return html`<${Help} />`;
    case "switcher":
      return html`<${Switcher} />`;
    case "thread":
      return html`<${NameForm} title="Create a thread" label="Name of the thread" yes="Create the thread"
        value=${nameFor(message)} run=${(name) => startThread({ channelId: channel.id, name, message })} />`;
    case "rename":
      return html`<${NameForm} title="Rename the thread" label="New name" yes="Rename" value=${channel.name}
        run=${(name) => editChannel(channel, { name })} />`;
    case "delete-thread":
      return html`<${Confirm} title="Delete the thread?"
        text=${`“${channel.name}” and all of its messages go for good.`} yes="Delete"
        run=${() => deleteThread(channel)} />`;
    case "delete-message":
      return html`<${Confirm} title="Delete the message?" text="This cannot be undone." yes="Delete"
        run=${() => deleteMessage(message)}>
        <blockquote class="quoted">${nameFor(message) || "Files or components"}</blockquote>
      <//>`;
    default:
      return null;
  }
}
