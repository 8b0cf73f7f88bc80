"""The rules of the design that no linter watches."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from srt_core.methods import METHODS
from srt_core.project.store import Store
from srt_core.records import DERIVATIONS, Origin, Policy, Stage
from srt_core.select.rule import rule

ROOT = Path(__file__).parent.parent
CORE = ROOT / "srt_core"
SCRIPTS = [path for pattern in ("app.py", "setup.py", "pages/*.py", "scripts/*.py") for path in ROOT.glob(pattern)]
OURS = sorted([*CORE.rglob("*.py"), *SCRIPTS])
CORE_FILES = sorted(CORE.rglob("*.py"))
TEST_FILES = sorted((ROOT / "tests").rglob("test_*.py"))

Function = ast.FunctionDef | ast.AsyncFunctionDef


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def public_functions(body: list[ast.stmt]) -> Iterator[Function]:
    """Functions of a module and methods of its public classes, without a leading underscore."""
    for node in body:
        if isinstance(node, Function) and not node.name.startswith("_"):
            yield node
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield from public_functions(node.body)


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


HEAVY = {"torch", "transformers", "ray", "openai", "streamlit", "scipy", "pyarrow", "sklearn", "plotly", "py3langid"}
CORE_MODULES = [name for name in map(module_name, CORE_FILES) if not name.startswith("srt_core.ui")]


def test_importing_the_core_is_cheap() -> None:
    """No module below the screens loads a library that takes a tenth of a second to import, or one of the screens."""
    assert loaded_by(CORE_MODULES) & HEAVY == set()


def test_a_command_loads_what_it_needs_alone(tmp_path: Path) -> None:
    """`srt status` loads no NumPy, no progress bars, no comparison of texts, and neither teacher nor student."""
    Store.create(tmp_path / "p.srt").close()
    command = (
        "import atexit, sys; from srt_core.commands.main import main; atexit.register(lambda: print(*sys.modules))"
    )
    loaded = printed_by(f"{command}; main()", "status", str(tmp_path / "p.srt"))
    assert "srt_core.review.status" in loaded
    needless = {*HEAVY, "numpy", "rensa", "rich", "rapidfuzz", "asyncio", "srt_core.reflect.run", "srt_core.score.run"}
    assert loaded & needless == set()


def loaded_by(modules: Sequence[str]) -> set[str]:
    """Return all that a process of its own has loaded once it has imported these modules."""
    script = "import importlib, sys\nfor name in sys.argv[1:]: importlib.import_module(name)\nprint(*sys.modules)"
    return printed_by(script, *modules)


def printed_by(script: str, *arguments: str) -> set[str]:
    """Return the words that a process of its own prints."""
    command = [sys.executable, "-c", script, *arguments]
    finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert finished.stderr == ""
    return set(finished.stdout.split())


def trees(paths: Sequence[Path]) -> Iterator[tuple[str, ast.Module]]:
    """The name and the syntax tree of each file, of which there are some."""
    assert paths
    return ((relative(path), ast.parse(path.read_text("utf-8"))) for path in paths)


def catches_too_much(handler: ast.ExceptHandler) -> bool:
    caught = ast.unparse(handler.type) if handler.type else ""
    raises_again = any(isinstance(node, ast.Raise) and node.exc is None for node in ast.walk(handler))
    return caught in ("", "Exception") or (caught == "BaseException" and not raises_again)


def test_no_error_is_caught_without_a_name() -> None:
    """Neither `except:` nor `except Exception:`; only clean-up that raises again may catch BaseException."""
    found = [
        f"{name}, line {node.lineno}"
        for name, tree in trees(OURS)
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler) and catches_too_much(node)
    ]
    assert found == []


def test_public_functions_say_what_they_do() -> None:
    """Every public module, function and method of the core has a docstring."""
    found = []
    for name, tree in trees(CORE_FILES):
        found += [name] if tree.body and not ast.get_docstring(tree) else []
        found += [f"{name}: {node.name}" for node in public_functions(tree.body) if not ast.get_docstring(node)]
    assert found == []


def test_tests_state_their_rule() -> None:
    """Every test begins with the rule it checks, as its docstring."""
    found = [
        f"{name}: {node.name}"
        for name, tree in trees(TEST_FILES)
        for node in public_functions(tree.body)
        if node.name.startswith("test_") and not ast.get_docstring(node)
    ]
    assert found == []


ORIGIN_LITERALS = re.compile(r"""['"](ORIGINAL|RESPONSE|INSTRUCTION|BOTH)['"]""")
NAME_ORIGINS = {"srt_core/records/origins.py", "srt_core/select/rule.py"}


def test_only_the_rule_and_the_table_name_the_origins() -> None:
    """What the four origins are is data of one table; beside it the rule alone says their names in SQL."""
    named = {relative(path) for path in CORE_FILES if ORIGIN_LITERALS.search(path.read_text("utf-8"))}
    assert named == NAME_ORIGINS


def test_only_a_methods_file_names_what_it_brings() -> None:
    """A measure, a guard or a loss that a method brings is data: no other file of the package knows it by name."""
    brought = {each.name for method in METHODS.values() for each in method.measures}
    brought |= {each.name for method in METHODS.values() for each in method.guards}
    brought |= {each.name for method in METHODS.values() for each in method.losses}
    others = [path for path in CORE_FILES if path.parent.name != "methods"]
    named = {relative(path): set(re.findall(r"\w+", path.read_text("utf-8"))) & brought for path in others}
    assert {name: found for name, found in named.items() if found} == {}
    assert brought


WRITES_ADDRESS = re.compile(
    r"del st\.query_params|st\.query_params(\.(pop|popitem|update|setdefault|clear|from_dict)\(|\[[^]]+\] = )"
)


def test_one_file_writes_the_address() -> None:
    """What a page puts into its address is remembered there: a run that a timer starts would else go back from it."""
    written = {relative(path) for path in OURS if WRITES_ADDRESS.search(path.read_text("utf-8"))}
    assert written == {"srt_core/ui/frame/address.py"}


def test_the_rule_follows_the_table_of_origins() -> None:
    """The rule's statement compares each rewrite with its parent by the measure and in the direction of the table."""
    statement = " ".join(rule([Policy()]).split())
    for origin, made in DERIVATIONS.items():
        child, parent = f"{origin.lower()}_{made.measure}", f"{made.parent.lower()}_{made.measure}"
        if made.stage is Stage.INSTRUCTION:
            assert (made.direction, f"{child} > {parent} + instruction_margin" in statement) == (1, True)
            continue
        assert (made.direction, f"{child} < {parent} - response_margin" in statement) == (-1, True)
    assert set(re.findall(r"'([A-Z]+)'", statement)) >= set(Origin)
