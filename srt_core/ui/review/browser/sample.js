// A sample on screen: the rule's line, the versions, the two texts, and what stands beside them.

const VIEWS = { split: "Both sides, with what differs marked", marked: "One text, with what differs marked", new: "The new text alone" };

function versionOf(card, name) {
  return card.versions.find((each) => each.name === name);
}

function originalOf(card) {
  return card.versions.find((each) => each.name === "ORIGINAL");
}

function paintSample(d) {
  const card = d.card();
  if (!versionOf(card, d.shown)) d.shown = card.shown;
  paintRule(d, card);
  paintVersions(d, card);
  paintPanes(d, card);
  paintBeside(d, card);
}

function paintRule(d, card) {
  const rule = d.el.rule;
  rule.replaceChildren("Rule: ", make("b", {}, card.rule.says));
  for (const each of card.rule.numbers) {
    const limit = each.limit ? ` (${each.limit})` : "";
    const mark = each.holds === null ? "" : each.holds ? " ✓" : " ✗";
    const look = each.holds === null ? "number" : `number ${each.holds ? "holds" : "fails"}`;
    rule.append(make("span", { class: look }, `${each.label} ${each.says}${mark}${limit}`));
  }
  if (card.rule.because) rule.append(make("span", { class: "number hint" }, card.rule.because));
  rule.title = rule.textContent;
  const marks = card.rule.marks.length ? ` · ${plural(card.rule.marks.length, "mark")}` : "";
  d.el["why-button"].textContent = `why${marks}`;
  d.el["why-button"].setAttribute("aria-expanded", String(d.isWhyOpen));
  d.el.why.hidden = !d.isWhyOpen;
  d.el.why.replaceChildren(...card.rule.why.map((line) => make("p", {}, line)));
  if (card.rule.marks.length) d.el.why.append(make("p", { class: "text" }, `Marks: ${card.rule.marks.join(" · ")}`));
}

function paintVersions(d, card) {
  const buttons = card.versions.map((version) => {
    const label = [version.place ? make("kbd", {}, String(version.place)) : null, version.label, version.picked ? " ●" : ""];
    const look = { "aria-pressed": String(version.name === d.shown), title: `${version.help} A click shows it${version.place ? `, the key ${version.place} keeps it` : ""}.` };
    return button(label.filter(Boolean), () => d.show(version.name), look);
  });
  d.el.versions.replaceChildren(...buttons);
}

function viewButtons(d) {
  const views = Object.entries(VIEWS).map(([name, title]) => button(name, () => d.setView(name), { class: "quiet", "aria-pressed": String(d.view === name), title: `${title} (D)` }));
  return make("span", { class: "fonts", role: "group", "aria-label": "How the difference is shown" }, ...views);
}

function fontButtons(d) {
  return make("span", { class: "fonts", role: "group", "aria-label": "Font" },
    button("code", () => d.turnCode(), { class: "quiet", title: "The texts as code: one width, lines as they are", "aria-pressed": String(d.prefs.code) }),
    button([make("span", { class: "wide" }, "Markdown"), make("span", { class: "narrow" }, "md")], () => d.turnMarkdown(), { class: "quiet", title: "The texts read as Markdown: lists, tables and code drawn, links as text, differences not marked (M)", "aria-label": "Markdown", "aria-pressed": String(d.prefs.markdown) }),
    button("A−", () => d.resize(-0.1), { class: "quiet", title: "Smaller text", "aria-label": "Smaller text" }),
    button("A+", () => d.resize(0.1), { class: "quiet", title: "Larger text", "aria-label": "Larger text" }),
  );
}

function paintPanes(d, card) {
  const original = originalOf(card);
  const shown = versionOf(card, d.shown);
  const panes = [];
  if (d.edit) panes.push(pane(d, card, original, "plain", true), editorPane(d, card));
  else if (shown === original) panes.push(pane(d, card, original, "plain", true));
  else if (d.view === "split" || (d.view === "marked" && Object.values(shown.parts).some((part) => part.apart))) panes.push(pane(d, card, shown, "before", true), pane(d, card, shown, "after", false));
  else panes.push(pane(d, card, shown, d.view === "marked" ? "both" : "plain", true));
  d.el.texts.replaceChildren(...panes);
}

function pane(d, card, version, side, isFirst) {
  const original = originalOf(card);
  const named = side === "before" ? original : version;
  const body = make("div", { class: "body", tabindex: "0", role: "region", "aria-label": `${named.label}: its texts` });
  body.append(...[isFirst ? paintContext(card.context) : null].filter(Boolean));
  const whole = card.whole && card.whole[card.versions.indexOf(named)];
  const apart = side === "after" ? Object.keys(PARTS).filter((name) => version.parts[name].apart) : [];
  for (const name of Object.keys(PARTS)) {
    const part = version.parts[name];
    const first = original.parts[name];
    if (isEmptyInput(name, first, part.same ? first : part)) continue;
    const isOld = side === "before" && !part.spans;
    const note = name === apart[0] ? littleAlike(apart) : "";
    body.append(...paintPart(name, isOld ? first : part, first, side, whole && whole[name], () => d.ask({ whole: { sample: card.sample } }), note, readAs(d, side === "before" ? original : version, original, name)));
  }
  if (isFirst) body.append(...[paintOwn(card.own)].filter(Boolean));
  const canEdit = !d.edit && side !== "before";
  const head = make("header", {}, make("b", {}, named.label), make("span", { class: "hint", title: named.says || "" }, named.says || ""), canEdit ? make("span", { class: "hint edits" }, "E edits here") : null, make("span", { class: "grow" }), ...(isFirst && side === "before" ? [] : [version === original ? null : viewButtons(d), fontButtons(d)]));
  const box = make("section", { class: "pane", "aria-label": named.label }, head, body);
  box.style.setProperty("--edge", named.colour);
  return box;
}

function paintBeside(d, card) {
  d.el.state.textContent = [card.state, card.hint].filter(Boolean).join(" · ");
  const focused = d.root.activeElement;
  if (focused !== d.el.note) d.el.note.value = card.note;
  d.el.tags.replaceChildren(...card.tags.map((tag) => button(`${tag} ×`, () => putTag(d, tag, false), { title: "Take this tag off", "aria-label": `Take the tag ${tag} off` })));
  paintTabs(d, card);
}

// What each key will do to this sample, in its words.
function paintKeys(d) {
  const card = d.card();
  if (d.edit) {
    d.el.keys.replaceChildren(
      keyed("Ctrl+Enter", "Save and go on", () => saveEdit(d), { class: "main" }),
      keyed("Esc", "Leave; the draft stays", () => leaveEdit(d)),
      button("Discard the draft", () => discardDraft(d)),
    );
    return;
  }
  const main = card.pick ? `Keep ${card.pick.label}` : "Leave out";
  const others = card.versions.filter((each) => each.place && !each.picked && !each.of);
  d.el.keys.replaceChildren(
    keyed("A", main, () => pressKey(d, "a"), { class: "main" }),
    ...others.map((each, place) => keyed(String(each.place), `${place ? "" : "Keep "}${each.label}`, () => pressKey(d, String(each.place)), { "aria-label": `Keep ${each.label}`, title: `Keep ${each.label}` })),
    keyed("X", "Leave out", () => pressKey(d, "x")),
    keyed("⇧X", "reason ▾", () => pressKey(d, "X"), { "aria-label": "Leave out with a reason", "aria-keyshortcuts": "Shift+X", "aria-expanded": String(!d.el.reasons.hidden) }),
    keyed("Space", "Park", () => pressKey(d, " ")),
    keyed("E", card.draft ? "Edit the draft" : "Edit", () => pressKey(d, "e")),
    undoButton(d),
    button("←", () => pressKey(d, "ArrowLeft"), { "aria-label": "The sample before", title: "The sample before (←)" }),
    button("→", () => pressKey(d, "ArrowRight"), { "aria-label": "The next sample", title: "The next sample (→)" }),
  );
}

function undoButton(d) {
  return keyed("⌫", "Undo", () => pressKey(d, "Backspace"), { disabled: !d.undoable(), "aria-keyshortcuts": "Backspace", title: "Undo your last decision (Backspace)" });
}

function paintReasons(d) {
  const box = d.el.reasons;
  if (box.hidden) return;
  const known = d.data.reasons;
  const other = make("input", { "aria-label": "Another reason", placeholder: "another reason, then Enter", maxlength: "200" });
  other.onkeydown = (event) => {
    event.stopPropagation();
    if (event.key === "Enter" && other.value.trim()) leaveOut(d, other.value.trim());
    if (event.key === "Escape") d.closeReasons();
  };
  const buttons = known.map((reason, place) => keyed(place < 9 ? String(place + 1) : "", reason, () => leaveOut(d, reason)));
  box.replaceChildren(make("div", { class: "group" }, make("b", {}, "Leave out, because:"), ...buttons, keyed("0", "no reason", () => leaveOut(d, "")), other, keyed("Esc", "back", () => d.closeReasons())));
}
