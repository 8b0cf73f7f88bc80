// Where the desk is: which sample is on screen, which comes next, and where the server sends it.

// Follow the server where it goes by itself, bring back what was refused, and go on where the next sample was awaited.
function arrive(d, data, isNewOwner) {
  if (data.seat !== d.seat) {
    d.seat = data.seat;
    d.last = null;
    d.question = null;
    const isJustDecided = Boolean((d.cards.get(data.at) || {}).pending); // which the server did not know yet
    if (isJustDecided) { d.last = data.at; advance(d); } else if (!d.edit || d.edit.sample !== data.at) openSample(d, data.at);
    if (isNewOwner) d.focus();
  }
  const back = d.back;
  if (back && !d.edit && d.card(back.sample)) {
    d.back = null;
    d.heldUntil = performance.now() + HOLD_MILLISECONDS;
    d.typed = [];
    if (back.question) { d.question = back.question; d.repaint(); } else { d.card(back.sample).notice = back.notice; openSample(d, back.sample); }
  } else if (d.here === null) advance(d);
  else if (d.isStale) d.repaint();
  d.isStale = false;
}

// Have the reader see what changed about the sample on screen before a key decides it.
function holdFor(d, card, notice) {
  card.notice = notice;
  d.heldUntil = performance.now() + HOLD_MILLISECONDS;
  d.typed = [];
  d.isStale = true;
}

// Put a sample on screen, at its top; where it is not in hand, ask for it.
function openSample(d, name) {
  d.here = name;
  d.shown = null;
  d.marks = null;
  d.el.reasons.hidden = true;
  if (name !== null && !d.card()) { d.here = null; d.awaited = name; d.last = name; d.wire.ask({ go: name }); }
  d.repaint();
  d.isPainted = false;
  requestAnimationFrame(() => requestAnimationFrame(() => painted(d)));
}

function painted(d) {
  d.isPainted = true;
  if (d.typed.length && !d.isAwaiting()) pressKey(d, d.typed.shift());
}

function nextOpen(d) {
  const at = d.order.indexOf(d.last);
  const open = new Set(d.ahead);
  const waits = (card) => Boolean(card) && !card.blind && !card.decided; // also where what is ahead is not known from here yet
  const after = at < 0 ? [] : d.order.slice(at + 1).filter((name) => open.has(name) || waits(d.cards.get(name)));
  return [...after, ...d.ahead].find((name) => d.isOpen(name) && d.cards.has(name));
}

// Go to the next sample that asks for a decision, once it is in hand.
function advance(d) {
  const next = nextOpen(d);
  if (next !== undefined) openSample(d, next);
  else { d.here = null; d.repaint(); d.wire.send(); }
}

function moveBy(d, step) {
  const at = d.order.indexOf(d.place());
  if (at < 0) return d.say("The samples beside this one are on their way.");
  const name = d.order[at + step];
  if (name === undefined) return d.say(step > 0 ? "This is the last sample of the queue." : "This is the first sample of the queue.");
  if (!d.cards.has(name)) return d.say("That sample is on its way.");
  d.question = null;
  d.last = null;
  d.heldUntil = 0; // what came back was left
  openSample(d, name);
  d.say("");
  d.wire.send();
}

// Show a sample again that was decided.
function visit(d, name) {
  d.last = null;
  openSample(d, name);
  d.wire.send();
}
