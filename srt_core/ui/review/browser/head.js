// Above and below the texts: the place in the queue, the last decisions, an empty queue; and the room in the window.

function paintHead(d) {
  const { data, el } = d;
  if (!data) return;
  const names = data.queues.map(([name]) => name).join();
  if (el.queue.dataset.names !== names) {
    el.queue.replaceChildren(...data.queues.map(([name, label, about]) => make("option", { value: name, title: about }, label)));
    el.queue.dataset.names = names;
  }
  if (d.root.activeElement !== el.queue) el.queue.value = data.queue;
  el.queue.disabled = Boolean(d.edit);
  el["share-box"].hidden = data.share === null;
  el.share.checked = Boolean(data.share);
  const { place } = data;
  const step = d.order.indexOf(d.here) - d.order.indexOf(place.of);
  const position = place.position && d.order.includes(d.here) && d.order.includes(place.of) ? (place.position + step).toLocaleString("en") : "–";
  const said = [make("b", {}, position), ` / ${place.samples.toLocaleString("en")}`, make("span", { class: "least" }, ` · ${place.open.toLocaleString("en")} open`)];
  if (place.parked) said.push(make("span", { class: "least" }, ` · ${place.parked.toLocaleString("en")} parked`));
  if (data.saved) said.push(` · saved ${data.saved}`);
  const waiting = countUnsaved();
  if (waiting) said.push(make("span", { class: "unsaved" }, ` · ${waiting} unsaved`));
  el.place.replaceChildren(...said);
  const card = d.card();
  el.place.title = el.place.textContent;
  el["copy-id"].replaceChildren(...(card ? [`#${card.seq.toLocaleString("en")}`, make("span", { class: "least" }, ` ${d.here}`)] : []));
  el["copy-link"].hidden = !card;
  el.links.replaceChildren(...data.links.map(([name, label]) => button(label, () => d.ask({ leave: name }), { class: "quiet" })));
  el["known-tags"].replaceChildren(...data.tags.map((tag) => make("option", { value: tag })));
}

function paintFoot(d) {
  const says = (event) => ((d.data.last || []).find((each) => each.event === event) || { says: "" }).says;
  const own = d.done.slice(-2).reverse().map((each) => ({ ...each, says: each.event ? says(each.event) : "" }));
  const last = [...own, ...d.recent()].filter((each) => each.seq).slice(0, 2);
  const links = last.map((each) => button(`${each.seq.toLocaleString("en")} ${each.says.toLowerCase()}`, () => visit(d, each.sample), { class: "quiet", title: "Show this sample again" }));
  d.el.last.replaceChildren(...(links.length && !d.isBlind() ? ["last:", ...links] : []));
}

function paintEmpty(d) {
  d.el.rule.replaceChildren();
  const text = d.isDone() ? "Nothing in this queue waits for a decision. Choose another queue above, or export." : "The next sample is on its way …";
  const onward = d.isDone() ? button("Export", () => d.ask({ leave: "export" })) : null;
  d.el.texts.replaceChildren(make("div", { class: "empty" }, make("p", {}, text), ...[onward].filter(Boolean)));
  d.el.keys.replaceChildren(undoButton(d));
}

// As wide as the page, and as high as the window leaves room for; where that is little the page scrolls, the bar stays.
function fillWindow(d) {
  const page = document.querySelector("[data-testid=stMainBlockContainer]");
  const { style } = d.desk;
  style.margin = "0";
  const around = page ? getComputedStyle(page) : { paddingTop: "0", paddingLeft: "0", paddingRight: "0", paddingBottom: "0" };
  const side = (name) => -Math.max(0, parseFloat(around[name]) - EDGE);
  const top = d.desk.getBoundingClientRect().top + (page ? page.parentElement.scrollTop : 0);
  const isFirst = top - parseFloat(around.paddingTop) < EDGE; // else something is to be read above it
  const up = isFirst ? top - EDGE : 0;
  const isFolded = document.querySelector("[data-testid=stExpandSidebarButton]"); // which stands in the corner
  style.margin = `${-up}px ${side("paddingRight")}px ${side("paddingBottom")}px ${isFolded ? 40 - EDGE : side("paddingLeft")}px`;
  style.height = `${Math.max(LEAST_HEIGHT, Math.round(window.innerHeight - top + up - 6))}px`;
}
