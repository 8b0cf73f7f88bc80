"""On real texts with a real student the rule's SQL selects what the plain-Python rule selects."""

from pathlib import Path

from tests.random_policies import cases_of, compare, create_real_project, random_policies


def test_random_policies_select_the_same_on_a_real_project(tmp_path: Path, shared_dir: Path) -> None:
    """Winner, pick and reason agree on every sample under policies whose limits are numbers that occur."""
    with create_real_project(tmp_path / "real.srt", shared_dir, 8) as store:
        cases = cases_of(store)
        compared, differing = compare(store, cases, random_policies(cases, 25, seed=1))
    assert compared == 25 * len(cases) == 200
    assert not differing
