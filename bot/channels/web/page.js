/* The demo page: its buttons speak to the chat, and its example names the address it was loaded from. */
(() => {
  "use strict";
  document.querySelector(".address").textContent = new URL(".", document.baseURI).href;
  const withChat = (action) => async () => {
    await customElements.whenDefined("kefu-chat");
    action(document.querySelector("kefu-chat"));
  };
  document.querySelector(".ask").addEventListener("click", withChat((chat) => chat.open()));
  for (const question of document.querySelectorAll(".question")) {
    question.addEventListener("click", withChat((chat) => chat.ask(question.textContent)));
  }
  const popular = document.querySelector(".popular");
  popular.hidden = !popular.querySelector("li");
})();
