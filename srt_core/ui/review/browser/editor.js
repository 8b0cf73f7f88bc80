// Editing in place: the texts of a version become fields, with the cursor in the response. Drafts live on the server.

const DRAFT_MILLISECONDS = 700;

function startEdit(d, repair) {
  const card = d.card();
  const shown = versionOf(card, d.shown);
  const kept = card.draft && (!repair || card.draft.repairs === repair.repairs) ? card.draft : null;
  const of = shown.of || shown.name;
  const start = repair || (kept ? null : textsOf(card, shown));
  if (!kept && !repair && isCutShort(card, shown)) {
    d.say("Show all of this version first: its texts are longer than what is on screen.");
    return;
  }
  const texts = kept || start;
  d.edit = {
    sample: card.sample, of: kept ? kept.of : repair ? repair.of : of, repairs: kept ? kept.repairs : repair ? repair.repairs : null,
    candidate: repair || (kept && kept.repairs) ? null : ((kept && card.versions.find((each) => each.name === kept.of)) || shown).candidate,
    texts: { instruction: texts.instruction, input: texts.input, response: texts.response }, kept: kept ? kept.at : "",
  };
  d.repaint();
  const field = d.el.texts.querySelector("textarea[name=response]");
  field.focus({ preventScroll: true });
  field.setSelectionRange(field.value.length, field.value.length);
  field.scrollIntoView({ block: "nearest" });
}

function isCutShort(card, version) {
  const whole = card.whole && card.whole[card.versions.indexOf(version)];
  const original = originalOf(card);
  return !whole && Object.keys(PARTS).some((name) => (version.parts[name].same ? original : version).parts[name].cut);
}

function textsOf(card, version) {
  const whole = card.whole && card.whole[card.versions.indexOf(version)];
  const original = originalOf(card);
  return Object.fromEntries(Object.keys(PARTS).map((name) => [name, whole ? whole[name] : textOf(version.parts[name], original.parts[name])]));
}

function editorPane(d, card) {
  const edit = d.edit;
  const body = make("div", { class: "body" });
  for (const [name, label] of Object.entries(PARTS)) {
    const field = make("textarea", { name, "aria-label": label, dir: "auto", spellcheck: "true", rows: name === "response" ? "6" : "2" });
    field.value = edit.texts[name];
    if (name === "input") field.placeholder = "No input";
    field.oninput = () => {
      edit.texts[name] = field.value;
      edit.isChanged = true;
      fit(field);
      clearTimeout(d.draftTimer);
      d.draftTimer = setTimeout(() => keepDraft(d), DRAFT_MILLISECONDS);
    };
    field.onkeydown = (event) => keyInEditor(d, event);
    body.append(make("label", { class: "label" }, label), field);
    queueMicrotask(() => fit(field));
  }
  const named = edit.repairs ? `Repair: ${edit.repairs[0]}${edit.repairs.slice(1).toLowerCase()}` : `Edit: ${(versionOf(card, edit.of) || versionOf(card, d.shown)).label}`;
  const kept = edit.kept ? `from your draft of ${edit.kept}` : "";
  return make("section", { class: "pane", "aria-label": named }, make("header", {}, make("b", {}, named), make("span", {}, kept)), body);
}

// As high as its text, also where the browser cannot do so by itself.
function fit(field) {
  if (CSS.supports("field-sizing", "content")) return;
  field.style.height = "auto";
  field.style.height = `${field.scrollHeight + 2}px`;
}

function keyInEditor(d, event) {
  event.stopPropagation();
  if (isSave(event)) {
    event.preventDefault();
    saveEdit(d);
  } else if (event.key === "Escape") {
    event.preventDefault();
    leaveEdit(d);
  }
}

function saveEdit(d) {
  const edit = d.edit;
  if (!edit.texts.response.trim() || !(edit.texts.instruction + edit.texts.input).trim()) {
    d.say("An edited pair needs an instruction and a response. Fill in both, or leave the sample out.");
    return;
  }
  clearTimeout(d.draftTimer);
  d.edit = null;
  d.card().draft = null;
  decide(d, { kind: "edit", origin: edit.of, repairs: edit.repairs, candidate: edit.candidate, edited: edit.texts });
  d.desk.focus({ preventScroll: true });
}

function keepDraft(d) {
  const edit = d.edit;
  if (!edit || !edit.isChanged) return;
  edit.isChanged = false;
  const card = d.cards.get(edit.sample);
  if (card) card.draft = { of: edit.of, repairs: edit.repairs, at: "just now", ...edit.texts };
  d.ask({ draft: { sample: edit.sample, of: edit.of, repairs: edit.repairs, ...edit.texts } });
}

function leaveEdit(d) {
  clearTimeout(d.draftTimer);
  keepDraft(d);
  d.edit = null;
  d.repaint();
  d.desk.focus({ preventScroll: true });
}

function discardDraft(d) {
  clearTimeout(d.draftTimer);
  const { sample } = d.edit;
  d.card().draft = null;
  d.edit = null;
  d.ask({ draft: { sample, drop: true } });
  d.repaint();
  d.desk.focus({ preventScroll: true });
}
