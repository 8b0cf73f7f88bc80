// The keys. They work wherever the focus is, except while somebody types into a field.

const MOST_TYPED = 25; // keys ahead of what is painted

const HELP = {
  A: "Keep the rule's pick, or leave the sample out where the rule does: the bar says which",
  "1 2 3 4": "Keep the original, the new response, the new instruction, or both",
  X: "Leave the sample out; Shift+X gives a reason, which a digit chooses",
  Space: "Park: decide later",
  E: "Edit the version on the right. Ctrl+Enter or Ctrl+S saves and goes on, Esc leaves; the draft stays",
  Backspace: "Undo your last decision and show its sample",
  "← →": "Move in the queue, decided or not",
  V: "Show the next version",
  D: "Show the difference on both sides, in one text, or the new text alone",
  M: "Show the texts read as Markdown, without marks, or as they are",
  "/": "Find in this queue",
  G: "Go to a number or an id",
  "N T": "Write a note, put on a tag",
  W: "Why the rule says so",
  S: "Similar samples, in the drawer",
  R: "Rate the version on the right by the rubric: digits give points, F a flaw, Enter saves",
  H: "Open or close this list",
};

const BLIND_HELP = {
  "1 2 3 4": "Mark a version: it may be trained on; once more takes the mark away",
  A: "Mark all versions",
  X: "Mark none: no version may be trained on",
  B: "Say which marked version is the best, or none of them; it is up to you",
  M: "Show the texts read as Markdown, or as they are",
  Enter: "Done: store the reading and go on",
  Backspace: "Undo your last reading and read its sample again",
  "← →": "Move in the audit. What you pass over stays unread and counts as wrong in the bound",
  H: "Open or close this list",
};

const FIELDS = { "/": "find", g: "go", n: "note", t: "tag" };

const SAVE = "Save"; // Ctrl+Enter or Ctrl+S, typed ahead of the edit that it saves

function isSave(event) {
  return (event.ctrlKey || event.metaKey) && (event.key === "Enter" || event.key.toLowerCase() === "s");
}

function hearKey(d, event) {
  if (!event.defaultPrevented && isSave(event) && !d.isPainted) {
    event.preventDefault();
    pressKey(d, SAVE);
    return;
  }
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (isTyping(event) || isOfAControl(event)) return;
  const key = event.key === "X" && event.shiftKey ? "X" : event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (["Tab", "Shift", "CapsLock"].includes(key)) return;
  if (key.length > 1 && !["Backspace", "Enter", "Escape", "ArrowLeft", "ArrowRight"].includes(key)) return;
  const isScroll = d.root.activeElement && d.root.activeElement.closest(".pane, .drawer") && key.startsWith("Arrow");
  event.preventDefault();
  if (event.repeat && !key.startsWith("Arrow")) return; // a key that is held down decides once
  if (isScroll && d.root.activeElement.scrollWidth > d.root.activeElement.clientWidth) return;
  pressKey(d, key);
}

// Act on a key once everything that it decides on is painted.
function actOnKey(d, key) {
  if (key === SAVE) return d.edit ? saveEdit(d) : undefined;
  if (key === "h" || key === "?") return d.turnHelp();
  if (key === "Escape") { d.rubric = null; return d.escape(); }
  if (d.edit) return d.say("Save or leave the edit first: Ctrl+Enter, Esc.");
  if (isRating(d) && pressRubric(d, key)) return undefined;
  if (FIELDS[key] && !(d.isBlind() && "nt".includes(key))) return d.enter(FIELDS[key]);
  if (key === "Backspace") return undoLast(d);
  if (d.question) return pressQuestion(d, key);
  if (key === "ArrowRight") return moveBy(d, 1);
  if (key === "ArrowLeft") return moveBy(d, -1);
  if (!d.card()) return d.say("There is nothing here to decide.");
  if (d.isHeld()) return d.say("Read why this one came back first.");
  if (d.isBlind()) return pressBlind(d, key);
  if (!d.el.reasons.hidden) return pressReason(d, key);
  return pressOpen(d, key);
}

function pressOpen(d, key) {
  const card = d.card();
  if (/^[1-9]$/.test(key)) {
    const version = card.versions.find((each) => each.place === Number(key));
    if (!version) return d.say(card.missing[key] || `There is no version ${key}.`);
    return decide(d, { kind: "keep", candidate: version.candidate });
  }
  switch (key) {
    case "a": return decide(d, card.pick ? { kind: "keep", candidate: card.pick.candidate } : { kind: "leave_out", agrees: true });
    case "x": return decide(d, { kind: "leave_out" });
    case "X": return d.openReasons();
    case " ": return decide(d, { kind: "park" });
    case "e": return startEdit(d);
    case "v": return d.showNext();
    case "d": return d.turnView();
    case "m": return d.turnMarkdown();
    case "w": return d.turnWhy();
    case "s": return d.openTab("similar");
    case "r": return d.openTab("rubric");
    default: return d.say(`${key} does nothing here. H lists the keys.`);
  }
}

function pressReason(d, key) {
  if (key === "0" || key === "Enter" || key === "x") return leaveOut(d, "");
  const reason = d.data.reasons[Number(key) - 1];
  if (reason) return leaveOut(d, reason);
  return d.say("Choose a reason by its digit, 0 for none, or Esc.");
}

function paintHelp(d) {
  const list = make("dl");
  for (const [keys, meaning] of Object.entries(d.isBlind() ? BLIND_HELP : HELP)) list.append(make("dt", {}, make("kbd", {}, keys)), make("dd", {}, meaning));
  d.el.help.replaceChildren(list);
}
