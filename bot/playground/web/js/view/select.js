// Selects: a button that opens a list to choose one or several from. Used under messages and in modals.
import { html, useEffect, useLayoutEffect, useRef, useState } from "../../vendor/preact.js";
import { displayName } from "../state/derive.js";
import { ComponentType } from "../state/discord.js";
import { useApp, useSelect } from "../store.js";
import { usePending } from "./button.js";
import { Icon } from "./icon.js";
import { presetValues } from "./modal-fields.js";

const LIST_HEIGHT_PX = 320;

const userOption = (user) => ({ value: user.id, label: displayName(user), description: user.username });
const roleOption = (role) => ({ value: role.id, label: `@${role.name}` });

/** What a select offers: its own options, or the server's people, roles or channels. */
export function useSelectOptions(component) {
  const users = useSelect((state) => state.users);
  const guilds = useSelect((state) => state.guilds);
  const channels = useSelect((state) => state.channels);
  const people = () => Object.values(users).map(userOption);
  const roles = () => guilds.flatMap((guild) => guild.roles ?? []).map(roleOption);
  switch (component.type) {
    case ComponentType.USER_SELECT:
      return people();
    case ComponentType.ROLE_SELECT:
      return roles();
    case ComponentType.MENTIONABLE_SELECT:
      return [...people(), ...roles()];
    case ComponentType.CHANNEL_SELECT:
      return Object.values(channels)
        .filter(
          (channel) =>
            channel.guild_id && (!component.channel_types?.length || component.channel_types.includes(channel.type)),
        )
        .map((channel) => ({ value: channel.id, label: `#${channel.name}` }));
    default:
      return component.options ?? [];
  }
}

function Option({ option, chosen, multiple, onChoose }) {
  const mark = multiple ? `check${chosen ? " on" : ""}` : "radio";
  return html`
    <div class="option" role="option" tabindex="-1" aria-selected=${chosen} data-value=${option.value}
      onClick=${onChoose}>
      ${option.emoji?.name && html`<span class="emoji">${option.emoji.name}</span>`}
      <span class="option-text">
        <span>${option.label}</span>
        ${option.description && html`<small>${option.description}</small>`}
      </span>
      ${(multiple || chosen) && html`<span class=${mark} aria-hidden="true" />`}
    </div>`;
}

function OptionList({ options, values, max, label, onChange, onClose }) {
  const box = useRef(null);
  const multiple = max > 1;
  useLayoutEffect(() => {
    const { top, bottom } = box.current.parentElement.getBoundingClientRect();
    const frame = box.current.closest(".timeline, dialog").getBoundingClientRect();
    box.current.classList.toggle(
      "above",
      frame.bottom - bottom < LIST_HEIGHT_PX && top - frame.top > frame.bottom - bottom,
    );
    (box.current.querySelector("[aria-selected=true]") ?? box.current.querySelector(".option"))?.focus({
      preventScroll: true,
    });
  }, []);
  function choose(value) {
    if (!multiple) {
      onChange([value]);
      onClose();
      return;
    }
    const next = values.includes(value) ? values.filter((each) => each !== value) : [...values, value];
    if (next.length <= max) onChange(next);
  }
  function onKeyDown(event) {
    event.stopPropagation();
    const all = [...box.current.querySelectorAll(".option")];
    const index = all.indexOf(document.activeElement);
    const targets = { ArrowDown: index + 1, ArrowUp: index - 1, Home: 0, End: all.length - 1 };
    if (event.key in targets) all[Math.max(0, Math.min(all.length - 1, targets[event.key]))]?.focus();
    else if (event.key === "Enter" || event.key === " ") choose(document.activeElement.dataset.value);
    else if (event.key === "Escape" || event.key === "Tab") onClose();
    else
      all
        .find((option, at) => at > index && option.textContent.toLowerCase().startsWith(event.key.toLowerCase()))
        ?.focus();
    if (event.key.length > 1 || event.key === " ") event.preventDefault();
  }
  return html`
    <div class="options" role="listbox" aria-label=${label} aria-multiselectable=${multiple} ref=${box}
      onKeyDown=${onKeyDown}>
      ${options.map(
        (option) => html`
        <${Option} key=${option.value} option=${option} multiple=${multiple} chosen=${values.includes(option.value)}
          onChoose=${() => choose(option.value)} />`,
      )}
      ${!options.length && html`<p class="nothing">There is nothing to choose from.</p>`}
    </div>`;
}

/** A controlled select; `onDone` is called when the list closes. */
export function Select({ component, values, onChange, onDone = () => {}, disabled = false, label }) {
  const options = useSelectOptions(component);
  const [open, setOpen] = useState(false);
  const root = useRef(null);
  const chosen = options.filter((option) => values.includes(option.value));
  const placeholder = component.placeholder ?? "Make a selection";

  function close({ refocus = true } = {}) {
    setOpen(false);
    onDone();
    if (refocus) root.current?.querySelector(".select-button")?.focus({ preventScroll: true });
  }

  useEffect(() => {
    if (!open) return undefined;
    const onPointerDown = (event) => root.current?.contains(event.target) || close({ refocus: false });
    addEventListener("pointerdown", onPointerDown);
    return () => removeEventListener("pointerdown", onPointerDown);
  });

  return html`
    <div class="select" ref=${root}>
      <button type="button" class="select-button" disabled=${disabled} aria-haspopup="listbox" aria-expanded=${open}
        aria-label=${label ?? placeholder} onClick=${() => (open ? close() : setOpen(true))}>
        <span class=${chosen.length ? "chosen" : "placeholder"}>
          ${chosen.length ? chosen.map((option) => option.label).join(", ") : placeholder}</span>
        <${Icon} name="chevron" />
      </button>
      ${
        open &&
        html`
        <${OptionList} options=${options} values=${values} max=${component.max_values ?? 1}
          label=${label ?? placeholder} onChange=${onChange} onClose=${close} />`
      }
    </div>`;
}

const same = (a, b) => a.length === b.length && a.every((value) => b.includes(value));

/** A select under a message: one choice is sent at once, several when the list closes. */
export function MessageSelect({ component, message }) {
  const { useComponent, toast } = useApp();
  const waiting = usePending(message, component.custom_id);
  const [draft, setDraft] = useState(null);
  const preset = presetValues(component);
  const multiple = (component.max_values ?? 1) > 1;
  const values = draft ?? preset;

  // What the bot shows after its answer is what counts.
  useEffect(() => setDraft(null), [component]);

  function change(next) {
    setDraft(next);
    if (!multiple) useComponent(message, component, next);
  }

  function done() {
    if (!multiple || draft === null || same(draft, preset)) return;
    const least = component.min_values ?? 1;
    if (draft.length < least) toast(`Choose at least ${least}.`, "error");
    else useComponent(message, component, draft);
  }

  return html`<${Select} component=${component} values=${values} onChange=${change} onDone=${done}
    disabled=${component.disabled || waiting} />`;
}
