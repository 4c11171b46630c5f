// The HTML of messages: text as HTML, the text of HTML, and HTML that is safe to show.

const SAFE_TAGS = new Set(["A", "ABBR", "B", "BLOCKQUOTE", "BR", "CODE", "DD", "DEL", "DIV", "DL", "DT", "EM", "H1", "H2", "H3", "H4", "H5", "H6", "HR", "I",
  "INS", "KBD", "LI", "OL", "P", "PRE", "Q", "S", "SAMP", "SMALL", "SPAN", "STRIKE", "STRONG", "SUB", "SUP", "TABLE", "TBODY", "TD", "TH",
  "THEAD", "TR", "TT", "U", "UL"]);
// These are dropped with their content.
const DROPPED_TAGS = new Set(["SCRIPT", "STYLE", "TITLE", "TEMPLATE", "NOSCRIPT", "IFRAME", "OBJECT", "EMBED", "TEXTAREA", "SELECT", "SVG", "MATH", "svg", "math"]);
const SAFE_LINK = /^(https?|mailto|sip|tel):/i;

const ESCAPES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

// Text as HTML, whose only tags are line breaks.
export const escape = (text) => text.replace(/[&<>"']/g, (character) => ESCAPES[character]).replace(/\r?\n/g, "<br>");

// The elements that begin and end a line of text.
const BLOCKS = new Set(["P", "DIV", "LI", "UL", "OL", "TR", "TABLE", "BLOCKQUOTE", "PRE", "H1", "H2", "H3", "H4", "H5", "H6", "DT", "DD", "HR"]);

// The document in which HTML is parsed. It runs no script and loads nothing. Its window is gone, because Chromium applies the policy of a
// page to the style attributes of every other document, and reports those that it refuses.
let inert;

// The elements of HTML. They are valid until the next call.
function parse(html) {
  if (!inert) {
    const frame = document.createElement("iframe");
    document.documentElement.append(frame);
    inert = frame.contentDocument.implementation.createHTMLDocument("");
    frame.remove();
  }
  inert.body.innerHTML = html;
  return inert.body;
}

// The text of HTML. A run of white space becomes one blank.
export function textOf(html) {
  let text = "";
  let blank = false;
  const endLine = () => {
    text += "\n";
    blank = false;
  };
  const beginLine = () => {
    if (text !== "" && !text.endsWith("\n")) endLine();
    blank = false;
  };
  const visit = (node) => {
    if (node.nodeType === Node.TEXT_NODE) {
      for (const part of node.data.split(/(\s+)/)) {
        if (part.trim() === "") {
          blank ||= part !== "";
          continue;
        }
        if (blank && text !== "" && !text.endsWith("\n")) text += " ";
        blank = false;
        text += part;
      }
    } else if (node.nodeType === Node.ELEMENT_NODE && !DROPPED_TAGS.has(node.tagName)) {
      if (node.tagName === "BR") endLine();
      const isBlock = BLOCKS.has(node.tagName);
      if (isBlock) beginLine();
      node.childNodes.forEach(visit);
      if (isBlock) beginLine();
    }
  };
  visit(parse(html));
  return text.trimEnd();
}

// Removes everything from HTML that could run or load something or disguise its content: only listed tags and the targets of links are
// copied.
export function sanitize(html) {
  const clean = document.implementation.createHTMLDocument("");
  const copyChildren = (from, to) => {
    for (const child of from.childNodes) {
      if (child.nodeType === Node.TEXT_NODE) to.append(child.data);
      else if (child.nodeType === Node.ELEMENT_NODE && !DROPPED_TAGS.has(child.tagName)) {
        const isSafe = SAFE_TAGS.has(child.tagName);
        const copy = isSafe ? clean.createElement(child.tagName) : to;
        const link = child.getAttribute("href")?.trim() ?? "";
        if (child.tagName === "A" && SAFE_LINK.test(link)) {
          copy.setAttribute("href", link);
          copy.setAttribute("rel", "noopener noreferrer");
        }
        copyChildren(child, copy);
        if (isSafe) to.append(copy);
      }
    }
  };
  copyChildren(parse(html), clean.body);
  return clean.body.innerHTML;
}
