// What keys and fields do to the sample on screen, and what became of it on the server.

// A key waits until what it decides on is painted, and where the next sample is still on its way until it is there.
function pressKey(d, key) {
  if (!d.isPainted || d.isAwaiting()) {
    if (d.typed.length < MOST_TYPED) d.typed.push(key);
    else d.say("The next sample is on its way.");
    return;
  }
  actOnKey(d, key);
  if (d.isPainted && !d.isAwaiting() && d.typed.length) pressKey(d, d.typed.shift());
}

// Decide the sample on screen and go on.
function decide(d, press) {
  const card = d.card();
  const sent = putPress(d, { ...press, sample: d.here });
  d.done.push({ id: sent.id, sample: d.here, seq: card.seq });
  card.pressed = true;
  card.notice = null;
  d.last = d.here;
  d.el.reasons.hidden = true;
  d.say("");
  advance(d);
  paintFoot(d);
}

// Put a press on its way, upon what its reader saw of the sample.
function putPress(d, press) {
  const card = d.cards.get(press.sample);
  const sent = { id: crypto.getRandomValues(new Uint32Array(3)).join("-"), upon: card ? card.event : null, after: card ? card.pending || "" : "", ...press };
  if (card && !["note", "tag", "untag", "rate", "read", "settle"].includes(press.kind)) card.pending = sent.id;
  d.wire.put(sent);
  paintHead(d);
  return sent;
}

// What became of a press.
function answered(d, press, answer) {
  const card = d.cards.get(press.sample);
  const own = d.done.find((each) => each.id === press.id);
  if (card && card.pending === press.id) { card.pending = ""; if (answer.event && press.kind !== "undo") card.event = answer.event; }
  if (own && answer.event) own.event = answer.event;
  if (answer.question) { d.back = { sample: press.sample, question: { ...answer.question, sample: press.sample } }; return; }
  if (!answer.refused) return;
  d.done = d.done.filter((each) => each.id !== press.id);
  if (card) { card.pressed = false; card.notice = [`Not saved. ${answer.refused}`, answer.hint]; }
  d.back = { sample: press.sample, notice: [`Not saved. ${answer.refused}`, answer.hint] };
}

function undoLast(d) {
  const own = d.done.pop();
  const taken = own || d.recent()[0];
  if (!taken) return d.say("There is no decision of yours to undo.");
  if (taken.event) d.undone.add(taken.event);
  d.question = null;
  const card = d.cards.get(taken.sample);
  putPress(d, { kind: "undo", sample: taken.sample, ...(taken.event ? { upon: taken.event, after: "" } : { upon: null, after: own.id }) });
  if (card) { card.pressed = false; card.state = ""; card.decided = false; }
  d.last = null;
  openSample(d, taken.sample);
  paintFoot(d);
}

function leaveOut(d, reason) {
  decide(d, { kind: "leave_out", text: reason });
  d.focus();
}

function writeNote(d, text) {
  const card = d.card();
  if (!card || card.note === text) return;
  card.note = text;
  putPress(d, { kind: "note", sample: d.here, text });
}

function putTag(d, text, isOn) {
  const card = d.card();
  if (!card) return;
  card.tags = isOn ? [...new Set([...card.tags, text])] : card.tags.filter((each) => each !== text);
  putPress(d, { kind: isOn ? "tag" : "untag", sample: d.here, text });
  paintBeside(d, card);
}
