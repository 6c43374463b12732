/* The socket: keeps it open, resumes where it broke off, and sends each message until the server has acknowledged it.

   Log frames are numbered without gaps. A number that is not greater than the last one is a repetition and ignored; a
   hole means that something was lost, so the socket is opened anew and the server replays from the last number. */

const BACKOFF_MS = 500;
const BACKOFF_MAX_MS = 20_000;
const DRAIN_MS = 3_000;
const PING_MS = 25_000;
const SILENCE_MS = 10_000;
const RETRY_MS = 3_000;
const STABLE_MS = 5_000;
const DOUBT_AFTER = 2;
const GOING_AWAY = 1001;

/**
 * `listener` has: state("connecting" | "online" | "lost"), reset() (drop what is shown), frame(frame) (of the log),
 * caughtUp() (the replay has ended), live(frame) (typing, partial), outcome(id, "sent" | "later" | "failed").
 */
export class Connection {
  #socket = null;
  #conversation = null;
  #last = 0;
  #anyFirst = false;
  #welcomed = false;
  #behindTo = null;
  #attempt = 0;
  #timers = new Map();

  constructor({ url, store, lang, listener }) {
    this.url = url;
    this.store = store;
    this.lang = lang;
    this.listener = listener;
    this.started = false;
    window.addEventListener("online", () => this.#hurry());
    document.addEventListener("visibilitychange", () => document.hidden || this.#hurry());
    window.addEventListener("storage", (event) => event.key === store.key && this.#followOtherTab());
  }

  start() {
    if (this.started) return;
    this.started = true;
    this.#connect();
  }

  stop() {
    this.started = false;
    this.#drop();
    for (const name of [...this.#timers.keys()]) this.#cancel(name);
  }

  /** Send a message or a vote, now or as soon as there is a connection, until it is acknowledged. */
  send(frame) {
    this.store.update({ pending: [...this.store.get().pending, frame] });
    this.start();
    if (this.#welcomed) this.#transmit(frame);
  }

  /** Leave this conversation for a new one. */
  restart() {
    this.store.begin();
    this.#again();
  }

  #again() {
    this.#last = 0;
    this.#drop();
    this.listener.reset();
    if (this.started) this.#connect();
  }

  #connect() {
    this.#cancel("reconnect");
    this.listener.state("connecting");
    let socket;
    try {
      socket = new WebSocket(this.url);
    } catch (problem) {
      console.error("kefu: this page may not open the chat's socket", problem);
      return this.#lost(0);
    }
    this.#socket = socket;
    const mine = (handler) => (event) => socket === this.#socket && handler(event);
    socket.onopen = mine(() => this.#hello());
    socket.onmessage = mine((event) => this.#receive(event.data));
    socket.onclose = mine((event) => this.#lost(event.code));
    this.#later("silence", SILENCE_MS, () => this.#lost(0));
  }

  #hello() {
    const { conversation, token } = this.store.get();
    this.#write({ type: "hello", conversation, token, last: this.#last, lang: this.lang });
  }

  #receive(data) {
    this.#cancel("silence");
    const frame = JSON.parse(data);
    switch (frame.type) {
      case "welcome":
        return this.#welcome(frame);
      case "ack":
        return this.#acknowledged(frame.id, frame.status);
      case "error":
        return this.#refused(frame);
      case "typing":
      case "partial":
        return this.listener.live(frame);
      case "pong":
        return undefined;
      default:
        return typeof frame.seq === "number" ? this.#logged(frame) : undefined;
    }
  }

  #welcome(frame) {
    const known = this.store.get();
    if (frame.reset || frame.conversation !== known.conversation) {
      this.#last = 0;
      this.#anyFirst = true;
      this.listener.reset();
    }
    if (frame.conversation !== known.conversation) {
      // What was written before the conversation began (or was lost by the server) belongs into the new one.
      const messages = known.pending.filter((pending) => pending.type === "message");
      this.store.begin(frame.conversation, frame.token, messages);
    }
    this.#conversation = frame.conversation;
    this.#welcomed = true;
    this.#behindTo = frame.last;
    this.#later("stable", STABLE_MS, () => (this.#attempt = 0));
    this.#keepAlive();
    this.listener.state("online");
    for (const pending of this.store.get().pending) this.#transmit(pending);
    this.#checkCaughtUp();
  }

  #logged(frame) {
    if (frame.seq <= this.#last) return;
    if (frame.seq !== this.#last + 1 && !this.#anyFirst) {
      this.#lost(0);
      return;
    }
    this.#anyFirst = false;
    this.#last = frame.seq;
    if (frame.type === "user") this.#settle(frame.id);
    this.listener.frame(frame);
    this.#checkCaughtUp();
  }

  #checkCaughtUp() {
    if (this.#behindTo === null || this.#last < this.#behindTo) return;
    this.#behindTo = null;
    this.listener.caughtUp();
  }

  #transmit(frame) {
    this.#write(frame);
    this.#later("silence", SILENCE_MS, () => this.#lost(0));
  }

  #acknowledged(id, status) {
    if (status === "busy") return this.#retryLater(id, RETRY_MS);
    this.#settle(id);
    this.listener.outcome(id, "sent");
  }

  #refused({ id, code, retry_after_s: retryAfter, message }) {
    if (!id) return console.warn(`kefu: ${code}: ${message}`);
    if (retryAfter) return this.#retryLater(id, retryAfter * 1000);
    this.#settle(id);
    this.listener.outcome(id, "failed");
  }

  #retryLater(id, delay) {
    this.listener.outcome(id, "later");
    this.#later(`retry ${id}`, delay * (1 + Math.random() / 2), () => {
      const frame = this.store.get().pending.find((pending) => pending.id === id);
      if (frame && this.#welcomed) this.#transmit(frame);
    });
  }

  #settle(id) {
    this.#cancel(`retry ${id}`);
    const { pending } = this.store.get();
    const rest = pending.filter((frame) => frame.id !== id);
    if (rest.length < pending.length) this.store.update({ pending: rest });
  }

  #keepAlive() {
    this.#later("ping", PING_MS, () => {
      this.#transmit({ type: "ping" });
      this.#keepAlive();
    });
  }

  #write(frame) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(frame));
  }

  /** The connection is gone or no use: open another after a while, a random one so that not all come back at once. */
  #lost(code) {
    this.#drop();
    if (!this.started) return;
    this.listener.state("lost");
    if (this.#conversation === null && this.#attempt === DOUBT_AFTER) {
      console.warn("kefu: no connection. Is the bot up, and is this page's origin in its list of allowed origins?");
    }
    const longest = code === GOING_AWAY ? DRAIN_MS : Math.min(BACKOFF_MAX_MS, BACKOFF_MS * 2 ** this.#attempt);
    this.#attempt += 1;
    this.#later("reconnect", longest * (0.3 + 0.7 * Math.random()), () => this.#connect());
  }

  #drop() {
    for (const name of ["silence", "ping", "stable"]) this.#cancel(name);
    const socket = this.#socket;
    this.#socket = null;
    this.#welcomed = false;
    socket?.close();
  }

  /** The network or the tab is back: do not wait for the timer, and ask whether an open socket is still alive. */
  #hurry() {
    if (this.#timers.has("reconnect")) this.#connect();
    else if (this.#welcomed) this.#transmit({ type: "ping" });
  }

  /** Another tab began a new conversation: show the same one here. */
  #followOtherTab() {
    const { conversation } = this.store.get();
    if (this.#welcomed && conversation && conversation !== this.#conversation) this.#again();
  }

  #later(name, delay, action) {
    this.#cancel(name);
    const run = () => {
      this.#timers.delete(name);
      action();
    };
    this.#timers.set(name, setTimeout(run, delay));
  }

  #cancel(name) {
    clearTimeout(this.#timers.get(name));
    this.#timers.delete(name);
  }
}
