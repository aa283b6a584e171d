"""Makes the sample that `bonsai replay --sample` plays: `python -m bonsai_analytics.sample > .../data/sample.csv`.

Invented students: an answer is right with the logistic probability of ability minus difficulty (G. Rasch, 1960), and
takes a log-normal time around the section's usual one. The skills are those of the digital SAT (College Board,
Assessment Framework for the Digital SAT Suite).
"""

from __future__ import annotations

import math
import random
import sys
from collections.abc import Iterator

SEED = 20_26
ROWS = 300
USERS = 12

#: Usual seconds per question of a section (32 minutes for 27, 35 minutes for 22), and its skills.
SECTIONS = (
    (
        71,
        (
            "Central Ideas and Details",
            "Command of Evidence",
            "Inferences",
            "Words in Context",
            "Text Structure and Purpose",
            "Cross-Text Connections",
            "Rhetorical Synthesis",
            "Transitions",
            "Boundaries",
            "Form, Structure, and Sense",
        ),
    ),
    (
        95,
        (
            "Linear equations in one variable",
            "Linear functions",
            "Systems of two linear equations in two variables",
            "Linear inequalities in one or two variables",
            "Equivalent expressions",
            "Nonlinear functions",
            "Ratios, rates, proportional relationships, and units",
            "Percentages",
            "Probability and conditional probability",
            "Area and volume",
            "Right triangles and trigonometry",
            "Circles",
        ),
    ),
)


def lines() -> Iterator[str]:
    """The sample's lines, always the same ones."""
    rng = random.Random(SEED)
    abilities = [rng.gauss(0.6, 0.9) for _ in range(USERS)]
    difficulties = {skill: rng.gauss(0.0, 0.7) for _, skills in SECTIONS for skill in skills}
    yield "user,question,skill,correct,seconds\n"
    for _ in range(ROWS):
        user = rng.randrange(USERS)
        usual, skills = rng.choice(SECTIONS)
        skill = rng.choice(skills)
        right = rng.random() < 1 / (1 + math.exp(difficulties[skill] - abilities[user]))
        seconds = usual * math.exp(rng.gauss(-0.1, 0.45))
        question = f"sample-{sorted(difficulties).index(skill) + 1:02}-{rng.randrange(8) + 1}"
        yield f'student-{user + 1},{question},"{skill}",{right:d},{seconds:.1f}\n'


if __name__ == "__main__":
    sys.stdout.writelines(lines())
