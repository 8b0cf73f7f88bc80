"""Quality marks that are functions of one sample: what each finds, and what only looks like it."""

import re

import pytest

from srt_core.importing.kinds import TaskType, kind_of
from srt_core.importing.marks import BY_NAME, MARKS
from srt_core.importing.marks.mark import Original
from srt_core.records import NO_CONTEXT, Context, Pair, Role, Turn

FUNCTIONS = [mark for mark in MARKS if mark.function]


def look(name: str, pair: Pair, task: TaskType | None = None) -> str | None:
    """Look for a mark in a pair, its task read from its words where none is given."""
    function = BY_NAME[name].function
    assert function is not None
    return function(Original(1, pair, task or kind_of(pair).task))


def answered(response: str, instruction: str = "Tell me about the river Elbe.", input_: str = "") -> Pair:
    return Pair(instruction, response, input_)


FOUND = [
    ("special_tokens", answered("Sure.<|im_end|>"), "“<|im_end|>” in the response, at character 6"),
    ("special_tokens", answered("Yes", "<|im_start|>user\nIs ice cold?"), "“<|im_start|>” in the instruction"),
    ("special_tokens", answered("It is cold.</s>"), "“</s>” in the response, at character 12"),
    ("special_tokens", answered("<s>It is cold.</s>"), "“<s>”"),
    ("special_tokens", answered("Fine", "[INST] Is ice cold? [/INST]"), "“[INST]” in the instruction, at character 1"),
    ("special_tokens", answered("Fine", "Hello", "<<SYS>>Be kind<</SYS>>"), "in the input"),
    ("special_tokens", answered("Ice.<end_of_turn>"), "“<end_of_turn>”"),
    ("special_tokens", answered("Ice.<｜end▁of▁sentence｜>"), "response"),
    ("special_tokens", Pair("Go on", "Yes.", context=Context("Be kind.<|eot_id|>")), "in the system text"),
    ("special_tokens", Pair("And?", "Yes.", context=Context("", (Turn(Role.USER, "a</s>"),))), "in the earlier turn 1"),
    (
        "template_text",
        answered("It is cold.\n\n### Response: It is"),
        "“### Response:” in the response, at character 14",
    ),
    ("template_text", answered("Cold.", "Below is a task.\n### Instruction:\nIs ice cold?"), "in the instruction"),
    ("template_text", answered("ASSISTANT: Ice is cold."), "“ASSISTANT:”"),
    ("template_text", answered("\nAssistant: Ice is cold."), "“Assistant:”"),
    ("template_text", answered("Ice is cold.\nUSER: And snow?"), "“USER:” in the response, at character 14"),
    ("template_text", answered("Ice.\n16. Instruction: Name a river.\n16. Output:\nElbe"), "“16. Instruction:”"),
    ("template_text", answered("Ice is cold.\nHuman: And snow?\nAssistant: Too."), "“Human:”"),
    ("unfinished", answered("The Elbe rises in Bohemia. It flows through Dresden and then it"), "Dresden and then it"),
    ("unfinished", answered("Some rivers are long, others are short, and the"), "short, and the"),
    ("unfinished", answered("The three longest rivers of the country are:"), "country are:"),
    ("unfinished", answered("```python\nprint(1)\n"), "code block"),
    ("unfinished", answered("易北河发源于捷克。它流经德累斯顿和汉堡，最后流入"), "最后流入"),
    (
        "unfinished",
        answered("1. Wash the rice.\n2. Boil it.\n3. Let it rest.\n4. Add the salt and some"),
        "salt and some",
    ),
    ("refusal", answered("As an AI language model, I cannot taste food."), "“As an AI language model,”"),
    ("refusal", answered("Well, I'm just an AI assistant and have no body."), "I'm just an AI assistant"),
    ("refusal", answered("I'm sorry, but I can't assist with that request."), "in the response, at character 1"),
    ("refusal", answered("Sorry, I am unable to provide this."), "Sorry"),
    ("refusal", answered("Als KI-Sprachmodell kann ich das nicht."), "Als KI-Sprachmodell"),
    ("refusal", answered("En tant qu'IA, je n'ai pas d'avis."), "En tant qu'IA"),
    ("refusal", answered("Como modelo de lenguaje, no tengo opiniones."), "Como modelo de lenguaje,"),
    ("refusal", answered("作为一个AI语言模型，我没有感情。"), "作为"),
    ("refusal", answered("AI言語モデルとして、意見はありません。"), "として"),
    ("repeats_instruction", answered("Tell me about the river Elbe.\nIt is long."), "begins with the instruction"),
    ("repeats_instruction", answered("tell me about the  river Elbe"), "is the instruction again"),
    ("repeats_instruction", answered("易北河在哪里流入大海呢？在库克斯港。", "易北河在哪里流入大海呢？"), "begins"),
    (
        "other_language",
        answered(
            "The Elbe rises in the mountains of Bohemia, and it flows into the North Sea.",
            "Erzähle mir bitte etwas über den längsten Fluss von Sachsen.",
        ),
        "the instruction is in de, the response in en",
    ),
    (
        "other_language",
        answered("易北河发源于捷克的山区，流经德累斯顿、马格德堡和汉堡，最后流入北海。它是中欧最长的河流之一。"),
        "the instruction is in en, the response in zh",
    ),
    ("hidden_characters", answered("zero\u200bwidth"), "U+200B (zero width space) in the response, at character 5"),
    ("hidden_characters", answered("\ufeffFirst"), "U+FEFF"),
    ("hidden_characters", answered("bell\x07"), "U+0007 (control character)"),
    ("hidden_characters", answered("shut\u202eup"), "U+202E"),
    ("hidden_characters", answered("Elbe", "soft\u00adly"), "in the instruction"),
    ("hidden_characters", answered("in\u200dfix"), "U+200D"),
    ("broken_characters", answered("It\u00e2\u20ac\u2122s cold"), "in the response, at character 3"),
    ("broken_characters", answered("caf\ufffd"), "response"),
    ("broken_characters", answered("Caf\u00c3\u00a9"), "response"),
    ("near_empty", answered(""), "the response is empty"),
    ("near_empty", answered("..."), "the response is “...”"),
    ("near_empty", answered("<noinput>"), "<noinput>"),
    ("near_empty", answered("N/A"), "N/A"),
    ("near_empty", answered("[Insert poster here]"), "Insert poster"),
    ("html_remains", answered("It is long.<br>It is deep."), "“<br>” in the response, at character 12"),
    ("html_remains", answered("Fish&nbsp;and chips"), "“&nbsp;”"),
    ("html_remains", answered("It is <b>long</b>."), "“<b>”"),
    ("html_remains", answered("Long", "Sum up", '<div class="x">A river</div>'), "in the input"),
    ("contact", answered("Write to anna.berg@posteo.de."), "an…@posteo.de in the response, at character 10"),
    ("contact", answered("Call +49 30 9018 2033 today."), "+49 …33"),
    ("contact", answered("Call (212) 736-5000."), "(212…00"),
    ("contact", answered("Call 212-736-5000."), "212-…00"),
]

NOT_FOUND = [
    ("special_tokens", answered("Use <s>old</s> new prices.")),
    ("special_tokens", answered("a <| b |> c and List<s2>")),
    ("special_tokens", answered("xs |> map f <|> g")),
    ("special_tokens", answered("See [1] and [INSTALL] notes.")),
    ("template_text", answered("## Response\nThe response of the market was good.")),
    ("template_text", answered("User: hi\nBot: hello", "Write a dialogue between a user and a bot.")),
    ("template_text", answered("The answer is 4: two and two.")),
    ("template_text", answered("Answer: 4")),
    ("template_text", answered("Assistant: How can I help?", "Write the script of a scene in a bank.")),
    ("template_text", answered("### Answer: 42\n\n### Input:\n5\n### Output:\n7")),
    ("template_text", answered("## Instructions\n\nMix it.\n\n### System requirements: none")),
    ("template_text", answered("1. Instruction: Sum up.", "Write instructions for a test of a model.")),
    ("unfinished", answered("Paris")),
    ("unfinished", answered("The capital of France is Paris")),
    ("unfinished", answered("apples, pears, plums, cherries, grapes, melons, figs, dates")),
    ("unfinished", answered("It is long. See https://example.org/rivers/of/europe")),
    ("unfinished", answered("- Wash the rice\n- Boil it for ten minutes in water\n- Let it rest for a while")),
    ("unfinished", answered("| River | Length |\n|---|---|\n| Elbe | very long indeed for a small country |")),
    ("unfinished", answered("def f(x):\n    return x + 1 if x else f(x) and g(x)", "Write a Python function.")),
    ("unfinished", answered("Write it so:\n```\na = 1\n```")),
    ("unfinished", answered("易北河发源于捷克。它流经德累斯顿和汉堡，最后流入北海。")),
    ("unfinished", answered("नदी लंबी है। यह समुद्र में गिरती है और बहुत गहरी है।")),
    ("unfinished", answered("แม่น้ำสายนี้ยาวมาก ไหลผ่านหลายเมืองและลงสู่ทะเล")),
    ("unfinished", answered("هل النهر طويل؟ نعم، إنه طويل جدا ويصب في البحر؟")),
    ("unfinished", answered("Dear Tom,\nthank you for all of it.\n\nYours sincerely,\nAnna Berg")),
    ("unfinished", answered("Roses are red\nViolets are blue\nThe river runs slowly and so do you", "Write a poem.")),
    ("unfinished", answered("Rivers matter! Keep them clean for all of us. #rivers #cleanwater #elbe")),
    ("unfinished", answered("1. Your name:\n2. Your address:\n3. What did you like about our new shop:")),
    ("unfinished", answered("The court ruled in Brown v. Board of Education for the whole country")),
    ("unfinished", answered('He wrote this: "The river is long. It is deep and cold"')),
    ("unfinished", answered("The vowels of the sentence in their order are: e e e a e o")),
    (
        "unfinished",
        answered("I. The early years: a start.\n\nII. Later years: much.\n\nIII. The end: what they came to"),
    ),
    ("refusal", answered("As an AI engineer, she builds models.", "Who is she?")),
    ("refusal", answered("As an aid to memory, write it down.")),
    ("refusal", answered("As an AI, I dream of rivers.", "Write a poem in the voice of an AI.")),
    ("refusal", answered("I'm sorry, but I cannot come to your party.", "Write a reply.")),
    ("refusal", answered("Als Kind war er oft am Fluss, und als Kapitän kam er wieder.")),
    ("refusal", answered("Como la inteligencia artificial avanza, todo cambia.")),
    ("repeats_instruction", answered("Hello! How are you?", "Hello")),
    ("repeats_instruction", answered("Once upon a time a king lived.", "Once upon a time a king")),
    ("repeats_instruction", answered("I love long rivers.", 'Repeat this: "I love long rivers."')),
    ("repeats_instruction", answered("The river Elbe is long.")),
    ("other_language", answered("Der Fluss ist sehr lang und fließt durch viele große Städte.", "Say it in German.")),
    ("other_language", answered("Ja.", "Is the river long, and does it flow into the sea?")),
    (
        "other_language",
        answered("Il fiume è lungo e profondo e scorre fino al mare.", "Translate to Italian: a river"),
    ),
    (
        "other_language",
        answered(
            "Der Text handelt von einem Fluss, der durch viele Städte fließt und dann ins Meer mündet.",
            "What is this text about? Sum it up in a sentence.",
            "Der Fluss entspringt im Gebirge und fließt durch viele Städte, bis er ins Meer mündet.",
        ),
    ),
    ("other_language", answered("Helium, Lithium, Beryllium, Carbonium, Fluorum, Natrium, Magnesium, Silicium, Argon")),
    (
        "other_language",
        answered("Penne\nRigatoni\nGnocchi\nOrecchiette\nFusilli\nPappardelle\nCannelloni"),
    ),
    ("hidden_characters", answered("Family: \U0001f468\u200d\U0001f469\u200d\U0001f467")),
    ("hidden_characters", answered("می\u200cخواهم")),
    ("hidden_characters", answered("שלום\u200f!")),
    ("hidden_characters", answered("line\r\n\tline")),
    ("hidden_characters", answered("Heart \u2764\ufe0f and caf\u00e9")),
    ("broken_characters", answered("São Paulo, AÇÃO, café, naïve, “so”")),
    ("near_empty", answered("A")),
    ("near_empty", answered("7")),
    ("near_empty", answered("是")),
    ("near_empty", answered("👍")),
    ("near_empty", answered("+")),
    ("near_empty", answered("!", "Which punctuation mark ends a shout?")),
    ("near_empty", answered("Empty", "Is the jar full or empty?")),
    ("html_remains", answered("Use the <br> tag.", "How do I break a line in HTML?")),
    ("html_remains", answered("Write `<br>` there.")),
    ("html_remains", answered("| a<br>b | c |\n|---|---|")),
    ("html_remains", answered("If a<b and b>c then a <i> c.")),
    ("html_remains", answered("Fish & chips; AT&T")),
    ("contact", answered("Write to name@example.com or you@company.com.")),
    ("contact", answered("The @property decorator, and @anna on the web.")),
    ("contact", answered("Call 555-123-4567 or 123-456-7890.")),
    ("contact", answered("On 2020-01-31 it was 1,234,567,890 and ISBN 978-3-16-148410-0.")),
    ("contact", answered("The ratio is 100 200 3000.")),
]


@pytest.mark.parametrize(("name", "pair", "detail"), FOUND)
def test_a_mark_says_what_it_found_and_where(name: str, pair: Pair, detail: str) -> None:
    """A mark is found where it is, and its reason names it and its place."""
    found = look(name, pair)
    assert found is not None
    assert detail in found


@pytest.mark.parametrize(("name", "pair"), NOT_FOUND)
def test_what_looks_like_a_mark_is_none(name: str, pair: Pair) -> None:
    """What belongs in a text, or was asked for, has no mark."""
    assert look(name, pair) is None


@pytest.mark.parametrize("mark", FUNCTIONS, ids=lambda mark: mark.name)
def test_every_mark_takes_any_text(mark: object) -> None:
    """Empty texts, long ones, other scripts and odd characters are looked at, and a reason is one short line."""
    odd = [
        "",
        " ",
        "\n",
        "\x00",
        "`" * 9,
        "<" * 400,
        "@" * 400,
        "a" * 9_000,
        "1-" * 900,
        "ÃÂ\u200b" * 90,
        "#" * 40,
        "\n" * 9_000,
        " \n." * 3_000,
        "a@a." * 3_000,
    ]
    for text in odd:
        for pair in (answered(text), Pair(text, text, text, Context(text, (Turn(Role.USER, text),)))):
            for task in TaskType:
                found = look(mark.name, pair, task)  # type: ignore[attr-defined]
                assert found is None or (0 < len(found) < 200 and "\n" not in found)


def test_names_are_fit_for_addresses() -> None:
    """No two marks share a name, names are words of letters, and each mark has one way to be found."""
    assert len(BY_NAME) == len(MARKS)
    for mark in MARKS:
        assert re.fullmatch(r"[a-z_]+", mark.name)
        assert (mark.function is None) != (mark.relation is None)
        assert mark.help.endswith(".")


def test_a_personal_address_is_not_shown_whole() -> None:
    """The reason of a contact masks it, so that no other place of the project holds it."""
    found = look("contact", answered("Write to anna.berg@posteo.de or call +49 30 9018 2033."))
    assert found is not None
    assert "anna.berg" not in found


def test_no_context_is_no_text() -> None:
    """A pair without a context has the texts of the pair alone, and empty ones are left out."""
    assert [name for name, _ in Original(1, Pair("a", "b", context=NO_CONTEXT)).texts] == ["instruction", "response"]
