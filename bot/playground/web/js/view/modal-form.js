// A modal that the bot opened: its fields, their checks, and sending it back.
import { html, useRef, useState } from "../../vendor/preact.js";
import { Markdown } from "../markdown/view.js";
import { ComponentType } from "../state/discord.js";
import { displayName } from "../state/derive.js";
import { useApp, useSelect } from "../store.js";
import { useModalDialog } from "./dialog.js";
import { fieldsOf, fieldFault, firstValue, submission } from "./modal-fields.js";
import { Icon } from "./icon.js";
import { Select } from "./select.js";

const PARAGRAPH = 2;

function TextInput({ field, id, value, onChange }) {
  const { style, placeholder, max_length: maxLength } = field;
  const common = {
    id,
    value,
    placeholder,
    maxLength,
    class: "input",
    onInput: (event) => onChange(event.target.value),
    "aria-describedby": `${id}-note`,
  };
  return style === PARAGRAPH ? html`<textarea ...${common} rows="5" />` : html`<input ...${common} />`;
}

function Choices({ field, id, value, onChange }) {
  const multiple = field.type === ComponentType.CHECKBOX_GROUP;
  const toggle = (option) =>
    onChange(value.includes(option) ? value.filter((each) => each !== option) : [...value, option]);
  return html`
    <div class="choices" role="group" id=${id}>
      ${field.options.map(
        (option) => html`
        <label key=${option.value} class="choice">
          <input type=${multiple ? "checkbox" : "radio"} name=${id}
            checked=${multiple ? value.includes(option.value) : value === option.value}
            onChange=${() => (multiple ? toggle(option.value) : onChange(option.value))} />
          <span>${option.label}${option.description && html`<small>${option.description}</small>`}</span>
        </label>`,
      )}
    </div>`;
}

function Input({ field, id, label, value, onChange }) {
  switch (field.type) {
    case ComponentType.TEXT_INPUT:
      return html`<${TextInput} field=${field} id=${id} value=${value} onChange=${onChange} />`;
    case ComponentType.RADIO_GROUP:
    case ComponentType.CHECKBOX_GROUP:
      return html`<${Choices} field=${field} id=${id} value=${value} onChange=${onChange} />`;
    case ComponentType.CHECKBOX:
      return html`<label class="choice"><input type="checkbox" id=${id} checked=${value}
        onChange=${(event) => onChange(event.target.checked)} /><span>${label}</span></label>`;
    case ComponentType.FILE_UPLOAD:
      return html`<input class="input" type="file" id=${id} multiple=${(field.max_values ?? 1) > 1}
        onChange=${(event) => onChange([...event.target.files])} />`;
    default:
      return html`<${Select} component=${field} values=${value} onChange=${onChange} label=${label} />`;
  }
}

function Field({ part, value, fault, onChange }) {
  const { field, label, description } = part;
  const id = `field-${field.custom_id}`;
  const length = typeof value === "string" && field.max_length ? `${value.length}/${field.max_length}` : "";
  return html`
    <div class=${`field${fault ? " wrong" : ""}`}>
      <label for=${id}>${label}${field.required !== false && html`<span class="required"
        title="Required">*</span>`}</label>
      ${description && html`<p class="note">${description}</p>`}
      <${Input} field=${field} id=${id} label=${label} value=${value} onChange=${onChange} />
      <p class="field-foot" id=${`${id}-note`}><span role="alert">${fault}</span><span>${length}</span></p>
    </div>`;
}

function useForm(modal) {
  const parts = fieldsOf(modal.components);
  const fields = parts.filter((part) => part.field);
  const [values, setValues] = useState(() =>
    Object.fromEntries(fields.map(({ field }) => [field.custom_id, firstValue(field)])),
  );
  const [checked, setChecked] = useState(false);
  const faults = Object.fromEntries(
    fields
      .map(({ field }) => [field.custom_id, fieldFault(field, values[field.custom_id])])
      .filter(([, fault]) => fault),
  );
  const setValue = (name, value) => setValues((current) => ({ ...current, [name]: value }));
  return { parts, values, setValue, faults, shownFaults: checked ? faults : {}, check: () => setChecked(true) };
}

export function ModalForm({ modal }) {
  const { submitModal, closeModal } = useApp();
  const bot = useSelect((state) => state.bot);
  const box = useRef(null);
  const { parts, values, setValue, faults, shownFaults, check } = useForm(modal);
  useModalDialog(box, ".field input, .field textarea, .field button");

  const close = () => box.current.close();

  function submit(event) {
    event.preventDefault();
    check();
    const [wrong] = Object.keys(faults);
    if (wrong) document.getElementById(`field-${wrong}`)?.focus();
    else submitModal(modal, submission(modal.components, values));
  }

  return html`
    <dialog class="dialog modal" ref=${box} aria-labelledby="modal-title" onClose=${closeModal}>
      <form onSubmit=${submit} novalidate>
        <header>
          <h2 id="modal-title">${modal.title}</h2>
          <button type="button" class="icon-button" aria-label="Close" onClick=${close}><${Icon} name="close" /></button>
        </header>
        <p class="note warning">This form goes to ${displayName(bot)}.</p>
        ${modal.error && html`<p class="failure" role="alert"><${Icon} name="warning" />${modal.error}</p>`}
        ${parts.map((part, index) =>
          part.text
            ? html`<${Markdown} key=${index} text=${part.text} />`
            : html`<${Field} key=${part.field.custom_id} part=${part} value=${values[part.field.custom_id]}
              fault=${shownFaults[part.field.custom_id]}
              onChange=${(value) => setValue(part.field.custom_id, value)} />`,
        )}
        <footer class="form-buttons">
          <button type="button" class="button link" onClick=${close}>Cancel</button>
          <button class="button primary" disabled=${modal.sending}>${modal.sending ? "Sending…" : "Submit"}</button>
        </footer>
      </form>
    </dialog>`;
}
