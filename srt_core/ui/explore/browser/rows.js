// The rows of Explore: which are shown, which is open, and what is sent. One message is under way at a time.

const EDGE = 20; // pixels around the page
const LEAST_HEIGHT = 320;
const ANSWER_MILLISECONDS = 8000; // after which a message is taken to be lost, and is sent again

class Explore {
  constructor(root) {
    this.root = root;
    this.box = root.querySelector(".explore");
    this.el = Object.fromEntries([...root.querySelectorAll("[data-part]")].map((each) => [each.dataset.part, each]));
    this.name = Math.random().toString(36).slice(2);
    this.sent = 0;
    this.waiting = [];
    this.view = "marked";
    this.onKey = (event) => this.hearKey(event);
    this.onResize = () => this.fill();
    document.addEventListener("keydown", this.onKey);
    window.addEventListener("resize", this.onResize);
    this.above = new ResizeObserver(this.onResize); // what stands above the rows may go to a second line, or unfold
    this.above.observe(document.querySelector("[data-testid=stMainBlockContainer]") || this.box);
    this.el.sort.onchange = () => { this.ask({ sort: this.el.sort.value }); this.el.sort.blur(); };
  }

  leave() {
    document.removeEventListener("keydown", this.onKey);
    window.removeEventListener("resize", this.onResize);
    clearTimeout(this.timer);
    this.above.disconnect();
  }

  // ---- to the server and back

  ask(message) {
    this.waiting.push(message);
    this.send();
  }

  send() {
    if (this.underWay || !this.waiting.length) return;
    this.sent += 1;
    this.underWay = { ...Object.assign({}, ...this.waiting.splice(0, 1)), turn: `${this.name} ${this.sent}` };
    this.carry();
  }

  carry() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.underWay && this.carry(), ANSWER_MILLISECONDS);
    this.trigger("message", this.underWay);
  }

  receive(data) {
    const isAnswer = Boolean(this.underWay) && data.turn === this.underWay.turn;
    const isFirst = !this.data;
    this.data = data;
    if (isAnswer) {
      clearTimeout(this.timer);
      this.underWay = null;
      if (this.sending) this.answered(data.answer);
      else if (data.answer.refused) this.say(`${data.answer.refused} ${data.answer.hint}`);
    }
    const isAsking = this.underWay || this.waiting.length;
    if (isFirst || !isAsking) this.open = data.open; // else the reader is elsewhere already
    if (data.card) this.card = data.card;
    if (!data.open && !isAsking) this.card = null;
    this.paint();
    this.send();
  }

  answered(answer) {
    const what = this.sending;
    this.sending = null;
    if (answer.refused) this.say(`Not saved. ${answer.refused} ${answer.hint}`);
    else this.say(`Saved: ${what}`, true);
  }

  say(text, isGood = false) {
    this.saying = text;
    this.isGood = isGood;
  }

  // ---- what a click or a key does

  go(sample) {
    if (!sample || sample === this.open) return;
    this.open = sample;
    this.shown = null;
    this.say("");
    this.waiting = this.waiting.filter((each) => !("open" in each)); // only where the reader is now
    this.ask({ open: sample });
    this.paint();
    const row = this.el.table.querySelector("tr[aria-selected=true]");
    if (row) row.scrollIntoView({ block: "nearest" });
  }

  close() {
    if (!this.open) return;
    this.open = "";
    this.card = null;
    this.ask({ open: "" });
    this.paint();
  }

  step(by) {
    const names = this.data.rows.map((row) => row.sample);
    const at = names.indexOf(this.open);
    this.go(names[at < 0 ? 0 : Math.min(Math.max(at + by, 0), names.length - 1)]);
  }

  show(name) {
    this.shown = name;
    this.paint();
  }

  turn(view) {
    this.view = view;
    this.paint();
  }

  hearKey(event) {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTyping(event) || isOfAControl(event)) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const inText = this.root.activeElement && this.root.activeElement.closest(".body");
    if (inText && (key === "ArrowDown" || key === "ArrowUp")) return;
    if (!["ArrowDown", "ArrowUp", "Escape", "Backspace", "a", "x", "d", "v", "s", " ", "1", "2", "3", "4"].includes(key)) return;
    if (key !== "ArrowDown" && key !== "ArrowUp" && !this.open) return;
    event.preventDefault();
    if (event.repeat && !key.startsWith("Arrow")) return; // a key that is held down decides once
    this.key(key);
  }

  key(key) {
    if (key === "ArrowDown") return this.step(1);
    if (key === "ArrowUp") return this.step(-1);
    if (key === "Escape") return this.close();
    if (!this.card || this.card.sample !== this.open) return; // nothing is decided that was not painted
    if (key === "d") return this.turn(this.view === "marked" ? "plain" : "marked");
    if (key === "v") return this.next();
    if (key === "s") return this.ask({ similar: String(this.card.seq) });
    this.decide(key);
    this.paint();
  }

  next() {
    const { versions } = this.card;
    this.show(versions[(versions.indexOf(shownVersion(this)) + 1) % versions.length].name);
  }

  decide(key) {
    if (this.sending) return this.say("The decision before is on its way.");
    const { card } = this;
    const press = { id: `${this.name} ${Date.now()} ${this.sent}`, sample: card.sample, upon: card.event };
    const version = card.versions.find((each) => each.place === Number(key));
    if (/^[1-4]$/.test(key) && !version) return this.say(card.missing[key] || `There is no version ${key}.`);
    if (key === "Backspace" && card.event === null) return this.say("Nothing is decided here yet.");
    const acts = {
      a: card.pick ? [`Keep ${card.pick.label}`, { kind: "keep", candidate: card.pick.candidate }] : ["Leave out", { kind: "leave_out", agrees: true }],
      x: ["Leave out", { kind: "leave_out" }],
      " ": ["Park", { kind: "park" }],
      Backspace: ["Undo", { kind: "undo" }],
    };
    const [what, act] = version ? [`Keep ${version.label}`, { kind: "keep", candidate: version.candidate }] : acts[key];
    this.sending = `#${card.seq} ${what}`;
    this.say(`Saving: ${what} …`, true);
    this.ask({ press: { ...press, ...act } });
  }

  // ---- what is painted

  paint() {
    const { data, el } = this;
    if (!data) return;
    this.paintFilter();
    this.paintBulk();
    this.paintTable();
    paintSample(this);
    this.fill();
  }

  paintFilter() {
    const { data, el } = this;
    const chips = data.chips.map(([name, label]) => button(`${label} ×`, () => this.ask({ drop: name }), { title: `Without: ${label}`, "aria-label": `Without: ${label}` }));
    if (chips.length) chips.push(button("clear all", () => this.ask({ clear: true }), { class: "quiet" }));
    el.chips.replaceChildren(...chips);
    el.count.textContent = data.found === data.samples ? `${plural(data.samples, "sample")}` : `${data.found.toLocaleString("en")} of ${data.samples.toLocaleString("en")}`;
    if (this.sorts !== data.sorts.join()) {
      this.sorts = data.sorts.join();
      el.sort.replaceChildren(...data.sorts.map((name) => make("option", { value: name }, `by ${name}`)));
    }
    el.sort.value = data.sort;
    const page = (by, label, sign) => button(sign, () => this.ask({ page: data.page + by }), { "aria-label": label, disabled: data.page + by < 1 || data.page + by > data.pages });
    el.pages.replaceChildren(...(data.pages > 1 ? [page(-1, "The page before", "‹"), ` ${data.page.toLocaleString("en")} of ${data.pages.toLocaleString("en")} `, page(1, "The next page", "›")] : []));
  }

  paintBulk() {
    const { data, el } = this;
    const verbs = { keep: ["Keep", "Take the rule's pick of each. Decided ones stay as they are."], leave_out: ["Leave out", "Leave them all out. Decided ones stay as they are."], park: ["Park", "Set them all aside for later. Decided ones stay as they are."] };
    const buttons = Object.entries(verbs).map(([name, [verb, title]]) => {
      const count = data.bulk[name];
      return button(`${verb} ${count.toLocaleString("en")}`, () => this.ask({ bulk: name }), { disabled: !count, title });
    });
    if (data.undo) buttons.push(button(`Undo: ${data.undo.says} ${data.undo.count.toLocaleString("en")} at once`, () => this.ask({ undo: data.undo.action })));
    el.bulk.replaceChildren(...buttons);
    el.waiting.textContent = data.waiting ? `${data.waiting.toLocaleString("en")} not decided` : "all decided";
    el.links.replaceChildren(button("Review these", () => this.ask({ leave: "review" }), { disabled: !data.found }), button("Export these", () => this.ask({ leave: "export" }), { disabled: !data.found }));
  }

  paintTable() {
    const { data, el } = this;
    if (!data.rows.length) {
      el.table.replaceChildren(make("div", { class: "empty" }, "No sample matches. Take a condition out of the filter, or clear it."));
      return;
    }
    const isSame = this.drawn === JSON.stringify([data.rows, data.sort, data.page]);
    if (!isSame) {
      this.drawn = JSON.stringify([data.rows, data.sort, data.page]);
      const top = this.place === `${data.sort} ${data.page} ${JSON.stringify(data.view)}` ? el.table.scrollTop : 0;
      this.place = `${data.sort} ${data.page} ${JSON.stringify(data.view)}`;
      const head = make("tr", {}, ...data.columns.map((column) => this.head(column)));
      const rows = data.rows.map((row) => this.row(row));
      el.table.replaceChildren(make("table", { class: "rows", "aria-rowcount": String(data.found) }, make("thead", {}, head), make("tbody", {}, ...rows)));
      el.table.scrollTop = top;
    }
    for (const row of el.table.querySelectorAll("tbody tr")) row.setAttribute("aria-selected", String(row.dataset.sample === this.open));
  }

  // A head puts the whole set in its order, once more in the other one.
  head(column) {
    const { sort } = this.data;
    const place = column.orders.indexOf(sort);
    const isByOwn = place >= 0 && !(column.name === "text" && sort === "number");
    const next = isByOwn ? column.orders[(place + 1) % column.orders.length] : column.orders[0];
    const isDown = /high first|open first|left out first/.test(sort);
    const sign = isByOwn ? (isDown ? " ↓" : " ↑") : "";
    const label = button(`${column.title}${sign}`, () => this.ask({ sort: next }), { title: `${column.help} A click: by ${next}.` });
    return make("th", { class: column.name, scope: "col", "aria-sort": isByOwn ? (isDown ? "descending" : "ascending") : "none" }, label);
  }

  row(row) {
    const text = row.text.map(([kind, part]) => (kind === 1 ? make("mark", {}, part) : kind === 2 ? make("span", { class: "faint" }, part) : part));
    const cell = (name, ...inside) => make("td", { class: name }, ...inside);
    const made = make("tr", { "data-sample": row.sample, onclick: () => this.go(row.sample) },
      cell("number", row.number.toLocaleString("en")), cell("decision", row.decision || "–"), cell(row.keeps ? "rule" : "rule out", row.rule),
      cell("text", ...text), cell("ifd", row.ifd), cell("r_ifd", row.r_ifd), cell("growth", row.growth));
    made.querySelector(".rule").title = row.rule;
    return made;
  }

  // The rows go on to the end of the window, and to its sides.
  fill() {
    const page = document.querySelector("[data-testid=stMainBlockContainer]");
    if (!page) return;
    const { style } = this.box;
    const around = getComputedStyle(page);
    const side = (name) => -Math.max(0, parseFloat(around[name]) - EDGE);
    style.margin = `0 ${side("paddingRight")}px ${side("paddingBottom")}px ${side("paddingLeft")}px`;
    const top = this.box.getBoundingClientRect().top + page.parentElement.scrollTop;
    style.height = `${Math.max(LEAST_HEIGHT, Math.round(window.innerHeight - top - 10))}px`;
  }
}

const TABLES = new WeakMap();

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  let table = TABLES.get(parentElement);
  if (!table) {
    table = new Explore(parentElement);
    TABLES.set(parentElement, table);
  }
  table.trigger = setTriggerValue;
  table.receive(data);
  return () => {
    table.leave();
    TABLES.delete(parentElement);
  };
}
