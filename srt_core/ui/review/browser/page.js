// What every part of the desk uses: elements, and texts that are set as text.

const PARTS = { instruction: "Instruction", input: "Input", response: "Response" };

function make(tag, look = {}, ...inside) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(look)) {
    if (name === "class") element.className = value;
    else if (name.startsWith("on")) element[name] = value;
    else if (name in element && typeof value !== "string") element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...inside.filter((each) => each !== null && each !== undefined));
  return element;
}

// A button that a click does not take the focus to: the keys go on working as before it.
function button(label, act, look = {}) {
  const made = make("button", { type: "button", ...look }, ...[label].flat());
  made.onmousedown = (event) => event.preventDefault();
  made.onclick = act;
  return made;
}

function keyed(key, label, act, look = {}) {
  return button([make("kbd", {}, key), label], act, { "aria-keyshortcuts": key, ...look });
}

function plural(count, one) {
  return `${count.toLocaleString("en")} ${one}${count === 1 ? "" : "s"}`;
}

function isTyping(event) {
  const target = event.composedPath()[0];
  return target instanceof Element && target.matches("input:not([type=checkbox]), textarea, select, [contenteditable=true], [contenteditable=plaintext-only]");
}

// Space and Enter are the focused control's own, and so are all keys in a dialog or a menu of the page.
function isOfAControl(event) {
  const target = event.composedPath()[0];
  if (!(target instanceof Element)) return false;
  if (target.closest("[role=dialog]:not(.help), [role=menu], [role=listbox]")) return true;
  return (event.key === " " || event.key === "Enter") && target.matches("button, a, summary, input[type=checkbox]");
}

function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const field = make("textarea", {}); // a page that is not from this machine and not encrypted has no clipboard
  field.value = text;
  document.body.append(field);
  field.select();
  document.execCommand("copy");
  field.remove();
  return Promise.resolve();
}
