// One person's session: the state, the calls, the live connection, and all the actions, put together.
import { interactionActions } from "./actions/interactions.js";
import { messageActions } from "./actions/messages.js";
import { overlayActions } from "./actions/overlays.js";
import { placeActions } from "./actions/places.js";
import { toastActions } from "./actions/toasts.js";
import { Api } from "./api.js";
import { Socket } from "./socket.js";
import { displayName } from "./state/derive.js";
import { initialState } from "./state/initial.js";
import { pruneTyping, reduce } from "./state/reduce.js";
import { Store } from "./store.js";

const PRUNE_TYPING_MS = 2_000;
const ANNOUNCED_CHARACTERS = 200;

export function createApp(start, me) {
  const store = new Store(initialState(start, me));
  const api = new Api(me.id);
  const app = { store, api, atEnd: true };
  Object.assign(app, toastActions(app), overlayActions(app));
  Object.assign(app, placeActions(app));
  Object.assign(app, messageActions(app), interactionActions(app));

  const seen = (channelId) => channelId === store.state.channelId && app.atEnd && document.hasFocus();

  function announceMessage(message) {
    if (message.channel_id !== store.state.channelId || message.author.id === me.id || !message.content) return;
    app.announce(`${displayName(message.author)}: ${message.content.slice(0, ANNOUNCED_CHARACTERS)}`);
  }

  function onEvent(event) {
    if (app.answered(event)) return;
    store.update((state) => reduce(state, event, { seen, now: Date.now() }));
    if (event.t === "MESSAGE_CREATE") announceMessage(event.d);
  }

  function onState(connection, again) {
    store.update((state) => ({ ...state, connection }));
    if (connection === "open" && again) app.resync();
  }

  const socket = new Socket({ userId: me.id, onEvent, onState });
  const pruning = setInterval(() => store.update((state) => pruneTypingIfAny(state)), PRUNE_TYPING_MS);
  const reconnect = () => socket.retryNow();
  addEventListener("online", reconnect);

  app.reconnect = reconnect;
  app.close = () => {
    socket.close();
    clearInterval(pruning);
    removeEventListener("online", reconnect);
  };
  return app;
}

const pruneTypingIfAny = (state) => (Object.keys(state.typing).length ? pruneTyping(state, Date.now()) : state);
