/* The Kefu chat. One tag adds it to any page:

     <script src="https://bot.example/widget.js" defer></script>

   Options, all as attributes of that tag: data-title, data-lang (en, zh, auto), data-color, data-theme (auto, light,
   dark), data-greeting, data-suggestions (separated by |), data-open. A page may place <kefu-chat> itself; it then has
   the same attributes, and the methods open(), close() and ask(text). */
(() => {
  "use strict";
  const script = document.currentScript;
  if (!script) {
    console.error("kefu: load widget.js with a plain script tag, not as a module");
    return;
  }
  const options = { ...script.dataset };
  const element = new URL("widget/{{version}}/element.js", script.src).href;

  const add = () => {
    if (document.querySelector("kefu-chat")) return;
    const chat = document.createElement("kefu-chat");
    Object.assign(chat.dataset, options);
    document.body.append(chat);
  };
  import(element).then(
    () => (document.body ? add() : document.addEventListener("DOMContentLoaded", add)),
    (problem) => console.error("kefu: the chat could not be loaded", problem),
  );
})();
