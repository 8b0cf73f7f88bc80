// The desk: which sample is on screen, what a key does to it, and what is painted.

const PREFERENCES = "srt.desk"; // how texts look here; nothing of the data is ever in the browser's storage
const EDGE = 20; // pixels around the desk
const LEAST_HEIGHT = 360;
const HOLD_MILLISECONDS = 700; // for which keys decide nothing after a sample came back by itself

class Desk {
  constructor(root) {
    this.root = root;
    this.desk = root.querySelector(".desk");
    this.el = Object.fromEntries([...root.querySelectorAll("[data-part]")].map((each) => [each.dataset.part, each]));
    this.cards = new Map();
    this.order = [];
    this.ahead = [];
    this.typed = [];
    this.done = [];
    this.undone = new Set();
    this.view = "split";
    this.prefs = { size: 1, code: false, ...JSON.parse(localStorage.getItem(PREFERENCES) || "{}") };
    this.wire = new Wire(this);
    this.here = null;
    this.last = null;
    this.isPainted = true;
    this.onKey = (event) => hearKey(this, event);
    this.onResize = () => this.fill();
    document.addEventListener("keydown", this.onKey);
    window.addEventListener("resize", this.onResize);
    this.listen();
  }

  leave() {
    document.removeEventListener("keydown", this.onKey);
    window.removeEventListener("resize", this.onResize);
    clearTimeout(this.wire.timer);
    clearTimeout(this.pollTimer);
  }

  listen() {
    const { el } = this;
    el.queue.onchange = () => { this.ask({ queue: el.queue.value }); el.queue.blur(); this.focus(); };
    el.share.onchange = () => { this.ask({ share: el.share.checked }); el.share.blur(); };
    this.field(el.go, (text) => this.ask({ go: text }));
    this.field(el.find, (text) => this.ask({ find: text }));
    this.field(el.tag, (text) => this.tag(text, true));
    this.field(el.note, () => {}, true);
    el.note.onchange = () => this.note(el.note.value.trim());
    el["copy-id"].onclick = () => copy(this.here).then(() => this.say("The id is copied.", true));
    el["copy-link"].onclick = () => copy(location.href).then(() => this.say("The link is copied.", true));
    el["help-button"].onclick = () => this.turnHelp();
    el["why-button"].onclick = () => this.turnWhy();
    for (const name of ["copy-id", "copy-link", "help-button", "why-button"]) el[name].onmousedown = (event) => event.preventDefault();
  }

  // A field of one line: Enter takes what it holds, Esc leaves it as it was, and the keys work again.
  field(field, take, stays = false) {
    field.onkeydown = (event) => {
      event.stopPropagation();
      if (event.key === "Escape") field.value = stays ? (this.card() ? this.card().note : "") : "";
      else if (event.key !== "Enter") return;
      const text = field.value.trim();
      if (event.key === "Enter" && text) take(text);
      if (!stays) field.value = "";
      field.blur();
      this.focus();
    };
  }

  focus() { this.desk.focus({ preventScroll: true }); }

  // ---- what is known of samples

  card(name = this.here) { return name === null ? undefined : this.cards.get(name); }
  isBlind() { return Boolean(this.question || (this.card() || {}).blind); }
  isHeld() { return performance.now() < (this.heldUntil || 0); }
  isDone() { return this.here === null && !this.wire.isUnderWay && !this.wire.unsaved.length && !this.ahead.some((name) => this.isOpen(name)); }
  isOpen(name) { return !(this.cards.get(name) || {}).pressed && name !== this.last; }
  place() { return this.here || this.last || null; }
  undoable() { return this.done.length > 0 || this.recent().length > 0; }

  recent() {
    const known = new Set(this.done.map((each) => each.event));
    return (this.data.last || []).filter((each) => !this.undone.has(each.event) && !known.has(each.event));
  }

  // ---- what comes from the server

  receive(data) {
    const isNewOwner = this.data && this.data.owner !== data.owner;
    if (isNewOwner) this.forget();
    this.data = data;
    const isAnswer = this.wire.hear(data);
    for (const [name, card] of Object.entries(data.cards)) this.take(name, card);
    for (const [name, standing] of Object.entries(data.standing || {})) this.stand(name, standing);
    if (isAnswer || !this.order.length || data.seat !== this.seat) { this.order = data.order; this.ahead = data.ahead; }
    if (data.drawer) this.drawer = data.drawer;
    if (data.whole && this.card(data.whole.sample)) { this.card(data.whole.sample).whole = data.whole.versions; this.repaint(); }
    if (isAnswer && data.error) this.fail(data.error);
    this.arrive(data, isNewOwner);
    this.paintHead();
    this.paintFoot();
    paintDrawer(this);
    if (data.drawer && this.lacksDrawer()) this.askDrawer(); // it is of a sample that was on screen before
    this.prune();
    if (!(isAnswer && data.error)) this.wire.send();
  }

  forget() {
    this.cards.clear();
    this.order = []; this.ahead = []; this.typed = []; this.done = []; this.undone = new Set();
    this.here = null; this.last = null; this.edit = null; this.question = null; this.tab = null; this.seat = undefined;
  }

  take(name, card) {
    const held = this.cards.get(name);
    if (held && held.pending) { card.pending = held.pending; card.pressed = held.pressed; }
    this.cards.set(name, card);
    if (name === this.here && !this.edit) this.isStale = true;
  }

  stand(name, standing) {
    const card = this.cards.get(name);
    if (!card) return;
    Object.assign(card, { event: standing.event, state: standing.state, decided: standing.decided });
    if (name === this.here && !this.edit && !this.isBlind()) paintBeside(this, card);
  }

  // What became of a press.
  answered(press, answer) {
    const card = this.cards.get(press.sample);
    const own = this.done.find((each) => each.id === press.id);
    if (card && card.pending === press.id) { card.pending = ""; if (answer.event && press.kind !== "undo") card.event = answer.event; }
    if (own && answer.event) own.event = answer.event;
    if (answer.question) { this.back = { sample: press.sample, question: { ...answer.question, sample: press.sample } }; return; }
    if (!answer.refused) return;
    this.done = this.done.filter((each) => each.id !== press.id);
    if (card) { card.pressed = false; card.notice = [`Not saved. ${answer.refused}`, answer.hint]; }
    this.back = { sample: press.sample, notice: [`Not saved. ${answer.refused}`, answer.hint] };
  }

  // Follow the server where it goes by itself, bring back what was refused, and go on where the next sample was awaited.
  arrive(data, isNewOwner) {
    if (data.seat !== this.seat) {
      this.seat = data.seat;
      this.last = null;
      this.question = null;
      const isJustDecided = Boolean((this.cards.get(data.at) || {}).pending); // which the server did not know yet
      if (isJustDecided) { this.last = data.at; this.advance(); } else if (!this.edit || this.edit.sample !== data.at) this.open(data.at);
      if (isNewOwner) this.focus();
    }
    const back = this.back;
    if (back && !this.edit && this.card(back.sample)) {
      this.back = null;
      this.heldUntil = performance.now() + HOLD_MILLISECONDS;
      this.typed = [];
      if (back.question) { this.question = back.question; this.repaint(); } else { this.card(back.sample).notice = back.notice; this.open(back.sample); }
    } else if (this.here === null) this.advance();
    else if (this.isStale) this.repaint();
    this.isStale = false;
  }

  fail(error) {
    this.say([error.message, error.hint].filter(Boolean).join(" "));
    this.wire.wait();
  }

  prune() {
    const near = new Set([...this.order, ...this.ahead, this.here, ...this.wire.unsaved.map((press) => press.sample)]);
    for (const name of this.cards.keys()) {
      if (this.cards.size <= MOST_HELD) return;
      if (!near.has(name)) this.cards.delete(name);
    }
  }

  // ---- where the desk is

  // Put a sample on screen, at its top; where it is not in hand, ask for it.
  open(name) {
    this.here = name;
    this.shown = null;
    this.marks = null;
    this.el.reasons.hidden = true;
    if (name !== null && !this.card()) { this.here = null; this.awaited = name; this.last = name; this.wire.ask({ go: name }); }
    this.repaint();
    this.isPainted = false;
    requestAnimationFrame(() => requestAnimationFrame(() => this.painted()));
  }

  painted() {
    this.isPainted = true;
    if (this.typed.length) this.press(this.typed.shift());
  }

  next() {
    const at = this.order.indexOf(this.last);
    const open = new Set(this.ahead);
    const waits = (card) => Boolean(card) && !card.blind && !card.decided; // also where what is ahead is not known from here yet
    const after = at < 0 ? [] : this.order.slice(at + 1).filter((name) => open.has(name) || waits(this.cards.get(name)));
    return [...after, ...this.ahead].find((name) => this.isOpen(name) && this.cards.has(name));
  }

  // Go to the next sample that asks for a decision, once it is in hand.
  advance() {
    const next = this.next();
    if (next !== undefined) this.open(next);
    else { this.here = null; this.repaint(); this.wire.send(); }
  }

  move(step) {
    const at = this.order.indexOf(this.place());
    const name = this.order[at + step];
    if (at < 0 || name === undefined) return this.say(step > 0 ? "This is the last sample of the queue." : "This is the first sample of the queue.");
    if (!this.cards.has(name)) return this.say("That sample is on its way.");
    this.question = null;
    this.last = null;
    this.open(name);
    this.say("");
    this.wire.send();
  }

  // ---- what keys do

  press(key) {
    if (!this.isPainted) {
      if (this.typed.length < MOST_TYPED) this.typed.push(key);
      return;
    }
    actOnKey(this, key);
    if (this.isPainted && this.typed.length) this.press(this.typed.shift());
  }

  // Decide the sample on screen and go on.
  decide(press) {
    const card = this.card();
    const sent = this.put({ ...press, sample: this.here });
    this.done.push({ id: sent.id, sample: this.here, seq: card.seq });
    card.pressed = true;
    card.notice = null;
    this.last = this.here;
    this.el.reasons.hidden = true;
    this.say("");
    this.advance();
    this.paintFoot();
  }

  // Put a press on its way, upon what its reader saw of the sample.
  put(press) {
    const card = this.cards.get(press.sample);
    const sent = { id: crypto.getRandomValues(new Uint32Array(3)).join("-"), upon: card ? card.event : null, after: card ? card.pending || "" : "", ...press };
    if (card && !["note", "tag", "untag", "read", "settle"].includes(press.kind)) card.pending = sent.id;
    this.wire.put(sent);
    this.paintHead();
    return sent;
  }

  undo() {
    const own = this.done.pop();
    const taken = own || this.recent()[0];
    if (!taken) return this.say("There is no decision of yours to undo.");
    if (taken.event) this.undone.add(taken.event);
    this.question = null;
    const card = this.cards.get(taken.sample);
    this.put({ kind: "undo", sample: taken.sample, ...(taken.event ? { upon: taken.event, after: "" } : { upon: null, after: own.id }) });
    if (card) { card.pressed = false; card.state = ""; card.decided = false; }
    this.last = null;
    this.open(taken.sample);
    this.paintFoot();
  }

  leaveOut(reason) { this.decide({ kind: "leave_out", text: reason }); this.focus(); }
  openReasons() { this.el.reasons.hidden = !this.el.reasons.hidden; paintReasons(this); paintKeys(this); }
  closeReasons() { this.el.reasons.hidden = true; paintKeys(this); this.focus(); }

  note(text) {
    const card = this.card();
    if (!card || card.note === text) return;
    card.note = text;
    this.put({ kind: "note", sample: this.here, text });
  }

  tag(text, isOn) {
    const card = this.card();
    if (!card) return;
    card.tags = isOn ? [...new Set([...card.tags, text])] : card.tags.filter((each) => each !== text);
    this.put({ kind: isOn ? "tag" : "untag", sample: this.here, text });
    paintBeside(this, card);
  }

  show(name) { this.shown = name; if (this.tab) this.askDrawer(); this.repaint(); }

  showNext() {
    const names = this.card().versions.map((each) => each.name).filter((name) => name !== "ORIGINAL");
    if (names.length < 2) return this.say("There is no other version to show.");
    return this.show(names[(names.indexOf(this.shown) + 1) % names.length]);
  }

  setView(view) { this.view = view; this.repaint(); }
  turnView() { const views = Object.keys(VIEWS); this.setView(views[(views.indexOf(this.view) + 1) % views.length]); }
  turnWhy() { this.isWhyOpen = !this.isWhyOpen; this.repaint(); }

  turnHelp() {
    this.el.help.hidden = !this.el.help.hidden;
    this.el["help-button"].setAttribute("aria-expanded", String(!this.el.help.hidden));
    paintHelp(this);
  }

  escape() {
    if (!this.el.help.hidden) return this.turnHelp();
    if (!this.el.reasons.hidden) return this.closeReasons();
    if (this.tab) return this.openTab(this.tab);
    return this.focus();
  }

  enter(name) { this.el[name].focus(); this.el[name].select(); }
  resize(by) { this.prefs.size = Math.min(2, Math.max(0.7, this.prefs.size + by)); this.remember(); }
  turnCode() { this.prefs.code = !this.prefs.code; this.remember(); }
  remember() { localStorage.setItem(PREFERENCES, JSON.stringify(this.prefs)); this.repaint(); }
  openTab(name) { this.tab = this.tab === name ? null : name; if (this.tab) this.askDrawer(); this.repaint(); }
  askDrawer() { if (this.card()) this.ask({ drawer: this.tabInView() }); }
  computeTokens() { this.ask({ compute: this.tabInView() }); } // of its own: what the drawer shows next must not undo it
  lacksDrawer() { return Boolean(this.tab && this.card() && !this.isBlind() && (!this.drawer || this.drawer.sample !== this.here || this.drawer.tab !== this.tab)); }
  tabInView() { return { sample: this.here, tab: this.tab, shown: this.shown }; }
  ask(more) { this.wire.ask(more); }

  // ---- what is painted

  repaint() {
    const card = this.card();
    const isBlind = this.isBlind();
    for (const name of ["versions", "why-button", "beside"]) this.el[name].hidden = isBlind || !card || (Boolean(this.edit) && name !== "why-button");
    if (isBlind || !card) this.el.why.hidden = true;
    this.desk.style.setProperty("--size", this.prefs.size);
    this.desk.classList.toggle("code", this.prefs.code);
    const notice = card && card.notice;
    this.el.notice.hidden = !notice;
    this.el.notice.replaceChildren(...(notice || []).map((line) => make("p", {}, line)));
    if (this.question) paintQuestion(this);
    else if (!card) this.paintEmpty();
    else if (card.blind) { paintBlind(this); paintBlindKeys(this); } else { paintSample(this); paintKeys(this); }
    paintReasons(this);
    if (this.lacksDrawer()) this.askDrawer();
    paintDrawer(this);
    this.paintHead();
    this.fill();
  }

  paintEmpty() {
    this.el.rule.replaceChildren();
    const text = this.isDone() ? "Nothing in this queue waits for a decision. Choose another queue above, or export." : "The next sample is on its way …";
    const onward = this.isDone() ? button("Export", () => this.ask({ leave: "export" })) : null;
    this.el.texts.replaceChildren(make("div", { class: "empty" }, make("p", {}, text), ...[onward].filter(Boolean)));
    this.el.keys.replaceChildren(undoButton(this));
  }

  paintHead() {
    const { data, el } = this;
    if (!data) return;
    const names = data.queues.map(([name]) => name).join();
    if (el.queue.dataset.names !== names) {
      el.queue.replaceChildren(...data.queues.map(([name, label, about]) => make("option", { value: name, title: about }, label)));
      el.queue.dataset.names = names;
    }
    if (this.root.activeElement !== el.queue) el.queue.value = data.queue;
    el.queue.disabled = Boolean(this.edit);
    el["share-box"].hidden = data.share === null;
    el.share.checked = Boolean(data.share);
    const { place } = data;
    const step = this.order.indexOf(this.here) - this.order.indexOf(data.at);
    const position = place.position && this.order.includes(this.here) && this.order.includes(data.at) ? (place.position + step).toLocaleString("en") : "–";
    const said = [make("b", {}, position), ` / ${place.samples.toLocaleString("en")}`, make("span", { class: "least" }, ` · ${place.open.toLocaleString("en")} open`)];
    if (place.parked) said.push(make("span", { class: "least" }, ` · ${place.parked.toLocaleString("en")} parked`));
    if (data.saved) said.push(` · saved ${data.saved}`);
    const waiting = countUnsaved();
    if (waiting) said.push(make("span", { class: "unsaved" }, ` · ${waiting} unsaved`));
    el.place.replaceChildren(...said);
    const card = this.card();
    el.place.title = el.place.textContent;
    el["copy-id"].replaceChildren(...(card ? [`#${card.seq.toLocaleString("en")}`, make("span", { class: "least" }, ` ${this.here}`)] : []));
    el["copy-link"].hidden = !card;
    el.links.replaceChildren(...data.links.map(([name, label]) => button(label, () => this.ask({ leave: name }), { class: "quiet" })));
    el["known-tags"].replaceChildren(...data.tags.map((tag) => make("option", { value: tag })));
  }

  paintFoot() {
    const says = (event) => ((this.data.last || []).find((each) => each.event === event) || { says: "" }).says;
    const own = this.done.slice(-2).reverse().map((each) => ({ ...each, says: each.event ? says(each.event) : "" }));
    const last = [...own, ...this.recent()].filter((each) => each.seq).slice(0, 2);
    const links = last.map((each) => button(`${each.seq.toLocaleString("en")} ${each.says.toLowerCase()}`, () => this.visit(each.sample), { class: "quiet", title: "Show this sample again" }));
    this.el.last.replaceChildren(...(links.length && !this.isBlind() ? ["last:", ...links] : []));
  }

  // Show a sample again that was decided.
  visit(name) {
    this.last = null;
    this.open(name);
    this.wire.send();
  }

  say(text, isGood = false) {
    this.el.said.textContent = text;
    this.el.said.classList.toggle("good", isGood);
  }

  // As wide as the page, and as high as the window leaves room for; where that is little the page scrolls, the bar stays.
  fill() {
    const page = document.querySelector("[data-testid=stMainBlockContainer]");
    const { style } = this.desk;
    style.margin = "0";
    const around = page ? getComputedStyle(page) : { paddingTop: "0", paddingLeft: "0", paddingRight: "0", paddingBottom: "0" };
    const side = (name) => -Math.max(0, parseFloat(around[name]) - EDGE);
    const top = this.desk.getBoundingClientRect().top + (page ? page.parentElement.scrollTop : 0);
    const isFirst = top - parseFloat(around.paddingTop) < EDGE; // else something is to be read above it
    const up = isFirst ? top - EDGE : 0;
    const isFolded = document.querySelector("[data-testid=stExpandSidebarButton]"); // which stands in the corner
    style.margin = `${-up}px ${side("paddingRight")}px ${side("paddingBottom")}px ${isFolded ? 40 - EDGE : side("paddingLeft")}px`;
    style.height = `${Math.max(LEAST_HEIGHT, Math.round(window.innerHeight - top + up - 6))}px`;
  }
}

const DESKS = new WeakMap();

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  let desk = DESKS.get(parentElement);
  if (!desk) {
    desk = new Desk(parentElement);
    DESKS.set(parentElement, desk);
  }
  desk.wire.carry = (message) => setTriggerValue("message", message);
  if (data) desk.receive(data);
  return () => {
    desk.leave();
    DESKS.delete(parentElement);
  };
}
