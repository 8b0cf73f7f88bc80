// The drawer: critique, token losses, raw replies, history, the rubric and what failed; one tab at a time, asked for when it opens.

const TABS = { critique: "Critique", tokens: "Token losses", replies: "Raw replies", history: "History", similar: "Similar", rubric: "Rubric", failed: "Failed" };
const POLL_MILLISECONDS = 1500;
const STRENGTHS = [0, 15, 30, 50, 70];

function paintTabs(d, card) {
  const buttons = Object.entries(TABS).map(([name, label]) => {
    const count = name === "failed" && card.failed.length ? ` ${card.failed.length}` : "";
    return button(`${label}${count}`, () => d.openTab(name), { "aria-expanded": String(d.tab === name) });
  });
  d.el.tabs.replaceChildren(...buttons);
}

function paintDrawer(d) {
  const box = d.el.drawer;
  box.hidden = !d.tab || Boolean(d.edit) || d.isBlind();
  if (box.hidden) return;
  const held = d.drawer;
  if (!held || held.sample !== d.here || held.tab !== d.tab) {
    box.replaceChildren("Reading …");
    return;
  }
  box.scrollTop = 0;
  if (held.rubric) return paintRubric(d, box, held);
  if (held.tokens) paintTokens(d, box, held.tokens);
  else box.replaceChildren(...(held.blocks || []).flatMap((block) => paintBlock(d, block)));
}

function paintBlock(d, block) {
  const shown = [];
  if (block.title) shown.push(make("h2", {}, block.title));
  if (block.text) shown.push(make("div", { class: `text ${block.code ? "raw" : ""} ${block.faint ? "label" : ""}`, dir: "auto" }, block.text));
  if (block.repairs) shown.push(make("div", { class: "group" }, ...block.repairs.map((repair) => button(repair.label, () => startEdit(d, repair)))));
  if (block.similar) shown.push(paintSimilar(d, block.similar));
  if (block.leave) shown.push(button(block.leave.label, () => d.ask({ leave: block.leave.to })));
  return shown;
}

// A sample in one line, which a click puts on screen; the queue stays where it is.
function paintSimilar(d, near) {
  const go = button(`#${near.seq.toLocaleString("en")}`, () => visit(d, near.sample), { title: "Show this sample" });
  return make("div", { class: "near" }, go, make("span", { class: "cosine" }, near.similarity), make("span", { class: "label" }, near.says), make("span", { class: "start", dir: "auto", title: near.text }, near.text));
}

function paintTokens(d, box, tokens) {
  box.replaceChildren(...tokens.says.map((line) => make("div", { class: "text label" }, line)));
  if (tokens.label) box.append(button(tokens.label, () => d.computeTokens()));
  if (tokens.state === "waiting") {
    clearTimeout(d.pollTimer);
    d.pollTimer = setTimeout(() => d.tab === "tokens" && d.askDrawer(), POLL_MILLISECONDS);
  }
  if (!tokens.columns.length) return;
  box.append(tokenScale());
  box.append(make("div", { class: "columns" }, ...tokens.columns.map(tokenColumn)));
}

function tokenScale() {
  const words = "Each coloured piece is a token of the student's. The colour says how much easier or harder it is to predict once the other half of the pair is known; 1 nat easier is 2.7 times as likely. Hover a piece for its numbers.";
  const swatches = [-4, -3, -2, -1, 0, 1, 2, 3, 4].map((strength) => tokenPiece([` ${["the same", "0.1", "0.5", "1", "2 nats or more"][Math.abs(strength)]} `, strength, ""]));
  return make("div", { class: "scale" }, make("div", {}, "Harder ", ...swatches, " easier"), words);
}

function tokenColumn(column) {
  const box = make("div", {}, make("b", {}, column.label));
  box.style.setProperty("--edge", column.colour);
  for (const block of column.blocks) {
    box.append(make("div", { class: "label" }, block.name), make("div", { class: "label" }, block.says));
    if (block.pieces.length) box.append(make("div", { class: "text", dir: "auto" }, ...block.pieces.map(tokenPiece)));
    for (const note of block.notes) box.append(make("div", { class: "cut" }, note));
    if (block.changed.length) {
      const rows = block.changed.map(([text, numbers]) => make("tr", {}, make("td", {}, make("code", {}, text)), make("td", {}, numbers)));
      box.append(make("details", {}, make("summary", {}, "The pieces that changed most"), make("table", {}, ...rows)));
    }
  }
  return box;
}

function tokenPiece([text, strength, numbers]) {
  if (!strength && !numbers) return text;
  const strongest = Math.abs(strength) === STRENGTHS.length - 1 ? " strongest" : "";
  const piece = make("span", { class: `piece ${strength > 0 ? "easier" : strength < 0 ? "harder" : ""}${strongest}`, title: numbers }, text);
  piece.style.setProperty("--strength", `${STRENGTHS[Math.abs(strength)]}%`);
  return piece;
}
