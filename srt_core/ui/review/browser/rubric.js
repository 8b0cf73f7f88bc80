// The rubric: a tab of the drawer in which digits give points, dimension by dimension.

const FIFTHS = 5; // a digit is so many fifths of a dimension's points

// Take what the server knows of the version, unless it is being rated right now.
function takeRubric(d, held) {
  if (d.rubric && d.rubric.sample === held.sample && d.rubric.shown === held.shown) return;
  const given = Object.fromEntries(held.rubric.lines.filter((line) => line.points !== null).map((line) => [line.name, [line.points, line.flaw]]));
  const first = held.rubric.lines.findIndex((line) => line.points === null);
  d.rubric = { sample: held.sample, shown: held.shown, given, at: Math.max(0, first), isDirty: false, ...held.rubric };
}

function isRating(d) {
  return d.tab === "rubric" && d.rubric && d.rubric.sample === d.here && d.rubric.shown === d.shown && !d.isBlind();
}

// Act on a key of the rubric; false where the key is not its own.
function pressRubric(d, key) {
  const held = d.rubric;
  if (/^[0-5]$/.test(key)) { give(d, held.lines[held.at], Number(key)); return true; }
  if (/^[6-9]$/.test(key)) { d.say("0 to 5 give fifths of the points."); return true; }
  if (key === "f") { flaw(d, held.lines[held.at]); return true; }
  if (key === "ArrowLeft" || key === "ArrowRight") { stepTo(d, held.at + (key === "ArrowRight" ? 1 : -1)); return true; }
  if (key === "Enter") { saveRubric(d); return true; }
  if (key === "Escape" || !held.isDirty) return false;
  d.say("Save the rating first: Enter. Esc drops it.");
  return true;
}

function stepTo(d, at) {
  d.rubric.at = Math.min(d.rubric.lines.length - 1, Math.max(0, at));
  paintDrawer(d);
}

function give(d, line, fifths) {
  const [, isFlawed] = d.rubric.given[line.name] || [0, false];
  d.rubric.given[line.name] = [Math.round((line.most * fifths) / FIFTHS), isFlawed];
  d.rubric.isDirty = true;
  d.say("");
  stepTo(d, d.rubric.lines.indexOf(line) + 1);
}

function flaw(d, line) {
  const [points, isFlawed] = d.rubric.given[line.name] || [0, false];
  d.rubric.given[line.name] = [points, !isFlawed];
  d.rubric.isDirty = true;
  paintDrawer(d);
}

function saveRubric(d) {
  const held = d.rubric;
  if (!held.isDirty) return d.say("Nothing was changed in this rating.");
  putPress(d, { kind: "rate", sample: held.sample, candidate: held.candidate, upon: held.edit, after: "", rubric: { ...held.given } });
  held.isDirty = false;
  d.say(`Rated ${held.label}: ${held.sides.map((side) => `${side} ${scoreOf(held, side)}`).join(", ")}.`, true);
  paintDrawer(d);
}

function scoreOf(held, side) {
  const lines = held.lines.filter((line) => line.side === side);
  if (lines.some((line) => !held.given[line.name])) return "open";
  const points = lines.reduce((sum, line) => sum + held.given[line.name][0], 0);
  const limits = lines.filter((line) => held.given[line.name][1] && line.cap !== null).map((line) => line.cap);
  return String(Math.min(points, ...limits));
}

function paintRubric(d, box, held) {
  takeRubric(d, held);
  const now = d.rubric;
  const head = make("div", { class: "label" }, `${now.label[0].toUpperCase()}${now.label.slice(1)}: 0 to 5 give fifths of the points and go on, F marks a flaw, ← → move, Enter saves, Esc leaves.`);
  const sides = now.sides.map((side) => {
    const rows = now.lines.filter((line) => line.side === side).map((line) => rubricLine(d, line));
    return make("div", {}, make("b", {}, `${side[0].toUpperCase()}${side.slice(1)}: ${scoreOf(now, side) === "open" ? "open" : `${scoreOf(now, side)} of 100`}`), make("div", { class: "rubric" }, ...rows.flat()));
  });
  box.replaceChildren(head, make("div", { class: "columns" }, ...sides));
  const here = box.querySelector(".rated-now");
  if (here) here.scrollIntoView({ block: "nearest" });
}

function rubricLine(d, line) {
  const [points, isFlawed] = d.rubric.given[line.name] || [null, false];
  const isHere = d.rubric.lines[d.rubric.at] === line;
  const digits = [0, 1, 2, 3, 4, 5].map((fifths) => button(String(fifths), () => give(d, line, fifths), { "aria-label": `${line.label}: ${fifths} of 5`, "aria-pressed": String(points === Math.round((line.most * fifths) / FIFTHS)) }));
  const cap = line.cap === null ? "" : ` (a flaw: at most ${line.cap})`;
  return [
    make("span", { class: isHere ? "rated-now" : "", title: line.help }, line.label),
    make("span", { class: "group" }, ...digits),
    make("span", { class: "label" }, `${points === null ? "–" : points} of ${line.most}`),
    button(isFlawed ? "flaw" : "no flaw", () => flaw(d, line), { "aria-pressed": String(isFlawed), title: `A basic flaw${cap}`, class: "quiet" }),
  ];
}
