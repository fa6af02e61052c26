// Commands, buttons, selects and modals: asking the bot, and tying its answer to the question by nonce, as
// Discord's own clients do. An interaction that gets no answer in time says so where it was started.
import { InteractionType } from "../state/discord.js";

const NO_ANSWER = "The application did not respond.";
const AUTOCOMPLETE_TIMEOUT_MS = 4_000;

const without = (record, key) => {
  const { [key]: _gone, ...rest } = record;
  return rest;
};

export function interactionActions({ store, api }) {
  const completions = new Map();
  let count = 0;

  const makeNonce = () => {
    count += 1;
    return `${Date.now()}${String(count).padStart(4, "0")}`;
  };

  /** Sends one interaction. `origin` says where its failure belongs: {messageId, customId} or {command} or {modal}. */
  async function interact(body, origin, files = []) {
    const nonce = makeNonce();
    const entry = { nonce, channelId: body.channel_id, ...origin };
    store.update((state) => ({
      ...state,
      pending: { ...state.pending, [nonce]: entry },
      failures: origin.messageId ? without(state.failures, origin.messageId) : state.failures,
    }));
    try {
      await api.post("/interactions", { ...body, nonce }, files);
    } catch (error) {
      failed({ nonce, reason: error.message });
    }
  }

  const where = (channel) => ({ channel_id: channel.id, ...(channel.guild_id ? { guild_id: channel.guild_id } : {}) });

  const runCommand = (channel, { label, data, files }) =>
    interact({ type: InteractionType.COMMAND, ...where(channel), data }, { command: label }, files);

  const useComponent = (message, component, values) => {
    const { custom_id, type } = component;
    const data = { custom_id, component_type: type, ...(values ? { values } : {}) };
    const channel = store.state.channels[message.channel_id] ?? { id: message.channel_id };
    const body = {
      type: InteractionType.COMPONENT,
      ...where(channel),
      message_id: message.id,
      message_flags: message.flags ?? 0,
      data,
    };
    return interact(body, { messageId: message.id, customId: custom_id });
  };

  const submitModal = (modal, { components, files }) => {
    const channel = store.state.channels[modal.channelId] ?? { id: modal.channelId };
    const message = modal.messageId ? { message_id: modal.messageId } : {};
    const attachments = files.map((file, index) => ({ id: String(index), filename: file.name }));
    const data = { id: modal.id, custom_id: modal.custom_id, components, ...(files.length ? { attachments } : {}) };
    store.update((state) => ({ ...state, modal: { ...modal, sending: true, error: null } }));
    const body = { type: InteractionType.MODAL_SUBMIT, ...where(channel), ...message, data };
    return interact(body, { modal: modal.id }, files);
  };

  const closeModal = () => store.update((state) => ({ ...state, modal: null }));

  /** Asks the bot for choices; resolves to null when it does not answer. */
  async function complete(channel, data) {
    const nonce = makeNonce();
    const answer = new Promise((resolve) => {
      const timer = setTimeout(() => resolve(null), AUTOCOMPLETE_TIMEOUT_MS);
      completions.set(nonce, (choices) => {
        clearTimeout(timer);
        resolve(choices);
      });
    });
    try {
      await api.post("/interactions", { type: InteractionType.AUTOCOMPLETE, ...where(channel), data, nonce });
      return await answer;
    } catch {
      return null;
    } finally {
      completions.delete(nonce);
    }
  }

  function settle(nonce, change = (state) => state) {
    store.update((state) => {
      const entry = state.pending[nonce];
      if (!entry) return state;
      return change({ ...state, pending: without(state.pending, nonce) }, entry);
    });
  }

  function failed({ nonce, reason }) {
    completions.get(nonce)?.(null);
    const text = reason && /[ .]/.test(reason) ? reason : NO_ANSWER;
    settle(nonce, (state, entry) => {
      if (entry.messageId) return { ...state, failures: { ...state.failures, [entry.messageId]: text } };
      if (entry.modal)
        return state.modal?.id === entry.modal
          ? { ...state, modal: { ...state.modal, sending: false, error: text } }
          : state;
      const notices = [...(state.notices[entry.channelId] ?? []), { nonce, command: entry.command, text }];
      return { ...state, notices: { ...state.notices, [entry.channelId]: notices } };
    });
  }

  const succeeded = ({ nonce }) =>
    settle(nonce, (state, entry) =>
      entry.modal && state.modal?.id === entry.modal ? { ...state, modal: null } : state,
    );

  const openedModal = (modal) =>
    settle(modal.nonce, (state, entry) => ({
      ...state,
      modal: { ...modal, channelId: entry.channelId, messageId: entry.messageId },
    }));

  /** Handles the events that answer this person's interactions; says whether `event` was one. */
  function answered({ t, d }) {
    switch (t) {
      case "INTERACTION_SUCCESS":
        succeeded(d);
        return true;
      case "INTERACTION_FAILURE":
        failed(d);
        return true;
      case "INTERACTION_MODAL_CREATE":
        openedModal(d);
        return true;
      case "APPLICATION_COMMAND_AUTOCOMPLETE_RESPONSE":
        completions.get(d.nonce)?.(d.choices);
        return true;
      default:
        return false;
    }
  }

  const dismissNotice = (channelId, nonce) =>
    store.update((state) => ({
      ...state,
      notices: { ...state.notices, [channelId]: state.notices[channelId].filter((notice) => notice.nonce !== nonce) },
    }));

  return { runCommand, useComponent, submitModal, closeModal, complete, answered, dismissNotice };
}
