"""The rules of the design that no linter watches."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CORE = ROOT / "srt_core"
OURS = sorted([*CORE.rglob("*.py"), *ROOT.glob("app.py"), *ROOT.glob("pages/*.py"), *ROOT.glob("scripts/*.py")])
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


CORE_MODULES = [name for name in map(module_name, CORE_FILES) if not name.startswith("srt_core.ui")]


def test_importing_the_core_is_cheap() -> None:
    """No module below the screens loads torch, transformers, ray, openai or streamlit when it is imported."""
    script = (
        "import importlib, sys\n"
        "for name in sys.argv[1:]: importlib.import_module(name)\n"
        "print(*sorted({'torch', 'transformers', 'ray', 'openai', 'streamlit'} & set(sys.modules)))"
    )
    finished = subprocess.run(
        [sys.executable, "-c", script, *CORE_MODULES], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (finished.stdout.strip(), finished.stderr) == ("", "")


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
