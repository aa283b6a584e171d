"""The learner model: what a student knows, how hard questions are, and how likely the next answer is right.

Plain Python over small lists: no session, no numpy. The live plugin, `bonsai analytics replay` and the fitting script
all run this code.

`learner` holds the online update, `student` and `shared` what it keeps of one student and of all students together,
`mastery` and `scores` what is told of it; `predict` replays files, `fit` finds the constants.
"""
