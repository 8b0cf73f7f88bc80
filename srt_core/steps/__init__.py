"""The long steps of the work, each one record that the app and the command line run.

step            what a step is as data: arguments with their options and fields, run, report
steps           STEPS: all of them, in the order of the work
importing … explain     one file a step
jobs            steps in the background of the app: start, pause, resume after a restart
background_scoring      a student that scores beside a teacher's calls
resident        the student that stays loaded in the app; demo: the demo project
"""
