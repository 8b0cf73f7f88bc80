"""The rules of the design that no linter watches."""

import ast
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

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


def test_importing_the_command_line_is_cheaper() -> None:
    """Neither NumPy, nor what draws progress bars or compares texts, is loaded before a command needs it."""
    assert loaded_by(["srt_core.commands.main"]) & {*HEAVY, "numpy", "rich", "rapidfuzz"} == set()


def loaded_by(modules: Sequence[str]) -> set[str]:
    """Return all that a process of its own has loaded once it has imported these modules."""
    script = "import importlib, sys\nfor name in sys.argv[1:]: importlib.import_module(name)\nprint(*sys.modules)"
    command = [sys.executable, "-c", script, *modules]
    finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert finished.stderr == ""
    return set(finished.stdout.split())


@pytest.mark.parametrize("path", OURS, ids=relative)
def test_no_error_is_caught_without_a_name(path: Path) -> None:
    """Neither `except:` nor `except Exception:`; only clean-up that raises again may catch BaseException."""
    for handler in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(handler, ast.ExceptHandler):
            caught = ast.unparse(handler.type) if handler.type else ""
            raises_again = any(isinstance(node, ast.Raise) and node.exc is None for node in ast.walk(handler))
            assert caught not in ("", "Exception"), f"line {handler.lineno}"
            assert caught != "BaseException" or raises_again, f"line {handler.lineno}"


@pytest.mark.parametrize("path", CORE_FILES, ids=relative)
def test_public_functions_say_what_they_do(path: Path) -> None:
    """Every public module, function and method of the core has a docstring."""
    tree = ast.parse(path.read_text("utf-8"))
    assert ast.get_docstring(tree) or not tree.body, "the module has no docstring"
    assert [node.name for node in public_functions(tree.body) if not ast.get_docstring(node)] == []


@pytest.mark.parametrize("path", TEST_FILES, ids=relative)
def test_tests_state_their_rule(path: Path) -> None:
    """Every test begins with the rule it checks, as its docstring."""
    functions = public_functions(ast.parse(path.read_text("utf-8")).body)
    tests = [node for node in functions if node.name.startswith("test_")]
    assert [node.name for node in tests if not ast.get_docstring(node)] == []
