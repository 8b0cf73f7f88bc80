// The line above the rows of Explore: its title, the search, and what is unfolded between the two.

const EDGE = 20; // pixels around the page

const HEADS = new WeakMap();

class Head {
  constructor(root) {
    this.box = root.querySelector(".head");
    this.el = Object.fromEntries([...root.querySelectorAll("[data-part]")].map((each) => [each.dataset.part, each]));
    this.onResize = () => this.fill();
    this.onKey = (event) => this.hearKey(event);
    window.addEventListener("resize", this.onResize);
    document.addEventListener("keydown", this.onKey);
    this.around = new ResizeObserver(this.onResize);
    this.around.observe(document.querySelector("[data-testid=stMainBlockContainer]") || this.box);
    this.el.search.onkeydown = (event) => {
      event.stopPropagation();
      if (event.key === "Escape") this.el.search.value = this.data.text;
      else if (event.key !== "Enter") return;
      this.take();
      this.el.search.blur();
    };
    this.el.search.onsearch = () => this.take(); // also where its own × emptied it
    this.el.search.onblur = () => this.take();
  }

  leave() {
    window.removeEventListener("resize", this.onResize);
    document.removeEventListener("keydown", this.onKey);
    this.around.disconnect();
  }

  take() {
    const text = this.el.search.value;
    if (text === (this.asked ?? this.data.text)) return;
    this.asked = text;
    this.trigger("message", { text });
  }

  hearKey(event) {
    if (event.key !== "/" || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTyping(event)) return;
    event.preventDefault();
    this.el.search.select();
    this.el.search.focus();
  }

  receive(data) {
    this.data = data;
    this.asked = undefined;
    if (this.box.getRootNode().activeElement !== this.el.search) this.el.search.value = data.text;
    this.el.where.textContent = data.where;
    this.el.panels.replaceChildren(...data.panels.map((name) => button(name, () => this.trigger("message", { panel: name === data.panel ? "" : name }), { "aria-pressed": String(name === data.panel) })));
    this.fill();
  }

  fill() {
    const page = document.querySelector("[data-testid=stMainBlockContainer]");
    if (!page) return;
    const around = getComputedStyle(page);
    const side = (name) => -Math.max(0, parseFloat(around[name]) - EDGE);
    const isFolded = document.querySelector("[data-testid=stExpandSidebarButton]"); // which stands in the corner
    this.box.style.margin = `0 ${side("paddingRight")}px 0 ${isFolded ? 40 - EDGE : side("paddingLeft")}px`;
  }
}

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  let head = HEADS.get(parentElement);
  if (!head) {
    head = new Head(parentElement);
    HEADS.set(parentElement, head);
  }
  head.trigger = setTriggerValue;
  head.receive(data);
  return () => {
    head.leave();
    HEADS.delete(parentElement);
  };
}
