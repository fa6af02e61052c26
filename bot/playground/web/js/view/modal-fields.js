// A modal's components as fields, the checks on their values, and the form as Discord's clients send it back. Pure.
// Fields stand in labels (Discord, "Label") or, the older way, each alone in an action row.
import { ComponentType } from "../state/discord.js";

/** The values that the bot set beforehand. */
export const presetValues = (component) =>
  component.default_values?.map((each) => each.id) ??
  component.options?.filter((option) => option.default).map((option) => option.value) ??
  [];

/** The modal's parts in order: {text} or {field, label, description}. */
export function fieldsOf(components) {
  return components.flatMap((component) => {
    switch (component.type) {
      case ComponentType.TEXT:
        return [{ text: component.content }];
      case ComponentType.LABEL:
        return [{ field: component.component, label: component.label, description: component.description }];
      case ComponentType.ROW:
        return component.components.map((field) => ({ field, label: field.label ?? field.placeholder ?? "" }));
      default:
        return [];
    }
  });
}

/** The value that a field has before anybody touches it. */
export function firstValue(field) {
  switch (field.type) {
    case ComponentType.TEXT_INPUT:
      return field.value ?? "";
    case ComponentType.CHECKBOX:
      return Boolean(field.default);
    case ComponentType.RADIO_GROUP:
      return presetValues(field)[0] ?? null;
    default:
      return presetValues(field);
  }
}

const isRequired = (field) => field.required !== false;

function textFault(field, value) {
  if (!value.trim()) return isRequired(field) ? "Please fill this in." : null;
  if (field.min_length && value.length < field.min_length)
    return `Please write at least ${field.min_length} characters.`;
  if (field.max_length && value.length > field.max_length)
    return `Please write at most ${field.max_length} characters.`;
  return null;
}

/** What is wrong with a field's value, as a sentence; null when nothing is. */
export function fieldFault(field, value) {
  if (field.type === ComponentType.TEXT_INPUT) return textFault(field, value);
  if (field.type === ComponentType.CHECKBOX) return null;
  const chosen = Array.isArray(value) ? value : value === null ? [] : [value];
  if (!chosen.length && isRequired(field)) return "Please choose something.";
  if (chosen.length && field.min_values && chosen.length < field.min_values)
    return `Please choose at least ${field.min_values}.`;
  return null;
}

/** A field as it is sent; files go beside the form, and stand in it by their place among them. */
function fieldAnswer(field, values, files) {
  const { type, custom_id, id } = field;
  const value = values[custom_id];
  const known = { type, custom_id, ...(id === undefined ? {} : { id }) };
  if (type === ComponentType.FILE_UPLOAD) return { ...known, values: value.map((file) => String(files.push(file) - 1)) };
  return Array.isArray(value) ? { ...known, values: value } : { ...known, value };
}

/** The submission in the shape of the modal's own components: {components, files}. */
export function submission(components, values) {
  const files = [];
  const answers = components
    .filter(({ type }) => type === ComponentType.LABEL || type === ComponentType.ROW)
    .map((component) => {
      const { type, id } = component;
      const known = { type, ...(id === undefined ? {} : { id }) };
      return type === ComponentType.LABEL
        ? { ...known, component: fieldAnswer(component.component, values, files) }
        : { ...known, components: component.components.map((field) => fieldAnswer(field, values, files)) };
    });
  return { components: answers, files };
}
