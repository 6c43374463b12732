/* Small ways to make nodes. Text is always set as text, never parsed. */

/** An element with attributes (false and null are left out), listeners (onclick: ...) and children. */
export function h(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value != null) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child != null && child !== false));
  return node;
}

const PATHS = {
  chat: "M12 3c5 0 9 3.4 9 7.7s-4 7.7-9 7.7c-.9 0-1.8-.1-2.6-.3L5 20.5l.8-3.7C4.1 15.4 3 13.2 3 10.7 3 6.4 7 3 12 3Z",
  close: "M6 6l12 12M18 6 6 18",
  restart: "M4 12a8 8 0 1 0 2.6-5.9M4 4v4.5h4.5",
  send: "M12 19V5M6 11l6-6 6 6",
  up: "M7 11v9H4v-9h3Zm0 0 4-8c1.4 0 2.4 1 2.4 2.4V9h5.2c1.1 0 2 1 1.8 2.1l-1.2 7.2c-.1 1-1 1.7-2 1.7H7",
  down: "M7 13V4H4v9h3Zm0 0 4 8c1.4 0 2.4-1 2.4-2.4V15h5.2c1.1 0 2-1 1.8-2.1l-1.2-7.2c-.1-1-1-1.7-2-1.7H7",
  person: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8Zm-7.5 8c.8-3.4 3.8-5 7.5-5s6.700 1.600 7.500 5",
  page: "M7 3h7l4 4v14H7a1 1 0 0 1-1-1V4a1 1 0 0 1 1-1Zm7 0v4h4M9 12h6M9 16h6",
  out: "M14 4h6v6M20 4l-9 9M18 14v5a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1V7a1 1 0 0 1 1-1h5",
  arrow: "M12 5v14M6 13l6 6 6-6",
};

/** A line drawing of 24 by 24 units in the current colour. */
export function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  const path = document.createElementNS(space, "path");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}
