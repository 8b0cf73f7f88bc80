// Texts of the data, as text: whole, or with what differs from the original marked.

const BLOCK = 20000; // characters of a long text that are laid out together
const UNSEEN = /(\n|\t| {2,}|^ | $)/;

function paintText(into, text) {
  if (text.length <= 2 * BLOCK) {
    into.append(text);
    return;
  }
  for (let at = 0; at < text.length; ) {
    const line = text.indexOf("\n", at + BLOCK);
    const end = line < 0 || line > at + 4 * BLOCK ? Math.min(text.length, at + BLOCK) : line + 1;
    into.append(make("div", { class: "block" }, text.slice(at, end)));
    at = end;
  }
}

// Line breaks and gaps show in what was added or removed; their signs are no part of the text.
function paintChanged(into, text) {
  for (const piece of text.split(UNSEEN)) {
    if (!piece) continue;
    const sign = piece === "\n" ? "line" : piece === "\t" ? "tab" : /^ +$/.test(piece) ? "gap" : "";
    into.append(sign ? make("span", { class: sign }, piece) : piece);
  }
}

function paintSpans(into, spans, left) {
  for (const [kind, text] of spans) {
    if (kind === left) continue;
    if (kind === 0) into.append(text);
    else {
      const changed = make(kind === 1 ? "ins" : "del");
      paintChanged(changed, text);
      into.append(changed);
    }
  }
}

function textOf(part, original) {
  if (part.same) return original.text;
  if (part.spans) return part.spans.filter(([kind]) => kind !== -1).map(([, text]) => text).join("");
  return part.text;
}

// Said once, of the first part on the new side that it is true of.
function littleAlike([, ...others]) {
  const also = others.length ? `, also in the ${others.map((name) => PARTS[name].toLowerCase()).join(" and the ")}` : "";
  return ` · little is alike${also}, so nothing is marked`;
}

// What Markdown may make: elements by the names that the server uses. Whatever else it names is drawn as its texts.
const DRAWN = { p: "p", heading: "p", blockquote: "blockquote", ul: "ul", ol: "ol", li: "li", table: "table", thead: "thead", tbody: "tbody", tr: "tr", th: "th", td: "td", em: "em", strong: "strong", s: "s", code: "code", pre: "pre", math: "code", hr: "hr" };

function drawNodes(into, nodes) {
  for (const node of nodes) {
    if (typeof node === "string") {
      into.append(node);
      continue;
    }
    const [name, inside, start] = node;
    const drawn = Object.hasOwn(DRAWN, name) ? make(DRAWN[name], { class: name }) : into;
    if (name === "ol" && Number.isInteger(start)) drawn.start = start;
    drawNodes(drawn, inside);
    if (drawn !== into) into.append(drawn);
  }
}

// A part as the server read it as Markdown; undefined where it is to be shown as it is.
function readAs(d, version, original, name) {
  if (!d.prefs.markdown || d.edit || !version.markdown) return undefined;
  return version.markdown[name] || original.markdown[name];
}

// One part of a version: `side` is before, after, both or plain; `whole` is the text in full where it was asked for;
// `nodes` is what it reads as Markdown, where it is to be shown so.
function paintPart(name, part, original, side, whole, showAll, note = "", nodes = undefined) {
  const held = part.same || side === "before" ? original : part;
  const box = make("div", { class: "text", dir: "auto" });
  const isCut = Boolean(held.cut) && whole === undefined;
  if (nodes && whole === undefined) {
    box.classList.add("markdown");
    drawNodes(box, nodes);
  } else if (whole !== undefined && held.cut) paintText(box, whole);
  else if (part.spans && side !== "plain") paintSpans(box, part.spans, { before: 1, after: -1, both: null }[side]);
  else paintText(box, textOf(part, original));
  const none = box.textContent ? "" : " · none";
  const shown = [make("div", { class: "label" }, PARTS[name] + none + note), box];
  if (isCut) {
    const all = button("Show all", showAll, { class: "quiet" });
    shown.push(make("div", { class: "cut" }, `The first ${textOf(held, original).length.toLocaleString("en")} of ${held.cut.toLocaleString("en")} characters. `, all));
  }
  return shown;
}

function isEmptyInput(name, ...parts) {
  return name === "input" && parts.every((part) => part.text === "" && !part.cut);
}

function paintContext(context) {
  if (!context) return null;
  const characters = context.messages.reduce((sum, [, text]) => sum + text.length, 0);
  const folded = make("details", { open: characters <= 200 }, make("summary", {}, context.title));
  for (const [role, text] of context.messages) folded.append(make("div", { class: "label" }, role), make("div", { class: "text", dir: "auto" }, text));
  return folded;
}

function paintOwn(own) {
  const names = Object.keys(own || {});
  if (!names.length) return null;
  const characters = Object.values(own).reduce((sum, text) => sum + text.length, 0);
  const folded = make("details", { open: names.length <= 4 && characters <= 200 }, make("summary", {}, `Of your own files: ${plural(names.length, "column")}`));
  for (const name of names) folded.append(make("div", { class: "label" }, name), make("div", { class: "text", dir: "auto" }, own[name]));
  return folded;
}
