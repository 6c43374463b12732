/* <kefu-chat>: the launcher, the panel around the conversation, and what the customer does with both. */

import { Connection } from "./connection.js";
import { h, icon } from "./dom.js";
import { labelsFor } from "./labels.js";
import { Messages } from "./messages.js";
import { Store } from "./store.js";
import { css } from "./style.js";

const BASE = new URL("../../", import.meta.url);
const MAX_TEXT_CHARS = 4000;
const LOST_BANNER_MS = 1500;
const LIGHT_TEXT_BELOW = 0.4;

const sheet = new CSSStyleSheet();
sheet.replaceSync(css);

/** 122 random bits as a UUID; crypto.randomUUID exists only on https pages. */
function uuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

class KefuChat extends HTMLElement {
  #open = false;
  #unread = 0;
  #newest = 0;
  #handedOff = false;
  #agentSpoke = false;
  #replaying = true;
  #lostTimer = null;

  connectedCallback() {
    if (this.shadowRoot) {
      this.connection.start();
      return;
    }
    this.words = labelsFor(this.dataset.lang);
    this.name = this.dataset.title || this.words.title;
    this.store = new Store(BASE.href);
    this.messages = new Messages(this.words, this.name, {
      press: (button) => this.#choose(button),
      rate: (reply, value) => this.#rate(reply, value),
      vote: (reply) => this.store.get().votes[reply] ?? null,
      custom: (detail) => this.dispatchEvent(new CustomEvent("kefu-custom", { detail, bubbles: true })),
    });
    this.#build();
    this.#paint();
    const url = new URL("ws", BASE);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    this.connection = new Connection({ url: url.href, store: this.store, lang: this.words.locale, listener: this });
    this.reset();
    if (this.store.get().conversation) this.connection.start();
    if ("open" in this.dataset || this.store.open) this.open({ focus: false });
  }

  disconnectedCallback() {
    this.connection?.stop();
  }

  /* What a page may call. */

  open({ focus = true } = {}) {
    this.#open = true;
    this.store.open = true;
    this.connection.start();
    this.#showOpen();
    this.#markRead();
    this.#fitInput();
    this.messages.toEnd();
    if (focus) this.input.focus();
  }

  close() {
    this.#open = false;
    this.store.open = false;
    this.#showOpen();
    this.launcher.focus();
  }

  /** Open the panel and send `text` as the customer's words. */
  ask(text) {
    this.open();
    this.#say(text, null);
  }

  /* What the connection tells. */

  state(state) {
    this.presence.textContent = state === "online" ? this.words.online : this.words.connecting;
    this.root.dataset.state = state;
    if (state === "online") {
      clearTimeout(this.#lostTimer);
      this.#lostTimer = null;
      this.lost.hidden = true;
    } else this.#lostTimer ??= setTimeout(() => (this.lost.hidden = false), LOST_BANNER_MS);
  }

  reset() {
    this.#handedOff = this.#agentSpoke = false;
    this.#unread = this.#newest = 0;
    this.#replaying = this.messages.replaying = true;
    const suggestions = (this.dataset.suggestions ?? "").split("|").map((text) => text.trim());
    this.messages.clear(this.dataset.greeting, suggestions.filter(Boolean));
    for (const frame of this.store.get().pending) {
      if (frame.type === "message") this.messages.addPending(frame);
    }
    this.#showPerson();
    this.#showUnread();
  }

  frame(frame) {
    this.messages.add(frame);
    if (frame.type === "status") {
      this.#handedOff = frame.text === "handoff";
      this.#agentSpoke = false;
    }
    if (frame.type === "agent") this.#agentSpoke = true;
    this.#showPerson();
    if (frame.type !== "user" && frame.seq > this.store.get().read) this.#unread += 1;
    this.#newest = frame.seq;
    if (!this.#replaying) this.#markRead();
  }

  caughtUp() {
    this.#replaying = this.messages.replaying = false;
    this.messages.toEnd();
    this.#markRead();
  }

  live(frame) {
    if (frame.type === "partial") this.messages.partial(frame.html);
    else this.messages.typing(frame.on);
  }

  outcome(id, status) {
    this.messages.outcome(id, status);
  }

  /* What the customer does. */

  #say(text, payload) {
    const words = text.trim();
    if (!words) return;
    const frame = { type: "message", id: uuid(), text: words, ...(payload ? { payload } : {}) };
    this.messages.addPending(frame);
    this.connection.send(frame);
  }

  /** A pressed button is disabled, and with it the focus would be lost. */
  #choose({ title, payload }) {
    const byKeyboard = this.shadowRoot.activeElement?.matches(":focus-visible");
    this.#say(title, payload);
    (byKeyboard ? this.input : this.messages.node).focus({ preventScroll: true });
  }

  #rate(message, value) {
    const { votes } = this.store.get();
    this.store.update({ votes: { ...votes, [message]: value } });
    this.connection.send({ type: "feedback", id: uuid(), message, value });
  }

  #submit() {
    this.#say(this.input.value, null);
    this.input.value = "";
    this.#fitInput();
    this.input.focus();
  }

  #key(event) {
    const composing = event.isComposing || event.keyCode === 229; // an input method is choosing characters
    if (composing) return;
    if (event.key === "Escape") {
      event.stopPropagation();
      if (this.confirm.hidden) this.close();
      else this.#askRestart(false);
    } else if (event.key === "Enter" && !event.shiftKey && event.target === this.input) {
      event.preventDefault();
      this.#submit();
    } else if (event.key === "Tab" && this.fullScreen.matches) this.#keepFocus(event);
  }

  /** Where the panel covers the page, Tab goes round inside it. */
  #keepFocus(event) {
    const all = [...this.panel.querySelectorAll("button, a[href], textarea, [tabindex='0']")];
    const reachable = all.filter((node) => !node.disabled && node.getClientRects().length);
    const [first, last] = [reachable[0], reachable.at(-1)];
    const from = this.shadowRoot.activeElement;
    if (event.shiftKey ? from === first : from === last) {
      event.preventDefault();
      (event.shiftKey ? last : first).focus();
    }
  }

  #askRestart(ask) {
    this.confirm.hidden = !ask;
    if (ask) this.confirm.querySelector("button").focus();
    else this.input.focus();
  }

  #restart() {
    this.connection.restart();
    this.#askRestart(false);
  }

  /* What is shown. */

  #build() {
    const { words } = this;
    const button = (kind, symbol, label, onclick) =>
      h("button", { class: kind, type: "button", "aria-label": label, title: label, onclick }, icon(symbol));

    this.badge = h("span", { class: "badge", hidden: true, "aria-hidden": "true" });
    this.launcher = h("button", { class: "launcher", type: "button", onclick: () => this.open() }, icon("chat"));
    this.launcher.append(this.badge);
    this.presence = h("span", { class: "presence" }, words.connecting);
    this.lost = h("div", { class: "banner lost", role: "status", hidden: true }, words.lost);
    this.person = h("div", { class: "banner person", role: "status", hidden: true });
    this.confirm = h("div", { class: "confirm", role: "alertdialog", "aria-label": words.restart, hidden: true });
    this.confirm.append(
      h("p", {}, words.restartAsk),
      h("button", { class: "primary", type: "button", onclick: () => this.#restart() }, words.restartYes),
      h("button", { type: "button", onclick: () => this.#askRestart(false) }, words.restartNo),
    );
    this.input = h("textarea", { rows: "1", placeholder: words.placeholder, "aria-label": words.input });
    this.input.maxLength = MAX_TEXT_CHARS;
    this.input.enterKeyHint = "send";
    this.input.addEventListener("input", () => this.#fitInput());
    this.sendButton = h("button", { class: "send", type: "submit", "aria-label": words.send, title: words.send });
    this.sendButton.append(icon("send"));
    const send = (event) => {
      event.preventDefault();
      this.#submit();
    };
    const heading = h("div", { class: "heading" }, h("h2", { id: "title" }, this.name), this.presence);
    this.panel = h(
      "section",
      { class: "panel", role: "dialog", "aria-labelledby": "title", hidden: true },
      h(
        "header",
        {},
        h("span", { class: "mark" }, icon("chat")),
        heading,
        button("tool restart", "restart", words.restart, () => this.#askRestart(this.confirm.hidden)),
        button("tool close", "close", words.close, () => this.close()),
      ),
      this.lost,
      this.person,
      this.messages.node,
      this.messages.jump,
      this.confirm,
      h("form", { class: "composer", onsubmit: send }, this.input, this.sendButton),
    );
    this.panel.addEventListener("keydown", (event) => this.#key(event));
    this.root = h("div", { class: "root", lang: words.locale }, this.panel, this.launcher);
    const shadow = this.attachShadow({ mode: "open", delegatesFocus: false });
    shadow.adoptedStyleSheets = [sheet];
    shadow.append(this.root);
    this.fullScreen = matchMedia("(max-width: 480px)");
    this.fullScreen.addEventListener("change", () => this.#showOpen());
    this.#fitInput();
    this.#showUnread();
  }

  /** Colours: light or dark as asked or as the system is, and text that can be read on the site's own colour. */
  #paint() {
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const apply = () => {
      const { theme } = this.dataset;
      const mode = theme === "light" || theme === "dark" ? theme : dark.matches ? "dark" : "light";
      this.root.dataset.mode = mode;
    };
    dark.addEventListener("change", apply);
    apply();
    const { color } = this.dataset;
    if (!color || !CSS.supports("color", color)) return;
    this.root.style.setProperty("--accent", color);
    const [red, green, blue] = getComputedStyle(this.launcher).backgroundColor.match(/[\d.]+/g).map(Number);
    const linear = (part) => ((part / 255 + 0.055) / 1.055) ** 2.4;
    const luminance = 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
    this.root.style.setProperty("--on-accent", luminance < LIGHT_TEXT_BELOW ? "#fff" : "#16201d");
  }

  #showOpen() {
    this.panel.hidden = !this.#open;
    this.panel.setAttribute("aria-modal", String(this.#open && this.fullScreen.matches));
    this.root.classList.toggle("open", this.#open);
    this.launcher.setAttribute("aria-expanded", String(this.#open));
  }

  #showPerson() {
    this.person.hidden = !this.#handedOff;
    const words = this.#agentSpoke ? this.words.withPerson : this.words.waiting;
    if (this.#handedOff && this.person.textContent !== words) this.person.replaceChildren(icon("person"), words);
  }

  #markRead() {
    if (this.#open && !document.hidden) {
      this.#unread = 0;
      if (this.#newest) this.store.update({ read: this.#newest });
    }
    this.#showUnread();
  }

  #showUnread() {
    const count = this.#unread;
    this.badge.hidden = count === 0;
    this.badge.textContent = count > 9 ? "9+" : String(count);
    const label = count ? this.words.openUnread(count) : this.words.open;
    this.launcher.setAttribute("aria-label", label);
    this.launcher.title = label;
  }

  #fitInput() {
    this.input.style.height = "auto";
    this.input.style.height = `${Math.min(this.input.scrollHeight, 132)}px`;
    this.sendButton.disabled = !this.input.value.trim();
  }
}

if (!customElements.get("kefu-chat")) customElements.define("kefu-chat", KefuChat);
