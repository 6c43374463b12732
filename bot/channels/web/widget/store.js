/* What a browser remembers of a conversation: its id and token, what is not yet acknowledged, votes, what was read. */

const EMPTY = { conversation: null, token: null, pending: [], votes: {}, read: 0 };

/** A record in localStorage that several tabs may share; in memory where storage is forbidden. */
export class Store {
  #memory = null;

  constructor(base) {
    this.key = `kefu:${base}`;
  }

  get() {
    let raw = this.#memory;
    try {
      raw = localStorage.getItem(this.key) ?? raw;
    } catch {
      /* a sandboxed frame: the memory has to do */
    }
    try {
      return { ...EMPTY, ...JSON.parse(raw ?? "{}") };
    } catch {
      return { ...EMPTY };
    }
  }

  update(changes) {
    this.#memory = JSON.stringify({ ...this.get(), ...changes });
    try {
      localStorage.setItem(this.key, this.#memory);
    } catch {
      /* full or forbidden */
    }
  }

  /** Forget the conversation, and take up another if one is given. */
  begin(conversation = null, token = null, pending = []) {
    this.update({ ...EMPTY, conversation, token, pending });
  }

  /** Whether the panel was open in this tab, so that it survives going to another page of the site. */
  get open() {
    try {
      return sessionStorage.getItem(this.key) === "open";
    } catch {
      return false;
    }
  }

  set open(open) {
    try {
      sessionStorage.setItem(this.key, open ? "open" : "closed");
    } catch {
      /* forbidden */
    }
  }
}
