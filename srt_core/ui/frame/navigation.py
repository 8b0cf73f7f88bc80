"""The pages, in groups as the sidebar lists them, and the way from one to another."""

from collections.abc import Collection, Mapping, Sequence

import streamlit as st

PAGES: Mapping[str, tuple[str, str]] = {
    "app.py": ("Overview", ":material/home:"),
    "pages/1_Import.py": ("Import", ":material/upload_file:"),
    "pages/2_Reflect.py": ("Reflect", ":material/rate_review:"),
    "pages/3_Score.py": ("Score", ":material/speed:"),
    "pages/15_Coach.py": ("Coach", ":material/school:"),
    "pages/14_Methods.py": ("Methods", ":material/schema:"),
    "pages/4_Explore.py": ("Explore", ":material/travel_explore:"),
    "pages/5_Thresholds.py": ("Thresholds", ":material/tune:"),
    "pages/12_Compare.py": ("Compare", ":material/compare_arrows:"),
    "pages/6_Review.py": ("Review", ":material/fact_check:"),
    "pages/7_Trust.py": ("Trust", ":material/verified:"),
    "pages/8_Export.py": ("Export", ":material/download:"),
    "pages/13_Runs.py": ("Runs", ":material/model_training:"),
    "pages/9_History.py": ("History", ":material/history:"),
    "pages/10_People.py": ("People", ":material/group:"),
    "pages/11_Glossary.py": ("Glossary", ":material/menu_book:"),
}
"""Title and icon of each page, by its file."""

GROUPS: Mapping[str, Sequence[str]] = {
    "Data": ("app.py", "pages/1_Import.py"),
    "Teacher and student": ("pages/2_Reflect.py", "pages/3_Score.py", "pages/15_Coach.py", "pages/14_Methods.py"),
    "Curate": (
        "pages/4_Explore.py",
        "pages/5_Thresholds.py",
        "pages/12_Compare.py",
        "pages/6_Review.py",
        "pages/7_Trust.py",
    ),
    "Ship": ("pages/8_Export.py", "pages/13_Runs.py"),
    "Project": ("pages/9_History.py", "pages/10_People.py", "pages/11_Glossary.py"),
}

STEP_PAGES: Mapping[str, str] = {
    "import": "pages/1_Import.py",
    "reflect": "pages/2_Reflect.py",
    "score": "pages/3_Score.py",
    "review": "pages/6_Review.py",
    "export": "pages/8_Export.py",
}
"""The page of each step that can be done, as `steps_done` names them."""

JOB_PAGES: Mapping[str, str] = {
    **dict.fromkeys(("import", "synthesize"), STEP_PAGES["import"]),
    "reflect": STEP_PAGES["reflect"],
    **dict.fromkeys(("coach_revise", "coach_trial", "coach_export"), "pages/15_Coach.py"),
    "score": STEP_PAGES["score"],
    **dict.fromkeys(("kinds", "marks"), "pages/4_Explore.py"),
    "encode": STEP_PAGES["score"],
    "triage": "pages/7_Trust.py",
    **dict.fromkeys(("train", "arms", "evaluate", "plan_training", "warmup", "unlearn"), "pages/13_Runs.py"),
    **dict.fromkeys(("expand", "vary", "judge"), "pages/14_Methods.py"),
    **dict.fromkeys(("measure", "rewrite", "cover"), "pages/5_Thresholds.py"),
}
"""The page of each step that goes on while one is elsewhere, by the step's name."""


def address(**more: str) -> dict[str, str]:
    """Return the query parameters that keep the project, the curator's name and the tour on the way to another page."""
    kept = {name: st.session_state[name] for name in ("project", "curator", "tour") if st.session_state.get(name)}
    return {**kept, **more}


def draw_links(done: Collection[str]) -> None:
    """List the pages in their groups; those of steps that are done have a tick."""
    ticked = {STEP_PAGES[step] for step in done}
    for group, pages in GROUPS.items():
        st.caption(group)
        for page in pages:
            title, icon = PAGES[page]
            tick = " :material/check:" if page in ticked else ""
            st.page_link(page, label=title + tick, icon=icon, query_params=address())
