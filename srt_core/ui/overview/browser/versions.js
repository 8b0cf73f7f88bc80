// The four versions of a sample as boxes with arrows: what the teacher makes of what, and how many of each are kept.

export default function ({ data, parentElement, setTriggerValue }) {
  const box = parentElement.querySelector(".versions");
  box.style.setProperty("--teacher", data.teacher);
  const set = (tag, text, look = {}) => Object.assign(document.createElement(tag), { textContent: text, ...look });
  for (const [name, label, says, colour, kept] of data.versions) {
    const each = box.querySelector(`[data-version=${name}]`);
    each.style.setProperty("--edge", colour);
    const link = kept === null ? [] : kept === 0 ? [set("span", "none kept")] : [set("button", `${kept.toLocaleString("en")} kept`, { type: "button", onclick: () => setTriggerValue("open", name) })];
    each.replaceChildren(set("b", label), set("span", says), ...link);
  }
  box.querySelector(".keeps b").textContent = data.says;
}
