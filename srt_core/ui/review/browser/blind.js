// A blind audit: versions unnamed and in random order, each marked or not as fit to train on; and what a reading leaves.

const NOTHING_YET = "Nothing is marked yet: mark the versions that may be trained on, or press X where none may.";

function paintBlind(d) {
  const card = d.card();
  const panes = card.versions.map((version) => {
    const body = make("div", { class: "body", tabindex: "0", role: "region", "aria-label": `Version ${version.place}: its texts` });
    body.append(...[paintContext(card.context)].filter(Boolean));
    paintParts(d, card, version, body, card.whole && card.whole[version.place - 1]);
    return make("section", { class: "pane", "aria-label": `Version ${version.place}` }, make("header", {}, make("b", {}, `Version ${version.place}`)), body);
  });
  d.el.rule.replaceChildren("Which of these versions may be trained on? They are unnamed and in random order.");
  d.el.texts.replaceChildren(...panes);
}

function paintParts(d, card, version, body, whole) {
  for (const name of Object.keys(PARTS)) {
    const part = version.parts[name];
    if (isEmptyInput(name, ...card.versions.map((each) => each.parts[name]))) continue;
    body.append(...paintPart(name, part, part, "plain", whole && whole[name], () => d.ask({ whole: { sample: card.sample } }), "", readAs(d, version, version, name)));
  }
}

function paintBlindKeys(d) {
  const marks = d.marks;
  const versions = d.card().versions.map(({ place }) => {
    const isMarked = Boolean(marks && marks.marked.has(place));
    const best = marks && marks.best === place ? " (best)" : "";
    const says = isMarked ? `may be trained on${best}` : marks ? "may not" : "not marked";
    return keyed(String(place), says, () => pressKey(d, String(place)), { "aria-pressed": String(isMarked) });
  });
  d.el.keys.replaceChildren(
    ...versions,
    keyed("A", "All may be", () => pressKey(d, "a")),
    keyed("X", "None may be", () => pressKey(d, "x")),
    keyed("B", "Best", () => pressKey(d, "b"), { disabled: !marks || marks.marked.size < 2 }),
    keyed("Enter", "Done", () => pressKey(d, "Enter"), { class: "main" }),
    undoButton(d),
    button("←", () => pressKey(d, "ArrowLeft"), { "aria-label": "The sample before" }),
    button("→", () => pressKey(d, "ArrowRight"), { "aria-label": "The next sample" }),
  );
}

function pressBlind(d, key) {
  const card = d.card();
  const places = card.versions.map((each) => each.place);
  if (places.includes(Number(key))) toggleMark(d, Number(key));
  else if (key === "a") d.marks = { marked: new Set(places), best: null };
  else if (key === "x") d.marks = { marked: new Set(), best: null };
  else if (key === "m") return d.turnMarkdown();
  else if (key === "b") turnBest(d);
  else if (key === "Enter") {
    if (!d.marks) return d.say(NOTHING_YET);
    const marked = [...d.marks.marked].sort();
    return decide(d, { kind: "read", shown: card.shown, marked, best: d.marks.best });
  } else return d.say(`${key} does nothing here.`);
  paintBlindKeys(d);
  d.say("");
}

function toggleMark(d, place) {
  const marked = new Set(d.marks ? d.marks.marked : []);
  if (!marked.delete(place)) marked.add(place);
  const best = d.marks && marked.has(d.marks.best) ? d.marks.best : null;
  d.marks = { marked, best };
}

// The next marked version is the best; after the last one none is.
function turnBest(d) {
  if (!d.marks || d.marks.marked.size < 2) return;
  const following = [...[...d.marks.marked].sort(), null];
  d.marks.best = following[(following.indexOf(d.marks.best) + 1) % following.length];
}

function paintQuestion(d) {
  const asked = d.question;
  const marked = asked.marked.join(", ") || "no version";
  const answers = [keyed("D", `The decision stands: ${asked.decided}`, () => pressQuestion(d, "d"))];
  asked.marked.forEach((label, place) => answers.push(keyed(String(place + 1), `My reading stands: keep ${label}`, () => pressQuestion(d, String(place + 1)))));
  if (!asked.marked.length) answers.push(keyed("X", "My reading stands: leave out", () => pressQuestion(d, "x")));
  answers.push(keyed("→", "Decide later", () => pressQuestion(d, "ArrowRight")));
  d.el.rule.replaceChildren(make("b", {}, "Your reading and the decision that stands differ. Which of them stands?"));
  const said = `You marked: ${marked}. Decided before: ${asked.decided}, by ${asked.by}. Until you say, the decision is what is exported, and your reading is what counts as evidence.`;
  d.el.notice.hidden = false;
  d.el.notice.replaceChildren(make("p", {}, said));
  const panes = asked.versions.map((version) => {
    const body = make("div", { class: "body", tabindex: "0" });
    paintParts(d, asked, version, body);
    return make("section", { class: "pane", "aria-label": version.label }, make("header", {}, make("b", {}, version.label)), body);
  });
  d.el.texts.replaceChildren(...panes);
  d.el.keys.replaceChildren(...answers);
}

function pressQuestion(d, key) {
  const asked = d.question;
  const about = { kind: "settle", sample: asked.sample, upon: asked.reading };
  if (key === "d") putPress(d, { ...about, decision_stands: true });
  else if (key === "x" && !asked.marked.length) putPress(d, about);
  else if (asked.marked[Number(key) - 1]) putPress(d, { ...about, marked: [Number(key)] });
  else if (key !== "ArrowRight") return d.say(`${key} does nothing here.`);
  d.question = null;
  d.repaint();
}
