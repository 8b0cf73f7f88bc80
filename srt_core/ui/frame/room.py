"""How much of the window is left for what scrolls by itself, so that what stands beside and above it stays in sight."""

from dataclasses import dataclass

import streamlit as st

SMALLEST = 480
"""Pixels of the part, also where the browser has not said yet what there is."""
SMALLEST_BELOW = 280

_JS = """
// From the top of the part, and from where this stands in it, to the bottom of the window, less the page's own edge.
export default function ({ parentElement, setStateValue, data }) {
  const place = parentElement instanceof ShadowRoot ? parentElement.host : parentElement;
  const page = document.querySelector("[data-testid=stMainBlockContainer]");
  const part = place.closest(`.st-key-${data.part}`);
  if (!page || !part) return;
  let told = data.told;
  const left = (element, edge) => {
    const bottom = window.innerHeight - page.parentElement.scrollTop - parseFloat(getComputedStyle(page).paddingBottom);
    return Math.floor(bottom - element.getBoundingClientRect()[edge]);
  };
  const tell = () => {
    const found = [Math.max(data.smallest[0], left(part, "top")), Math.max(data.smallest[1], left(place, "bottom"))];
    if (found.some((height, which) => Math.abs(height - told[which]) > 3)) setStateValue("heights", (told = found));
  };
  // What moves while somebody moves a limit is measured once that is over: a run in between would only be in the way.
  const pause = data.is_known ? 1500 : 150;
  let waiting;
  const later = () => { clearTimeout(waiting); waiting = setTimeout(tell, pause); };
  const watch = new ResizeObserver(later);
  watch.observe(page);
  window.addEventListener("resize", later);
  later();
  return () => { clearTimeout(waiting); watch.disconnect(); window.removeEventListener("resize", later); };
}
"""

_room_in_browser = st.components.v2.component("srt_room", js=_JS)


@dataclass(frozen=True, slots=True)
class Room:
    """Pixels to the bottom of the window: from the top of a part of the page, and from a place in it."""

    part: int
    below: int


def room_of(part: str) -> Room:
    """Return the room that a part of the page has, from its top and from this place in it; this takes no room itself.

    `part` is the key of a container around this place; what is as high as `below` comes next, without a gap. The
    browser says it once, and again when the window or what stands above changes; until then it is what the session
    knows from before, else what is least.
    """
    held, smallest = f"room|{part}", [SMALLEST, SMALLEST_BELOW]
    known: list[int] = st.session_state.get(held, smallest)
    told = _room_in_browser(
        key=f"{part}_room", height=1,
        data={"told": known, "smallest": smallest, "part": part, "is_known": known != smallest},
        default={"heights": known}, on_heights_change=lambda: None,
    )  # fmt: skip
    heights = [int(height) for height in told.heights or known]
    st.session_state[held] = heights
    return Room(*heights)
