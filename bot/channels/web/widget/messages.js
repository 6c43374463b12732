/* The conversation as it is shown: rows in log order, then what is not yet in the log, then the answer being written. */

import { h, icon } from "./dom.js";
import { richText, safeLink } from "./rich_text.js";

const TYPING_MAX_MS = 60_000;
const NEAR_END_PX = 80;
const SOON_S = 120;

/**
 * `actions` has: press(button) (a button was chosen), rate(replyId, value), vote(replyId) (the vote so far, or null),
 * custom(value) (a reply carries data for the page).
 */
export class Messages {
  #pending = new Map();
  #day = null;
  #typingTimer = null;

  constructor(words, title, actions) {
    this.words = words;
    this.title = title;
    this.actions = actions;
    this.rows = h("div", { class: "rows" });
    this.writing = h("div", { class: "writing", hidden: true, "aria-live": "off" });
    this.node = h(
      "div",
      { class: "log", role: "log", "aria-label": words.log, "aria-live": "polite", tabindex: "0" },
      this.rows,
      this.writing,
    );
    this.jump = h("button", { class: "jump", type: "button", hidden: true, onclick: () => this.toEnd() });
    this.jump.append(icon("arrow"), words.newest);
    this.node.addEventListener("scroll", () => this.#nearEnd() && (this.jump.hidden = true));
  }

  /** Start over with a greeting and first questions, both of which are no part of the log. */
  clear(greeting, suggestions) {
    this.#pending.clear();
    this.typing(false);
    this.rows.replaceChildren();
    if (!greeting && !suggestions.length) return;
    const bubble = greeting ? h("div", { class: "bubble" }, greeting) : null;
    const chips = suggestions.map((text) => ({ title: text, payload: null }));
    this.rows.append(this.#row("bot", null, bubble, this.#choices(chips, "chips once")));
  }

  /** Whether the log (not the screen reader) is being filled with the past. */
  set replaying(replaying) {
    this.node.setAttribute("aria-live", replaying ? "off" : "polite");
  }

  addPending({ id, text }) {
    const row = this.#row("user", null, h("div", { class: "bubble" }, text));
    row.append(h("div", { class: "meta" }, h("span", { class: "state" }, this.words.sending)));
    row.classList.add("pending");
    this.#pending.set(id, row);
    this.rows.append(row);
    this.#choicesAreOver(text);
    this.toEnd();
  }

  /** What became of a message: "sent" (acknowledged, not yet answered), "later" or "failed". */
  outcome(id, status) {
    const row = this.#pending.get(id);
    if (!row) return;
    const words = { sent: "", later: this.words.later, failed: this.words.failed };
    row.querySelector(".state").textContent = words[status];
    row.classList.remove("sent", "later", "failed");
    row.classList.add(status);
  }

  add(frame) {
    const follow = this.#nearEnd();
    const row = frame.type === "status" ? this.#status(frame) : this.#message(frame);
    if (frame.type !== "user") this.typing(false);
    if (!row) return;
    this.#place(row, frame);
    if (follow || frame.type === "user") this.toEnd();
    else this.jump.hidden = false;
  }

  typing(on) {
    clearTimeout(this.#typingTimer);
    const follow = this.#nearEnd();
    this.writing.hidden = !on;
    if (on) {
      if (this.writing.querySelector(".dots")) return;
      const dots = h("div", { class: "bubble dots", role: "img", "aria-label": this.words.typing });
      dots.append(h("i"), h("i"), h("i"));
      this.writing.replaceChildren(h("div", { class: "row bot" }, dots));
      this.#typingTimer = setTimeout(() => this.typing(false), TYPING_MAX_MS);
    } else this.writing.replaceChildren();
    if (follow) this.toEnd();
  }

  /** The answer so far, in place of the dots. */
  partial(html) {
    clearTimeout(this.#typingTimer);
    const follow = this.#nearEnd();
    const bubble = h("div", { class: "bubble rich partial" });
    bubble.append(richText(html));
    this.writing.replaceChildren(h("div", { class: "row bot" }, bubble));
    this.writing.hidden = false;
    this.#typingTimer = setTimeout(() => this.typing(false), TYPING_MAX_MS);
    if (follow) this.toEnd();
  }

  toEnd() {
    this.node.scrollTop = this.node.scrollHeight;
    this.jump.hidden = true;
  }

  #nearEnd() {
    return this.node.scrollHeight - this.node.scrollTop - this.node.clientHeight < NEAR_END_PX;
  }

  #message(frame) {
    if (frame.type === "user") return this.#userRow(frame);
    if (frame.custom !== undefined) this.actions.custom(frame.custom);
    const { html, image, attachment, cards = [], sources = [], buttons = [], quick_replies: quick = [] } = frame;
    const parts = [
      html ? this.#richBubble(html) : null,
      image ? this.#image(image) : null,
      attachment ? this.#fileLink(attachment) : null,
      ...cards.map((card) => this.#card(card)),
      sources.length ? this.#sources(sources) : null,
      this.#choices(buttons, "choices once"),
      this.#choices(quick, "chips once"),
    ].filter(Boolean);
    if (!parts.length) return null;
    const row = this.#row(frame.type, frame.id, ...parts);
    row.append(h("div", { class: "meta" }, this.#time(frame.at), frame.rateable ? this.#thumbs(frame.id) : null));
    return row;
  }

  /** The row that waited for its place in the log, or a new one for what was said in another tab or before. */
  #userRow(frame) {
    const pending = this.#pending.get(frame.id);
    this.#pending.delete(frame.id);
    this.#choicesAreOver(frame.text);
    const row = pending ?? this.#row("user", null, h("div", { class: "bubble" }, frame.text), h("div", { class: "meta" }));
    row.dataset.id = frame.id;
    row.classList.remove("pending", "sent", "later", "failed");
    row.querySelector(".meta").replaceChildren(this.#time(frame.at));
    return row;
  }

  /** Put a row behind the log's last one; a row that is there already stays untouched, lest it be read out twice. */
  #place(row, frame) {
    const firstPending = this.rows.querySelector(".pending");
    if (!row.isConnected || row.nextElementSibling !== firstPending) this.rows.insertBefore(row, firstPending);
    row.dataset.at = frame.at;
    const day = this.#daySeparator(frame.at);
    if (day) row.before(day);
    const before = row.previousElementSibling;
    if (!before?.dataset.at) return;
    before.classList.toggle("soon", frame.at - before.dataset.at < SOON_S);
    if (before.classList.contains(frame.type)) {
      before.classList.add("followed");
      row.classList.add("following");
    }
  }

  #row(author, id, ...parts) {
    const name = { user: this.words.you, agent: this.words.agent, bot: this.title }[author];
    const label = author === "agent" ? h("div", { class: "author" }, icon("person"), name) : null;
    const spoken = label ? null : h("span", { class: "spoken" }, `${name}: `);
    return h("div", { class: `row ${author}`, "data-id": id }, label, spoken, ...parts);
  }

  #status(frame) {
    const words = this.words[frame.text];
    return words ? h("div", { class: "line status" }, h("span", {}, words)) : null;
  }

  #richBubble(html) {
    const bubble = h("div", { class: "bubble rich" });
    bubble.append(richText(html));
    return bubble;
  }

  #image({ url, inline }) {
    const safe = safeLink(url);
    if (!safe) return null;
    if (!inline) return this.#link(safe, this.words.image, "out");
    const picture = h("img", { src: safe, alt: "", loading: "lazy", referrerpolicy: "no-referrer" });
    const link = h("a", { class: "picture", href: safe, target: "_blank", rel: "noopener noreferrer" }, picture);
    link.setAttribute("aria-label", this.words.image);
    picture.addEventListener("error", () => link.replaceWith(this.#link(safe, this.words.image, "out")));
    picture.addEventListener("load", () => this.#nearEnd() && this.toEnd());
    return link;
  }

  #fileLink(url) {
    const safe = safeLink(url);
    return safe && this.#link(safe, this.words.file, "page");
  }

  #link(url, text, symbol) {
    return h("a", { class: "file", href: url, target: "_blank", rel: "noopener noreferrer" }, icon(symbol), text);
  }

  #card({ title, subtitle, image, buttons }) {
    return h(
      "div",
      { class: "card" },
      image ? this.#image(image) : null,
      title ? h("strong", {}, title) : null,
      subtitle ? h("span", {}, subtitle) : null,
      this.#choices(buttons, "choices"),
    );
  }

  #sources(sources) {
    const list = h("ul", { "aria-label": this.words.sources });
    for (const { title, url } of sources) {
      const safe = url && safeLink(url);
      const name = safe ? h("a", { href: safe, target: "_blank", rel: "noopener noreferrer" }, title) : h("span", {}, title);
      list.append(h("li", {}, icon("page"), name));
    }
    return h("div", { class: "sources" }, list);
  }

  #choices(buttons, kind) {
    if (!buttons.length) return null;
    const group = h("div", { class: kind, role: "group", "aria-label": this.words.choices });
    for (const button of buttons) {
      group.append(h("button", { type: "button", onclick: () => this.actions.press(button) }, button.title));
    }
    return group;
  }

  /** An answer was given: what could be chosen before it is history. */
  #choicesAreOver(text) {
    for (const button of this.rows.querySelectorAll(".once button:not([disabled])")) {
      button.disabled = true;
      button.classList.toggle("chosen", button.textContent === text);
    }
  }

  #thumbs(replyId) {
    const said = h("span", { class: "thanks", role: "status" });
    const group = h("span", { class: "thumbs", role: "group", "aria-label": this.words.rate });
    const show = () => {
      for (const button of group.querySelectorAll("button")) {
        button.setAttribute("aria-pressed", String(button.dataset.value === this.actions.vote(replyId)));
      }
    };
    for (const value of ["up", "down"]) {
      const press = () => {
        if (this.actions.vote(replyId) === value) return;
        this.actions.rate(replyId, value);
        said.textContent = this.words.thanks;
        show();
      };
      const title = this.words[value];
      const button = h("button", { type: "button", title, "aria-label": title, "data-value": value, onclick: press });
      button.append(icon(value));
      group.append(button);
    }
    show();
    group.append(said);
    return group;
  }

  #time(at) {
    const date = new Date(at * 1000);
    const short = new Intl.DateTimeFormat(this.words.locale, { hour: "2-digit", minute: "2-digit" }).format(date);
    return h("time", { datetime: date.toISOString() }, short);
  }

  #daySeparator(at) {
    const date = new Date(at * 1000);
    if (date.toDateString() === this.#day) return null;
    this.#day = date.toDateString();
    return h("div", { class: "line day" }, h("span", {}, this.#dayName(date)));
  }

  #dayName(date) {
    const now = new Date();
    if (date.toDateString() === now.toDateString()) return this.words.today;
    now.setDate(now.getDate() - 1);
    if (date.toDateString() === now.toDateString()) return this.words.yesterday;
    return new Intl.DateTimeFormat(this.words.locale, { weekday: "long", day: "numeric", month: "long" }).format(date);
  }
}
