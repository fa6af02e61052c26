// A chosen command with its options as labelled fields. Enter runs it, Escape goes back to the message box.
import { html, useLayoutEffect, useRef, useState } from "../../vendor/preact.js";
import { commandData, commandFaults } from "../commands/payload.js";
import { useApp } from "../store.js";
import { Icon } from "./icon.js";
import { OptionField } from "./option-field.js";

export function CommandForm({ channel, command }) {
  const { setDraft, runCommand } = useApp();
  const { entry, values } = command;
  const [added, setAdded] = useState([]);
  const [checked, setChecked] = useState(false);
  const form = useRef(null);
  const isShown = (option) => option.required || added.includes(option.name) || option.name in values;
  const shown = entry.options.filter(isShown);
  const more = entry.options.filter((option) => !isShown(option));
  const faults = commandFaults(entry, values);

  const focusLast = () => [...form.current.querySelectorAll(".option-input")].at(-1)?.focus();
  useLayoutEffect(() => {
    const target =
      form.current.querySelector(".option-input") ??
      form.current.querySelector(".more-options button") ??
      form.current.querySelector(".run");
    target?.focus();
  }, []);
  useLayoutEffect(() => {
    if (added.length) focusLast();
  }, [added]);

  function leave() {
    setDraft(channel.id, { command: null, text: "" });
  }

  function run() {
    setChecked(true);
    const [wrong] = Object.keys(faults);
    if (wrong) {
      form.current.querySelector(`[data-option="${wrong}"] .option-input`)?.focus();
      return;
    }
    runCommand(channel, { label: `/${entry.name}`, ...commandData(entry, values) });
    leave();
  }

  const setValue = (name, value) => setDraft(channel.id, { command: { entry, values: { ...values, [name]: value } } });

  function onKeyDown(event) {
    if (event.isComposing || event.defaultPrevented) return;
    const isButton = event.target.matches("button");
    if (event.key === "Escape") leave();
    else if (event.key === "Enter" && !event.shiftKey && !isButton) run();
    else if (
      event.key === "Backspace" &&
      event.target.value === "" &&
      shown.length <= 1 &&
      !event.target.matches("[data-filled]")
    )
      leave();
    else return;
    event.preventDefault();
  }

  return html`
    <div class="command-form" ref=${form} role="group" aria-label=${`Command ${entry.name}`} onKeyDown=${onKeyDown}>
      <div class="command-head">
        <span class="command-name">/${entry.name}</span><span class="summary">${entry.description}</span>
        <button class="icon-button" aria-label="Leave the command" onClick=${leave}><${Icon} name="close" /></button>
      </div>
      ${shown.map(
        (option) => html`
        <${OptionField} key=${option.name} channel=${channel} entry=${entry} option=${option} values=${values}
          fault=${checked ? faults[option.name] : null} onChange=${(value) => setValue(option.name, value)} />`,
      )}
      <div class="command-foot">
        ${
          more.length > 0 &&
          html`
          <span class="more-options">${more.map(
            (option) => html`
            <button key=${option.name} class="chip" title=${option.description}
              onClick=${() => setAdded([...added, option.name])}>+ ${option.name}</button>`,
          )}</span>`
        }
        <span class="spring" />
        <button class="button primary run" onClick=${run}>Run<kbd>Enter</kbd></button>
      </div>
    </div>`;
}
