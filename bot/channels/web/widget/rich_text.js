/* The server's sanitised HTML as nodes. The server's allow-list is checked once more here: what is not on it becomes
   its text, and every attribute except a safe link address is dropped. */

const TAGS = new Set(
  "p br strong em s ul ol li a code pre blockquote table thead tbody tr th td".split(" ").map((t) => t.toUpperCase()),
);
const SCHEMES = new Set(["http:", "https:", "mailto:"]);
const SILENT = new Set(["SCRIPT", "STYLE", "TEMPLATE", "IFRAME", "OBJECT", "NOSCRIPT"]);
const MAX_DEPTH = 40;

/** `address` if it is absolute and of a harmless scheme, else null. */
export function safeLink(address) {
  try {
    return SCHEMES.has(new URL(address).protocol) ? address : null;
  } catch {
    return null;
  }
}

/** A fragment of allow-listed nodes. Nothing of `html` ever runs or loads: it is parsed in an inert document. */
export function richText(html) {
  const fragment = document.createDocumentFragment();
  const parsed = parse(html);
  if (parsed) copy(parsed.body, fragment, 0);
  else fragment.append(html.replace(/<[^>]*>/g, " "));
  return fragment;
}

let policy;

/** An inert document; null where the page's Trusted Types forbid parsing. */
function parse(html) {
  try {
    policy ??= window.trustedTypes?.createPolicy("kefu-chat", { createHTML: (text) => text }) ?? {
      createHTML: (text) => text,
    };
    return new DOMParser().parseFromString(policy.createHTML(html), "text/html");
  } catch {
    return null;
  }
}

function copy(from, to, depth) {
  for (const node of from.childNodes) {
    if (node.nodeType === Node.TEXT_NODE) to.append(node.data);
    else if (node.nodeType === Node.ELEMENT_NODE && !SILENT.has(node.tagName)) copyElement(node, to, depth);
  }
}

function copyElement(node, to, depth) {
  if (!TAGS.has(node.tagName) || depth > MAX_DEPTH) {
    copy(node, to, depth + 1);
    return;
  }
  const made = document.createElement(node.tagName);
  if (node.tagName === "A") setLink(made, node.getAttribute("href"));
  if (node.tagName === "OL" && /^\d{1,6}$/.test(node.getAttribute("start") ?? "")) made.start = node.start;
  copy(node, made, depth + 1);
  if (node.tagName === "TABLE") {
    const scroller = document.createElement("div");
    scroller.className = "table";
    scroller.append(made);
    to.append(scroller);
  } else to.append(made);
}

function setLink(anchor, address) {
  const safe = safeLink(address);
  if (!safe) return;
  anchor.href = safe;
  anchor.target = "_blank";
  anchor.rel = "noopener noreferrer nofollow";
}
