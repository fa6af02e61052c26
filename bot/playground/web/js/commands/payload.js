// A filled-in command as the interaction data that Discord's clients send, and what is still wrong with it. Pure.
import { CommandType, OptionType } from "../state/discord.js";

const isEmpty = (value) => value === undefined || value === null || value === "";

const numeric = (type) => type === OptionType.INTEGER || type === OptionType.NUMBER;

/** What is wrong with one option's value, as a sentence; null when nothing is. */
export function optionFault(option, value) {
  if (isEmpty(value)) return option.required ? "This option is required." : null;
  if (numeric(option.type) && !option.choices) {
    const number = Number(value);
    if (Number.isNaN(number)) return "Enter a number.";
    if (option.type === OptionType.INTEGER && !Number.isInteger(number)) return "Enter a whole number.";
    if (option.min_value !== undefined && number < option.min_value) return `Enter at least ${option.min_value}.`;
    if (option.max_value !== undefined && number > option.max_value) return `Enter at most ${option.max_value}.`;
  }
  if (option.type === OptionType.STRING) {
    if (option.min_length && value.length < option.min_length) return `Enter at least ${option.min_length} characters.`;
    if (option.max_length && value.length > option.max_length) return `Enter at most ${option.max_length} characters.`;
  }
  return null;
}

export function commandFaults(entry, values) {
  const faults = entry.options.map((option) => [option.name, optionFault(option, values[option.name])]);
  return Object.fromEntries(faults.filter(([, fault]) => fault));
}

function wireValue(option, value, files) {
  if (option.type === OptionType.ATTACHMENT) {
    files.push(value);
    return String(files.length - 1);
  }
  // While an option is being completed its text may not be a number yet; the bot gets it as it was typed.
  if (numeric(option.type)) return Number.isNaN(Number(value)) ? value : Number(value);
  return value;
}

/**
 * The data of one command: {data, files}. `focused` names the option that is being completed, if any; options
 * are nested under their subcommand and group as Discord nests them.
 */
export function commandData(entry, values, focused = null) {
  const files = [];
  let options = entry.options
    .filter((option) => !isEmpty(values[option.name]) || option.name === focused)
    .filter((option) => !focused || option.type !== OptionType.ATTACHMENT)
    .map((option) => ({
      name: option.name,
      type: option.type,
      value: wireValue(option, values[option.name] ?? "", files),
      ...(option.name === focused ? { focused: true } : {}),
    }));
  const below = entry.path.slice(1);
  for (const [index, name] of [...below.entries()].reverse()) {
    const isLast = index === below.length - 1;
    options = [{ name, type: isLast ? OptionType.SUBCOMMAND : OptionType.GROUP, options }];
  }
  const { id, name, version } = entry.command;
  const attachments = files.map((file, index) => ({ id: String(index), filename: file.name }));
  const data = {
    id,
    name,
    type: CommandType.CHAT_INPUT,
    options,
    ...(version ? { version } : {}),
    ...(files.length ? { attachments } : {}),
  };
  return { data, files };
}

export const messageCommandData = (command, message) => ({
  id: command.id,
  name: command.name,
  type: CommandType.MESSAGE,
  target_id: message.id,
});
