"""The pictures of a dataset card, as SVG: text that every browser draws, without a library and the same each time."""

from collections.abc import Mapping, Sequence
from html import escape

from srt_core.export.formats.lines import EDITED
from srt_core.records import ORIGIN_COLOURS, REVIEWER_COLOUR

WIDTH = 640
_BAR, _GAP, _TOP, _LEFT, _RIGHT = 22, 10, 44, 150, 70
_PLOT_HEIGHT, _BOTTOM = 180, 52
_TEXT, _GREY = "#1f2328", "#6b7280"
_FONT = "font-family='system-ui, sans-serif' font-size='13'"
COLOURS: Mapping[str, str] = {**{str(each): colour for each, colour in ORIGIN_COLOURS.items()}, EDITED: REVIEWER_COLOUR}
"""One colour a version, told apart also by its label."""


def bars(title: str, numbers: Mapping[str, int], labels: Mapping[str, str]) -> str:
    """Draw one horizontal bar a version, with its count behind it."""
    most = max(numbers.values(), default=0) or 1
    room = WIDTH - _LEFT - _RIGHT
    parts = []
    for place, (name, number) in enumerate(numbers.items()):
        top = _TOP + place * (_BAR + _GAP)
        length = round(room * number / most, 1)
        parts += [
            _text(_LEFT - 8, top + 16, labels.get(name, name), anchor="end"),
            f"<rect x='{_LEFT}' y='{top}' width='{length}' height='{_BAR}' fill='{COLOURS.get(name, _GREY)}'/>",
            _text(_LEFT + length + 6, top + 16, f"{number:,}"),
        ]
    return _svg(title, _TOP + len(numbers) * (_BAR + _GAP) + 6, parts)


def steps(title: str, unit: str, edges: Sequence[float], numbers: Mapping[str, Sequence[int]]) -> str:
    """Draw histograms over each other as outlines, one a name; `edges` are those of the bins, one more than numbers."""
    most = max((number for each in numbers.values() for number in each), default=0) or 1
    left, right = 50, 20
    room = WIDTH - left - right
    width = room / (len(edges) - 1)
    base = _TOP + 20 + _PLOT_HEIGHT
    parts = [f"<line x1='{left}' y1='{base}' x2='{WIDTH - right}' y2='{base}' stroke='{_GREY}'/>"]
    for place, edge in enumerate(edges):
        if place % 2 == 0:
            parts.append(_text(left + place * width, base + 18, f"{edge:g}", anchor="middle"))
    parts += [_text(left + room / 2, base + 38, unit, anchor="middle"), _text(left - 6, base, "0", anchor="end"),
              _text(left - 6, _TOP + 28, f"{most:,}", anchor="end")]  # fmt: skip
    for place, (name, counts) in enumerate(numbers.items()):
        colour, dash = ((_GREY, " stroke-dasharray='5 4'"), ("#2456c8", ""))[place % 2]
        points = [f"{left},{base}"]
        for bin, count in enumerate(counts):
            height = round(base - _PLOT_HEIGHT * count / most, 1)
            points += [f"{round(left + (bin + side) * width, 1)},{height}" for side in (0, 1)]
        points.append(f"{WIDTH - right},{base}")
        parts.append(f"<polyline points='{' '.join(points)}' fill='none' stroke='{colour}' stroke-width='2'{dash}/>")
        key = left + 10 + place * 260
        parts.append(
            f"<line x1='{key}' y1='{_TOP}' x2='{key + 26}' y2='{_TOP}' stroke='{colour}' stroke-width='2'{dash}/>"
        )
        parts.append(_text(key + 32, _TOP + 4, f"{name} ({sum(counts):,})"))
    return _svg(title, base + _BOTTOM, parts)


def _text(x: float, y: float, text: str, anchor: str = "start") -> str:
    return f"<text x='{round(x, 1)}' y='{y}' text-anchor='{anchor}' fill='{_TEXT}' {_FONT}>{escape(text)}</text>"


def _svg(title: str, height: float, parts: Sequence[str]) -> str:
    head = (
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{WIDTH}' height='{height}' viewBox='0 0 {WIDTH} {height}' "
        f"role='img' aria-label='{escape(title, quote=True)}'>"
    )
    ground = f"<rect width='{WIDTH}' height='{height}' fill='#ffffff'/>"
    heading = (
        f"<text x='12' y='24' fill='{_TEXT}' font-weight='600' font-family='system-ui, sans-serif' font-size='15'>"
    )
    return "\n".join([head, ground, f"{heading}{escape(title)}</text>", *parts, "</svg>", ""])
