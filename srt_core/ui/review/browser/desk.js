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
    this.prefs = { size: 1, code: false, markdown: false, ...JSON.parse(localStorage.getItem(PREFERENCES) || "{}") };
    this.wire = new Wire(this);
    this.here = null;
    this.last = null;
    this.isPainted = true;
    this.onKey = (event) => hearKey(this, event);
    this.onResize = () => fillWindow(this);
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
    this.field(el.tag, (text) => putTag(this, text, true));
    this.field(el.note, () => {}, true);
    el.note.onchange = () => writeNote(this, el.note.value.trim());
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
  held() { return [...this.cards.keys()].filter((name) => !this.prefs.markdown || this.cards.get(name).versions[0].markdown); }
  isAwaiting() { return this.here === null && !this.question && !this.isDone(); }
  isOpen(name) { return !(this.cards.get(name) || {}).pressed && name !== this.last; }
  hasMany() { return this.order.includes(this.here) && this.ahead.filter((name) => this.isOpen(name) && this.cards.has(name)).length > FEW; }
  place() { return this.here || this.last || null; }
  undoable() { return this.done.length > 0 || this.recent().length > 0; }

  recent() {
    const known = new Set(this.done.map((each) => each.event));
    return (this.data.last || []).filter((each) => !this.undone.has(each.event) && !known.has(each.event));
  }

  // ---- what comes from the server

  receive(data) {
    const isWhole = Boolean(data.order); // else it tells of presses alone
    if (!isWhole && !this.data) { this.wire.owner = data.owner; this.wire.send(false, true); return; } // of a desk before this one
    const isNewOwner = this.data && this.data.owner !== data.owner;
    if (isNewOwner) this.forget();
    this.data = isWhole ? data : { ...this.data, ...data };
    const isAnswer = this.wire.hear(data);
    for (const [name, card] of Object.entries(data.cards)) this.take(name, card);
    for (const [name, standing] of Object.entries(data.standing || {})) this.stand(name, standing);
    if (isWhole && (isAnswer || !this.order.length || data.seat !== this.seat)) { this.order = data.order; this.ahead = data.ahead; }
    if (data.drawer) this.drawer = data.drawer;
    if (data.whole && this.card(data.whole.sample)) { this.card(data.whole.sample).whole = data.whole.versions; this.repaint(); }
    if (isAnswer && data.error) this.fail(data.error);
    arrive(this, data, isNewOwner);
    paintHead(this);
    paintFoot(this);
    paintDrawer(this);
    if (data.drawer && this.lacksDrawer()) this.askDrawer(); // it is of a sample that was on screen before
    this.prune();
    if (!(isAnswer && data.error)) this.wire.send();
    if (this.isPainted && this.typed.length && !this.isAwaiting()) pressKey(this, this.typed.shift());
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
    if (!card || card.pending || (this.edit && name === this.here)) return;
    if (name === this.here && card.event !== standing.event) holdFor(this, card, [`Meanwhile: ${standing.state || "what was decided here was undone"}.`]);
    Object.assign(card, { event: standing.event, state: standing.state, decided: standing.decided });
    if (name === this.here && !this.edit && !this.isBlind()) paintBeside(this, card);
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

  // ---- what else is open

  openReasons() { this.el.reasons.hidden = !this.el.reasons.hidden; paintReasons(this); paintKeys(this); }
  closeReasons() { this.el.reasons.hidden = true; paintKeys(this); this.focus(); }

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
  turnMarkdown() {
    this.prefs.markdown = !this.prefs.markdown;
    this.remember();
    if (this.prefs.markdown) this.ask({ markdown: true }); // for the cards that have none yet, after what is under way
  }

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
    else if (!card) paintEmpty(this);
    else if (card.blind) { paintBlind(this); paintBlindKeys(this); } else { paintSample(this); paintKeys(this); }
    paintReasons(this);
    if (this.lacksDrawer()) this.askDrawer();
    paintDrawer(this);
    paintHead(this);
    fillWindow(this);
  }

  say(text, isGood = false) {
    this.el.said.textContent = text;
    this.el.said.classList.toggle("good", isGood);
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
