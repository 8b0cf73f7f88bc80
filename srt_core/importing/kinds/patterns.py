"""Patterns of code and of mathematics in a pair: the two kinds that a selection by score is known to drop."""

import re
from collections.abc import Iterable

from srt_core.importing.kinds.normalise import NormalisedPair

_CODE_MARKS = (
    "```", "def ", "#include", "import ", "select ", "\nclass ", "<html", "<!doc", "</", "console.", "system.out",
    "print(", "printf(", "println(", "#!/", "){", ") {", "):", ";\n",
)  # fmt: skip
"""Searched first, because plain substrings are quick to find: a text without any of them has no line of code."""

_CODE_LINES = re.compile(
    r"""``` | ^\s*(?:async\s+)?def\s+\w+\s*\( | ^\s*(?:public\s+)?class\s+\w+\s*(?:\(.*\))?\s*[:{]
      | ^\s*\#\s*include\s*[<"] | ^\s*import\s+[\w.]+(?:\s+as\s+\w+)?;?\s*$ | ^\s*from\s+[\w.]+\s+import\s
      | ^\s*import\s.*\sfrom\s+['"]
      | \bfunction\s*\w*\s*\([^)]*\)\s*\{ | \bselect\s[^.]{1,200}\sfrom\s+\w+(?:\s+where\b|\s*;|\s+group\b|\s+order\b)
      | \bpublic\s+(?:static|class)\b | <html\b | <!doctype\s | </(?:div|p|body|head|h\d|ul|script|style|table)>
      | console\.log\( | system\.out\. | ^\s*print(?:ln|f)?\s*\( | \#!/ | ^\s*(?:var|let|const)\s+\w+\s*=
      | ^\s*(?:for|while|if)\b.*\):?\s*\{?\s*$ | ;\s*\n\s*\} """,
    re.VERBOSE | re.MULTILINE,
)
_LANGUAGE = (
    r"(?:python|javascript|typescript|java|c\+\+|c\#|c|sql|mysql|html5?|css|php|ruby|golang|rust|kotlin|swift|scala"
    r"|perl|matlab|bash|shell|powershell|vba|latex|haskell|assembly|node(?:\.js)?|react|jquery|pandas|numpy|pytorch)"
)
_MAKE = (
    r"\b(?:write|create|generate|develop|implement|build|design|construct|make|give|provide|show|produce|devise|compose"
    r"|draft|come\s+up\s+with|formulate|outline)\b"
)
_CODE_NOUNS = (
    "code", "algorithm", "program", "function", "query", "script", "class", "snippet", "regular expression",
    "regex", "loop", "linked list", "tree", "unit test", "shell command", "html page", "web ", "procedure",
    "compiler", "schema", "data structure", "python", "java", "c++", "c#", "sql", "css", "html", "php", "ruby",
    "rust", "scala", " in c",
)  # fmt: skip
"""Searched first: without one of them the slower `_CODE_ASKED` cannot match."""
_CODE_ASKED = re.compile(
    rf"""{_MAKE}.{{0,60}}?(?:
        \b(?:source\s+code|pseudo-?\s?code|code|algorithm|regex|regular\s+expression|sql\s+query|(?:for|while)\s+loop
          |linked\s+list|binary\s+(?:search\s+)?tree|unit\s+tests?|shell\s+command|html\s+page|web\s+(?:scrap+er|crawler)
          |stored\s+procedure|compiler|database\s+schema|data\s+structure)\b
      | \bprogram\s+(?:that|to|which|for\s+\w+ing|using)\b | \bprogram\s+in\s+{_LANGUAGE}\b
      | \bfunction\s*(?:that|to|which|in\s+{_LANGUAGE}|called|named|\(|\.|$) | \bquery\s+(?:that|to|which)\b
      | \b{_LANGUAGE}\s+(?:code|program|script|function|class|method|query|loop|app)\b
      | \bscript\s+(?:that|to|which|in\s+{_LANGUAGE})\b | \bclass\s+(?:called|named|that|in\s+{_LANGUAGE})\b
      | \bin\s+{_LANGUAGE}(?:\.|,|$) )
      | \b(?:debug|refactor|compile|optimi[sz]e|fix|complete|rewrite|convert|explain|correct|translate|edit|run
        |analy[sz]e)\b.{{0,40}}\b(?:code|snippet|{_LANGUAGE}\s+(?:code|script|program|function|query|error)|query)\b
      | \bhow\s+(?:do|can|would|to)\b.{{0,60}}\bin\s+(?!c\b){_LANGUAGE}""",
    re.VERBOSE,
)
_NO_CODE = re.compile(
    r"""natural\s+language\s+query | query\s+letter | search\s+query | (?:dress|zip|pin|colou?r|morse|area)\s+code
      | code\s+(?:of\s+conduct|readability) | in\s+c\s+(?:major|minor) | \btips\b | \blist\s+of\b | caesar
      | (?:exercise|fitness|training|loyalty|rewards?|wellness|workout|tv|television|diet|assistance)\s+program
      | (?:movie|film|play|tv|video|phone|commercial|scene|chatbot|customer|dialogue)\s+script
      | script\s+to\s+(?:greet|welcome|introduce) | (?:importance|purpose)\s+of | data\s+structure\s+course
      | \b(?:blog|article|essay|poem|story|lesson\s+plan|course|challenge|r[eé]sum[eé]|job|criteria)\b""",
    re.VERBOSE,
)


def is_code(pair: NormalisedPair) -> bool:
    """Return whether a pair asks for a program, a query, markup or an algorithm, or works on one."""
    if _has_code(f"{pair.instruction}\n{pair.input}\n{pair.response}"):
        return True
    instruction = pair.instruction
    if not _has_any(instruction, _CODE_NOUNS):
        return False
    return bool(_CODE_ASKED.search(instruction)) and not _NO_CODE.search(instruction)


def _has_code(text: str) -> bool:
    return _has_any(text, _CODE_MARKS) and bool(_CODE_LINES.search(text))


def _has_any(text: str, parts: Iterable[str]) -> bool:
    return any(part in text for part in parts)


_FORMULA = re.compile(
    r"""\d\s*[+*×÷^]\s*[\d(] | \d\s+[-−/x]\s+[\d(]+(?!\s*(?:words|sentences|years|minutes)) | \b\d*[xyz]\s*[-+=^]\s*\d
      | [\d)]\s*=\s*[\d?] | \\(?:frac|sqrt|int|sum|cdot|times|pi|theta|alpha|begin)\b | [√∫∑π]
      | \$[^$\n]*[=^\\<>][^$\n]*\$ | \d\s*%\s+of\s+\$?\d""",
    re.VERBOSE,
)
_STRONG = (
    r"(?:equation|inequality|expression|math\w*|arithmetic|factorial|fraction|hexadecimal|binary|roman\s+numerals?|formula"
    r"|integral|derivative|polynomial|prime\s+(?:number|factor\w*)s?|(?:square|cube|\w+th)\s+root|sum\s+of|product\s+of"
    r"|scientific\s+notation)"
)
_QUANTITY = (
    rf"(?:{_STRONG}|sum|quotient|average|mean|median|percent(?:age)?|probability|area|volume|perimeter|circumference"
    r"|hypotenuse|diameter|prime|matrix|determinant|slope|midpoint|angle|triangle|rectangle|greatest\s+common"
    r"|least\s+common|lcm|gcd|standard\s+deviation|variance|interest|total\s+(?:cost|price|sum|amount)|absolute\s+value"
    r"|(?:maximum|minimum)(?:\s+possible)?\s+(?:value|difference|sum)|remainder|divisors?|(?:next|missing)\s+(?:number|term)"
    r"|digits?|numbers?|integers?|decimal|logarithm|exponent|ratio|speed|distance|flow\s+rate)"
)
_UNIT = (
    r"(?:cel[sc]ius|far?h?renheit|kelvin|miles?|kilomet(?:er|re)s?|km|met(?:er|re)s?|feet|foot|inch(?:es)?|yards?|cm|pounds?"
    r"|kilograms?|kg|grams?|ounces?|lit(?:er|re)s?|gallons?|degrees?|radians|hours|minutes|seconds|dollars?|cents|euros?"
    r"|percent|decimals?|octal|base\s+\d+|temperatures?|numbers?|angle|slope)"
)
_CALCULATION = re.compile(
    rf"""(?:add|subtract|multiply|divide|sum|increment)\b(?=.{{0,40}}(?:\d|numbers?|integers?))
       | (?:solve|simplify|evaluate|factor(?:i[sz]e)?|differentiate|integrate|reduce|round|expand)\b
         (?=.{{0,60}}(?:{_QUANTITY}\b|[a-z]\s*=|\d\s*[-+*/^]))
       | convert\b(?=.{{0,60}}\b(?:{_UNIT}|{_STRONG})\b)
       | (?:find|determine|what(?:\s+is|'s|\s+are)|work\s+out|estimate|output|predict|figure\s+out|calculate|compute)\b
         (?=.{{0,70}}\b{_QUANTITY}\b)
       | (?:give|display|answer|state|tell\s+me|express|write|show|create|take|rotate|transpose|invert)\b
         (?=.{{0,50}}\b(?:{_STRONG}|matrix)\b)""",
    re.VERBOSE,
)
_FORMULA_ASKED = re.compile(
    r"(?:find|determine|state|write|create|generate|construct|formulate|derive|give|provide|design|what\s+is|compose)\b"
    r".{0,30}\b(?:equation|formula|math(?:ematics|ematical)?\s+(?:problem|equation|puzzle))s?\b"
)
_COUNTED = re.compile(
    r"\bhow\s+(?:many|much|long|far|old|fast|tall|often)\b|\bwhat\s+(?:percent|percentage|fraction|is\s+the\s+(?:total"
    r"|probability|ratio|area|sum|value|average|remainder|cost|price))\b|\bin\s+total\b|\b(?:calculate|compute)\b"
    r"|\bfind\s+the\s+(?:value|number|sum|area|total|smallest|largest|least|greatest)\b"
)
_PROOF = re.compile(
    r"(?:prove|show)\s+that\b.*\b(?:number|integer|prime|irrational|even|odd|triangle|root|sum|equals|divisible|function|set)\b"
    r"|.{0,40}\b(?:derivative|integral|antiderivative)\s+of\b"
)
_STORY_CHARACTERS = 100
"""From this length on one number beside "how many" makes a word problem; a shorter text needs two."""
_NUMBER = re.compile(r"\d+")
_NO_MATHS = re.compile(
    r"""\d+(?:\s*-\s*\d+)?\s+(?:words|sentences|lines|paragraphs?|syllables|questions?)\b | multiple[ -]choice
      | password | explain\s+(?:how|why|the\s+(?:concept|importance))
      | \b(?:word|sentence|character|letter|adjective|noun|verb|vowel)s?\b
      | population | \b(?:story|poem|essay|article|strategy|mnemonic)\b | chemical | balanced | phone\s+number
      | stock\s+price
      | \b(?:1[5-9]|20)\d\d\s*[-–]\s*(?:1[5-9]|20)\d\d\b
      | speed\s+of\s+light | number\s+of\s+(?:people|countries|planets|states|participants|students)
      | examples?\s+of""",
    re.VERBOSE,
)


def is_mathematics(pair: NormalisedPair) -> bool:
    """Return whether a pair asks for a calculation, a conversion of numbers or units, a formula, solution or proof."""
    instruction = pair.instruction
    if instruction.startswith(("calculate", "compute ")):
        return True
    numbers = len(_NUMBER.findall(instruction)) + len(_NUMBER.findall(pair.input))
    begins = _FORMULA_ASKED.match(instruction) or (numbers and _CALCULATION.match(instruction))
    counted = numbers >= 1 + (len(instruction) < _STORY_CHARACTERS) and _COUNTED.search(instruction)
    asks = begins or counted or _PROOF.match(instruction)
    if asks or _has_formula(instruction, numbers) or _has_formula(pair.input, numbers):
        return not _NO_MATHS.search(instruction)
    return False


def _has_formula(text: str, numbers: int) -> bool:
    return bool((numbers or "\\" in text or "$" in text) and _FORMULA.search(text))
