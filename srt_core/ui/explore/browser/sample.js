// The open sample beside the rows: four versions as tabs, the difference from the original, and what each key does.

const VIEWS = { marked: "The differences from the original, marked", plain: "The version alone" };

function paintSample(d) {
  const box = d.el.sample;
  const card = d.card;
  box.hidden = !d.open;
  d.el.both.classList.toggle("open", Boolean(d.open));
  if (!d.open) return;
  if (!card || card.sample !== d.open) {
    box.replaceChildren(make("div", { class: "empty" }, d.data.lost || "Reading the sample …"), make("div", { class: "foot" }, button("Close", () => d.close())));
    return;
  }
  const version = shownVersion(d);
  const original = card.versions.find((each) => each.name === "ORIGINAL");
  const at = d.painted === `${card.sample} ${version.name} ${d.view}` ? (box.querySelector(".body") || {}).scrollTop : 0;
  box.style.setProperty("--edge", version.colour);
  box.replaceChildren(paintHead(d, card), paintRule(card), paintTabs(d, card), paintBody(d, card, version, original), paintFoot(d, card));
  box.querySelector(".body").scrollTop = at;
  d.painted = `${card.sample} ${version.name} ${d.view}`;
}

function shownVersion(d) {
  const { versions } = d.card;
  return versions.find((each) => each.name === d.shown) || versions.find((each) => each.name === d.card.shown) || versions[0];
}

function paintHead(d, card) {
  return make("div", { class: "bar head" },
    make("b", {}, `#${card.seq.toLocaleString("en")}`), make("span", { class: "faint" }, card.state || "not decided"), make("span", { class: "grow" }),
    button("Find similar", () => d.key("s"), { class: "quiet", "aria-keyshortcuts": "S", title: "The samples most like this one, by their vectors, in the place of these rows (S)" }),
    button("Open in Review", () => d.ask({ leave: "desk" }), { class: "quiet" }),
    button("History", () => d.ask({ leave: "history" }), { class: "quiet" }),
    button("×", () => d.close(), { class: "quiet", "aria-label": "Close the sample", title: "Close (Esc)" }));
}

function paintRule(card) {
  const { rule } = card;
  const line = make("div", { class: "rule-line" }, "Rule: ", make("b", {}, rule.says));
  for (const each of rule.numbers) {
    const look = each.holds === null ? "" : each.holds ? "holds" : "fails";
    const limit = each.limit ? ` (${each.limit})` : "";
    line.append(" ", make("span", { class: look }, `${each.label} ${each.says}${each.holds === null ? "" : each.holds ? " ✓" : " ✗"}${limit}`));
  }
  const why = make("details", {}, make("summary", {}, `${rule.because ? `${rule.because} · ` : ""}why${rule.marks.length ? ` · ${plural(rule.marks.length, "mark")}` : ""}`));
  for (const said of rule.why) why.append(make("div", {}, said));
  if (rule.marks.length) why.append(make("div", { class: "text" }, `Marks: ${rule.marks.join(" · ")}`));
  line.append(why);
  return line;
}

function paintTabs(d, card) {
  const shown = shownVersion(d);
  const tabs = card.versions.map((each) => button([each.label, each.picked ? " ●" : ""], () => d.show(each.name),
    { role: "tab", "aria-selected": String(each === shown), title: `${each.help}${each.picked ? " The rule's pick." : ""}` }));
  const views = shown.name === "ORIGINAL" ? [] : Object.entries(VIEWS).map(([name, title]) =>
    button(name, () => d.turn(name), { class: "quiet", "aria-pressed": String(d.view === name), title: `${title} (D)` }));
  return make("div", { class: "bar" }, make("span", { class: "group", role: "tablist", "aria-label": "Versions" }, ...tabs), make("span", { class: "grow" }), ...views);
}

function paintBody(d, card, version, original) {
  const body = make("div", { class: "body", tabindex: "0", role: "tabpanel", "aria-label": `${version.label}: its texts` });
  const scores = card.scores[version.name] || [version.says];
  body.append(make("div", { class: "faint" }, scores.join(" · ")));
  body.append(...[paintContext(card.context)].filter(Boolean));
  const whole = card.whole && card.whole[card.versions.indexOf(version)];
  const apart = Object.keys(PARTS).filter((name) => version.parts[name].apart);
  for (const name of Object.keys(PARTS)) {
    const part = version.parts[name];
    const first = original.parts[name];
    if (isEmptyInput(name, first, part.same ? first : part)) continue;
    const side = version === original || d.view === "plain" ? "plain" : "both";
    body.append(...paintPart(name, part, first, side, whole && whole[name], () => d.ask({ whole: card.sample }), side === "both" && name === apart[0] ? littleAlike(apart) : ""));
  }
  body.append(...[paintOwn(card.own)].filter(Boolean));
  for (const each of card.failures) {
    const failed = make("details", {}, make("summary", {}, each.label), make("div", { class: "text" }, each.says));
    failed.append(each.raw ? make("div", { class: "text raw" }, each.raw) : make("div", { class: "label" }, "There is no reply to show."));
    body.append(failed);
  }
  return body;
}

function paintFoot(d, card) {
  const main = card.pick ? `Keep ${card.pick.label}` : "Leave out";
  const others = card.versions.filter((each) => each.place && !each.picked);
  const isBusy = Boolean(d.sending);
  return make("div", { class: "foot bar" },
    keyed("A", main, () => d.key("a"), { class: "main", disabled: isBusy }),
    ...others.map((each) => keyed(String(each.place), each.label, () => d.key(String(each.place)), { disabled: isBusy, "aria-label": `Keep ${each.label}`, title: `Keep ${each.label}` })),
    keyed("X", "Leave out", () => d.key("x"), { disabled: isBusy }),
    keyed("Space", "Park", () => d.key(" "), { disabled: isBusy }),
    keyed("⌫", "Undo", () => d.key("Backspace"), { disabled: isBusy || card.event === null, "aria-keyshortcuts": "Backspace", title: "Undo the decision on this sample, if it is yours (Backspace)" }),
    make("span", { class: d.isGood ? "said good" : "said", role: "status", "aria-live": "polite" }, d.saying || ""));
}
