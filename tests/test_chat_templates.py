"""A tokenizer's own chat template is another's code: whatever it does is a text that is whole, or a sentence."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from srt_core.errors import ChatRefusedError, StudentError
from srt_core.records import Pair
from srt_core.score.prompts import NotCarriedError, prompts_of
from srt_core.score.student import ChatTemplate
from srt_core.score.student.rendering import RENDERER
from srt_core.score.templates import load_template
from tests.tiny_students import byte_tokenizer

PAIR = Pair("Name three colours of the rainbow.\nSay why.", "Red.")
FAILING = {
    "an index beyond the end": "{{ messages[5].content }}",
    "division by zero": "{{ 1 / 0 }}",
    "an unknown name": "{{ messages.nope.deeper }}",
    "a sum of unlike things": "{{ messages + 1 }}",
    "endless recursion": "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
    "bad syntax": "{% if %}",
    "more than fits in memory": "{{ 'a' * 10 ** 15 }}",
    "a forbidden attribute": "{{ messages.__class__.__mro__ }}",
    "its own refusal": "{{ raise_exception('a system text first') }}",
    "half a surrogate pair": "{{ '\\ud800' }}{{ messages[0].content }}",
    "a count that Jinja forbids": "{% for i in range(10 ** 9) %}{{ i }}{% endfor %}",
    "a text that doubles": (
        "{% set n = namespace(t='a' * 10) %}{% for i in range(99) %}{% set n.t = n.t + n.t %}{% endfor %}"
    ),
    "far more than it is given": "{{ 'a' * 10 ** 7 }}",
}
ENDLESS = {
    "a loop in a loop": "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
    "one number, which holds every thread of a process": "{{ 7 ** (10 ** 8 * messages | length) }}",
    "a number that is worked out before the template runs": "{{ 7 ** (10 ** 8) }}",
}
SWALLOWING = {
    "roles only": "{% for m in messages %}[{{ m.role }}]{% endfor %}",
    "lists of parts": "{% for m in messages %}{% for p in m.content %}{{ p.text }}{% endfor %}{% endfor %}",
    "other letters": "{% for m in messages %}{{ m.content | upper }}{% endfor %}",
    "nothing": " ",
    "the beginning": "{{ messages[0].content[:20] }}",
    "one line": "{{ messages[0].content.replace('\\n', ' ') }}",
}


def chat(template: str | dict[str, str]) -> ChatTemplate:
    tokenizer = byte_tokenizer(has_bos=True)
    tokenizer.chat_template = template  # several have names
    return ChatTemplate(tokenizer, "fussy")


@pytest.mark.parametrize("name", FAILING)
def test_whatever_a_template_raises_is_a_sentence(name: str) -> None:
    """Each kind of failure names the student and the roles that were tried, and says what to choose instead."""
    with pytest.raises(ChatRefusedError, match="'fussy' refuses a conversation .user.") as caught:
        prompts_of(load_template("chat"), chat(FAILING[name])).prompt(PAIR)
    assert "chatml" in caught.value.hint


@pytest.mark.parametrize("name", ENDLESS)
def test_a_template_that_does_not_end_is_stopped(name: str) -> None:
    """It may go on for one conversation alone, where no trial finds it: the student is named, and the next is read."""
    only = "{% if 'rainbow' in messages[0].content %}" + ENDLESS[name] + "{% endif %}{{ messages[0].content }}"
    with pytest.raises(StudentError, match="student 'fussy' was stopped at a conversation .user.: .* 2 s") as caught:
        prompts_of(load_template("chat"), chat(only)).prompt(PAIR)
    assert "chatml" in caught.value.hint and not isinstance(caught.value, ChatRefusedError)
    whole = prompts_of(load_template("chat"), chat("{{ messages[0].content }}"))
    assert whole.prompt(Pair("Say hello.", "Hello.")) == "Say hello."


def test_a_template_sees_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process that runs templates has none of the environment in which a teacher's key may be."""
    monkeypatch.setenv("SRT_TEST_KEY", "sk-secret")
    RENDERER.close()
    assert chat("{{ messages[0].content }}").chat_text([{"role": "user", "content": "Hi"}], opened=True) == "Hi"
    assert RENDERER.pid is not None
    assert b"sk-secret" not in Path(f"/proc/{RENDERER.pid}/environ").read_bytes()


def test_threads_get_their_own_texts() -> None:
    """Conversations of several threads share one process, and none gets the text of another."""
    template = chat("{{ messages[0].content }}")

    def texts(name: str) -> set[str]:
        return {template.chat_text([{"role": "user", "content": name}], opened=False) for _ in range(50)}

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(texts, "abcd")) == [{"a"}, {"b"}, {"c"}, {"d"}]


@pytest.mark.parametrize("name", SWALLOWING)
def test_a_template_that_does_not_write_the_whole_text_is_refused(name: str) -> None:
    """No prompt is ever shorter than the pair, or another text."""
    with pytest.raises(
        (StudentError, NotCarriedError), match="leaves out the texts|does not write the instruction whole"
    ):
        prompts_of(load_template("chat"), chat(SWALLOWING[name])).prompt(PAIR)


def test_templates_with_names_are_listed_where_none_is_the_default() -> None:
    """The default is taken where there is one; else the sentence has the names."""
    whole = "{% for m in messages %}{{ m.content }}{% endfor %}"
    assert chat({"default": whole, "rag": "x"}).chat_text([{"role": "user", "content": "Hi"}], opened=True) == "Hi"
    with pytest.raises(StudentError, match="none by default: rag, tool_use") as caught:
        chat({"rag": whole, "tool_use": whole}).chat_text([{"role": "user", "content": "Hi"}], opened=True)
    assert "tokenizer_config.json" in caught.value.hint
