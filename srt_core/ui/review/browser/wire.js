// What goes to the server and what comes back. One message is under way at a time; it holds every press that is not known
// to be saved, so that nothing depends on its being the only one to arrive: the server writes each press once.

const ANSWER_MILLISECONDS = 10000; // after which a message is taken to be lost, and is sent again
const MOST_HELD = 90; // cards
const FEW = 20; // open samples in hand; with more, an answer need say no more than what is saved
const REST_MILLISECONDS = 300; // without a key, after which the rest of a brief answer is asked for

// Presses of desks that left the page before they were saved, by project and reviewer; and what a closed tab would lose.
const UNSAVED = (window.srtUnsaved ??= new Map());

function countUnsaved() {
  return [...UNSAVED.values()].reduce((sum, list) => sum + list.length, 0);
}

if (!window.srtWarns) {
  window.srtWarns = true;
  window.addEventListener("beforeunload", (event) => {
    if (countUnsaved()) event.preventDefault();
  });
}

class Wire {
  constructor(desk) {
    this.desk = desk;
    this.name = Math.random().toString(36).slice(2);
    this.sent = 0;
    this.heard = 0;
    this.owner = null;
    this.asks = {};
    this.asked = {};
  }

  get unsaved() {
    if (!UNSAVED.has(this.owner)) UNSAVED.set(this.owner, []);
    return UNSAVED.get(this.owner);
  }

  get isUnderWay() {
    return this.sent !== this.heard;
  }

  // Put a press on the list of what is to be saved.
  put(press) {
    this.unsaved.push(press);
    this.send();
  }

  ask(more) {
    Object.assign(this.asks, more);
    this.send();
  }

  send(isAgain = false, isDue = isAgain) {
    if (this.isUnderWay && !isAgain) return;
    const desk = this.desk;
    const asks = isAgain ? { ...this.asked, ...this.asks } : this.asks;
    const isNews = this.unsaved.length || Object.keys(asks).length || desk.place() !== this.place;
    if (!isNews && !isDue) return;
    this.isBrief = this.unsaved.length > 0 && !Object.keys(asks).length && !isAgain && desk.hasMany();
    this.asks = {};
    this.asked = asks;
    this.place = desk.place();
    this.sent += 1;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.send(true), ANSWER_MILLISECONDS);
    this.carry({ turn: `${this.name} ${this.sent}`, owner: this.owner, seat: desk.seat, at: this.place, holds: desk.held(), markdown: desk.prefs.markdown, presses: this.unsaved, brief: this.isBrief, ...asks });
  }

  hear(data) {
    if (this.owner !== data.owner) this.heard = this.sent; // what was under way was of another reviewer or project
    this.owner = data.owner;
    const [name, turn] = String(data.turn || "").split(" ");
    const isAnswer = name === this.name && Number(turn) === this.sent && this.isUnderWay;
    if (isAnswer) {
      this.heard = this.sent;
      this.asked = {};
      clearTimeout(this.timer);
      if (this.isBrief) this.timer = setTimeout(() => this.send(false, true), REST_MILLISECONDS);
    }
    this.take(data.answers || {});
    return isAnswer;
  }

  // Take what is saved or refused off the list.
  take(answers) {
    for (const [owner, list] of UNSAVED) {
      const gone = list.filter((press) => answers[press.id]);
      if (!gone.length) continue;
      UNSAVED.set(owner, list.filter((press) => !answers[press.id]));
      if (owner === this.owner) for (const press of gone) answered(this.desk, press, answers[press.id]);
    }
  }

  // After an error nothing of the message was saved: it is sent again with the next key, or after a while.
  wait() {
    clearTimeout(this.timer);
    if (this.unsaved.length) this.timer = setTimeout(() => this.send(), ANSWER_MILLISECONDS);
  }
}
