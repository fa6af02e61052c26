// One option of a command: its name, what it means, and the input that fits its type.
import { html, useLayoutEffect, useRef } from "../../vendor/preact.js";
import { commandData } from "../commands/payload.js";
import { displayName } from "../state/derive.js";
import { OptionType } from "../state/discord.js";
import { useApp, useSelect } from "../store.js";
import { formatBytes } from "../text/format.js";
import { Combobox } from "./combobox.js";
import { fitHeight } from "./text-box.js";

const TYPE_NAMES = {
  [OptionType.STRING]: "text",
  [OptionType.INTEGER]: "whole number",
  [OptionType.BOOLEAN]: "yes or no",
  [OptionType.USER]: "person",
  [OptionType.CHANNEL]: "channel",
  [OptionType.ROLE]: "role",
  [OptionType.MENTIONABLE]: "person or role",
  [OptionType.NUMBER]: "number",
  [OptionType.ATTACHMENT]: "file",
};

const ENTITIES = [OptionType.USER, OptionType.CHANNEL, OptionType.ROLE, OptionType.MENTIONABLE];

function useChoices(option) {
  const users = useSelect((state) => state.users);
  const channels = useSelect((state) => state.channels);
  const guilds = useSelect((state) => state.guilds);
  const people = () => Object.values(users).map((user) => ({ name: displayName(user), value: user.id }));
  const roles = () =>
    guilds.flatMap((guild) => guild.roles ?? []).map((role) => ({ name: `@${role.name}`, value: role.id }));
  switch (option.type) {
    case OptionType.BOOLEAN:
      return [
        { name: "True", value: true },
        { name: "False", value: false },
      ];
    case OptionType.USER:
      return people();
    case OptionType.ROLE:
      return roles();
    case OptionType.MENTIONABLE:
      return [...people(), ...roles()];
    case OptionType.CHANNEL:
      return Object.values(channels)
        .filter(
          (channel) =>
            channel.guild_id && (!option.channel_types?.length || option.channel_types.includes(channel.type)),
        )
        .map((channel) => ({ name: `#${channel.name}`, value: channel.id }));
    default:
      return option.choices ?? null;
  }
}

function TextOption({ option, value, onChange, ids }) {
  const box = useRef(null);
  useLayoutEffect(() => fitHeight(box.current), [value]);
  return html`
    <textarea ref=${box} class="option-input" rows="1" ...${ids} value=${value ?? ""}
      maxlength=${option.max_length ?? 6000} placeholder=${option.description}
      onInput=${(event) => onChange(event.target.value)} />`;
}

function FileOption({ option, value, onChange, ids }) {
  const picker = useRef(null);
  return html`
    <button class="option-input file-option" ...${ids} onClick=${() => picker.current.click()}>
      ${value ? `${value.name} · ${formatBytes(value.size)}` : "Choose a file"}
    </button>
    <input type="file" hidden ref=${picker} aria-label=${`File for ${option.name}`}
      onChange=${(event) => onChange(event.target.files[0] ?? null)} />`;
}

function Input({ channel, entry, option, values, onChange, ids }) {
  const { complete } = useApp();
  const choices = useChoices(option);
  const value = values[option.name];
  if (option.autocomplete) {
    const load = (text) => complete(channel, commandData(entry, { ...values, [option.name]: text }, option.name).data);
    return html`<${Combobox} ids=${ids} value=${value} load=${load} placeholder=${option.description}
      onChange=${onChange} />`;
  }
  if (choices)
    return html`<${Combobox} ids=${ids} value=${value} choices=${choices} placeholder=${option.description}
      onChange=${onChange} />`;
  if (option.type === OptionType.ATTACHMENT)
    return html`<${FileOption} ids=${ids} option=${option} value=${value} onChange=${onChange} />`;
  if (option.type === OptionType.STRING)
    return html`<${TextOption} ids=${ids} option=${option} value=${value} onChange=${onChange} />`;
  return html`<input class="option-input" ...${ids} inputmode="decimal" value=${value ?? ""}
    placeholder=${option.description} onInput=${(event) => onChange(event.target.value)} />`;
}

export function OptionField({ channel, entry, option, values, fault, onChange }) {
  const ids = {
    id: `option-${option.name}`,
    "aria-describedby": `option-${option.name}-note`,
    "aria-required": Boolean(option.required),
    "aria-invalid": Boolean(fault),
  };
  const kind = ENTITIES.includes(option.type)
    ? TYPE_NAMES[option.type]
    : option.choices
      ? "choice"
      : TYPE_NAMES[option.type];
  return html`
    <div class=${`option-field${fault ? " wrong" : ""}`} data-option=${option.name}>
      <label for=${ids.id}>${option.name}${option.required && html`<span class="required"
        title="Required">*</span>`}<small>${kind}</small></label>
      <div class="option-value"><${Input} channel=${channel} entry=${entry} option=${option} values=${values}
        onChange=${onChange} ids=${ids} /></div>
      <span class="visually-hidden" id=${`${ids.id}-note`}>${option.description}</span>
      ${fault && html`<span class="fault" role="alert">${fault}</span>`}
    </div>`;
}
