"""Score: the student's losses for every candidate, and the ratios made of them.

    run         one run: chunk → plan → stored losses → packs of the others → losses, scores; chunks: what has no score
    templates   the texts of student prompts
    prompts     a pair in its context filled into a template; contexts: what of a project's contexts a template carries
    ifd         what IFD and r-IFD are; a pair → four loss requests (token ids), four losses → a score
    losses      stored losses, each under a hash of all its inputs
    student     the model: packs of requests → losses
    measuring   measures that need no student, computed from the texts
    scorings    student, template and settings of each scoring, and which one is in use
    explain     losses token by token for one text; token_maps stores them

Losses are stored and never computed again; scores are derived from them.
"""
