"""The mark of HTML that was left in a text which is not about HTML."""

import re

from srt_core.importing.marks.mark import Mark, Original, say_found, without_code

_NAMES = (
    r"div|span|p|br|hr|strong|em|ul|ol|li|table|tbody|tr|td|th|h[1-6]|img|font|center|script|style|iframe|blockquote"
)
_TAG = re.compile(
    rf"""</?(?:{_NAMES})(?:\s[^<>]{{0,300}})?/?>
      | <(?P<name>[abiu])(?:\s[^<>]{{0,300}})?>(?=.{{1,400}}</(?P=name)>)       # of one letter: with its end alone
      | &(?:nbsp|amp|lt|gt|quot|apos|[lr][sd]quo|[mn]dash|hellip|\#\d{{2,5}}|\#x[0-9a-f]{{2,5}});""",
    re.IGNORECASE | re.DOTALL | re.VERBOSE,
)
_ON_HTML = re.compile(
    r"html|xml|\bcss\b|script\b|\bjsx?\b|\bphp\b|\btags?\b|markup|web\s?(?:page|site)|\bsvg\b|template|snippet"
    r"|\bcode\b|\bcoding\b|program|function|python|\bjava\b|react|angular|\bvue\b|regex|regular expression"
    r"|\bpars(?:e|ing)\b|scrap|front-?end|component|\bapi\b|\bform\b|browser|hyperlink"
)
_PAGE = re.compile(r"<!doctype|<html|<head>|<body", re.IGNORECASE)


def html_remains(sample: Original) -> str | None:
    """Find the first tag or entity of HTML outside of code, in a sample that is not about it."""
    for part, text in sample.texts:
        if ("<" not in text and "&" not in text) or _PAGE.search(text):
            continue
        for found in _TAG.finditer(without_code(text)):
            if not _is_cell(text, found) and not _ON_HTML.search(sample.asked):
                return say_found(found[0], part, found.start())
    return None


def _is_cell(text: str, found: re.Match[str]) -> bool:
    """Whether it breaks a line within a table of Markdown, which has no other way to."""
    first = text.rfind("\n", 0, found.start()) + 1
    line = text[first : text.find("\n", found.end()) % (len(text) + 1)]
    return found[0].lower().startswith("<br") and line.count("|") > 1


MARKS = (
    Mark(
        "html_remains",
        "HTML remains",
        "Tags or entities of HTML, such as <br> or &nbsp;, stand in a text that is not about HTML.",
        html_remains,
    ),
)
