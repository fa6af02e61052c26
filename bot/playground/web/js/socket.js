// The live connection: one WebSocket that comes back by itself, waiting longer after each failure.
// Knows nothing of what the events mean.
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;

export class Socket {
  #url;
  #onEvent;
  #onState;
  #socket = null;
  #timer = null;
  #failures = 0;
  #closed = false;

  /**
   * `onEvent({t, d})` gets every event; `onState(name)` gets "open" (with true when it opened again after a loss),
   * "waiting" while the connection is lost, and nothing more once `close()` was called.
   */
  constructor({ userId, onEvent, onState }) {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    this.#url = `${scheme}://${location.host}/play/socket?user=${encodeURIComponent(userId)}`;
    this.#onEvent = onEvent;
    this.#onState = onState;
    this.#open(false);
  }

  close() {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#socket?.close();
  }

  /** Tries at once instead of waiting for the next try. */
  retryNow() {
    if (this.#closed || this.#timer === null) return;
    clearTimeout(this.#timer);
    this.#timer = null;
    this.#open(true);
  }

  #open(again) {
    const socket = new WebSocket(this.#url);
    this.#socket = socket;
    socket.onopen = () => {
      this.#failures = 0;
      this.#onState("open", again);
    };
    socket.onmessage = ({ data }) => this.#onEvent(JSON.parse(data));
    socket.onclose = () => this.#lost();
  }

  #lost() {
    if (this.#closed) return;
    this.#onState("waiting");
    const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** this.#failures);
    this.#failures += 1;
    // The jitter keeps several tabs from knocking at the same instant after a restart.
    this.#timer = setTimeout(
      () => {
        this.#timer = null;
        this.#open(true);
      },
      wait * (0.75 + Math.random() / 2),
    );
  }
}
