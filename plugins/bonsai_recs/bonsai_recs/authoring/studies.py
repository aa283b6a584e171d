"""Templates for evaluating statistical claims: observational studies and experiments."""

from __future__ import annotations

import random
from dataclasses import dataclass

from bonsai_recs.authoring.kit import Draft, Proof
from bonsai_recs.authoring.making import draft, template

SKILL = "Evaluating statistical claims: Observational studies and experiments"


@dataclass(frozen=True)
class Survey:
    """A survey whose sample stands for one group and not for larger ones."""

    population: str
    larger: str
    other: str
    finding: str
    question: str
    place: str


SURVEYS = [
    Survey(
        "students at Ridge High School",
        "high school students in the state",
        "teachers at Ridge High School",
        "prefer a later start of the school day",
        "when the school day should start",
        "the school library",
    ),
    Survey(
        "residents of Port Alma",
        "residents of the country",
        "people who work in Port Alma",
        "want more street trees",
        "street trees",
        "a garden center",
    ),
    Survey(
        "members of the Linden gym",
        "adults who exercise",
        "guests of the Linden gym's café",
        "would like earlier opening hours",
        "opening hours",
        "the early morning class",
    ),
    Survey(
        "nurses at Bay Hospital",
        "nurses in the region",
        "patients at Bay Hospital",
        "feel that shifts are too long",
        "the length of shifts",
        "a meeting about night shifts",
    ),
    Survey(
        "farmers in Tarn County",
        "farmers in the country",
        "shop owners in Tarn County",
        "use rainwater on their fields",
        "the use of water",
        "a fair for new farm machines",
    ),
    Survey(
        "drivers registered in Oakdale",
        "drivers in all towns",
        "cyclists in Oakdale",
        "support a lower speed limit",
        "the speed limit",
        "a car race",
    ),
]


@dataclass(frozen=True)
class Treatment:
    """A treatment, as people or plants have it, and what was seen.

    Attributes:
        one, two: what the two groups did.
        doing: the treatment as the subject of a sentence.
        past, base, noun: the outcome as `slept longer`, `sleep longer` and `longer sleep`.
        because: why some had the treatment when nobody told them to.
        hidden: how these may differ from the others anyway.
    """

    population: str
    larger: str
    one: str
    two: str
    doing: str
    past: str
    base: str
    noun: str
    because: str
    hidden: str

    @property
    def who(self) -> str:
        """What one of them is called."""
        return "plants" if "plants" in self.population else "people"


TREATMENTS = [
    Treatment(
        "adults with poor sleep in Kerman",
        "adults",
        "did a breathing exercise each night",
        "did no exercise",
        "doing the breathing exercise",
        "slept longer",
        "sleep longer",
        "longer sleep",
        "they had chosen to do it",
        "People who choose to do it may also have other good habits.",
    ),
    Treatment(
        "tomato plants in the Solano greenhouse",
        "kinds of plants",
        "got a new fertilizer",
        "got the usual fertilizer",
        "giving the new fertilizer",
        "grew taller",
        "grow taller",
        "taller growth",
        "they stood near the place where it is kept",
        "Plants near that place may also get more light.",
    ),
    Treatment(
        "students at Lakeside College",
        "students in the country",
        "took short daily quizzes",
        "took no quizzes",
        "taking the quizzes",
        "scored higher on the final test",
        "score higher on the final test",
        "higher test scores",
        "they had asked for them",
        "Students who ask for quizzes may be more eager to learn.",
    ),
    Treatment(
        "runners in the Delta Marathon Club",
        "people who do sports",
        "wore a new type of shoe",
        "wore their usual shoes",
        "wearing the new shoe",
        "ran a faster mile",
        "run a faster mile",
        "faster miles",
        "they had bought it",
        "Runners who buy the shoe may also train more.",
    ),
    Treatment(
        "patients with back pain at Elm Clinic",
        "patients with any kind of pain",
        "followed a stretching program",
        "followed no program",
        "following the program",
        "reported less pain",
        "report less pain",
        "less pain",
        "they had signed up for it",
        "Patients who sign up may also be more active in general.",
    ),
    Treatment(
        "office workers at Merit Bank",
        "people with a job",
        "used a standing desk",
        "used a usual desk",
        "using a standing desk",
        "felt less tired",
        "feel less tired",
        "feeling less tired",
        "they had asked for one",
        "Workers who ask for such a desk may also walk more.",
    ),
]


def _tags(*pairs: tuple[str, dict[str, object]]) -> dict[str, dict[str, object]]:
    return dict(pairs)


@template(SKILL, count=4)
def largest_population(rng: random.Random) -> Draft:
    """To whom a random sample's result can be applied."""
    s, n = rng.choice(SURVEYS), rng.choice([60, 80, 120, 150, 200])
    all_, only = f"All {s.population}", f"Only the {n} people in the sample"
    wide, other = f"All {s.larger}", f"All {s.other}"
    return draft(
        stem=f"A researcher selected {n} of the {s.population} at random and surveyed them about {s.question}. To "
        "which group is it most appropriate to apply the results of the survey? Choose the largest such group.",
        answer=all_,
        wrong=[
            (only, "You kept the result to the people who were asked. A random sample lets you say more than that."),
            (wide, "You applied the result to a larger group. The sample was not taken from all of that group."),
            (other, "You applied the result to a group that no one in the sample was selected from."),
        ],
        why=f"The sample was selected at random from the {s.population}. So its results can be applied to this group, "
        "but not to a group from which no random sample was taken.",
        band=rng.choice([1, 2]),
        hints=(
            "You want the largest group that the result is about.",
            "Find the group from which people were selected at random.",
            f"The {n} people were drawn from one group. Larger groups have members who could not be drawn.",
            f"The people were drawn at random from the {s.population}. So the answer is: {all_}.",
        ),
        strategy="Results carry over to exactly the group that the random sample was drawn from.",
        proof=Proof(
            "judgement",
            {
                "rule": "claim",
                "facts": {
                    "random_sample": True,
                    "random_assignment": False,
                    "population": s.population,
                    "participants": "sample",
                },
                "tags": _tags(
                    (all_, {"about": s.population}),
                    (only, {"about": "sample"}),
                    (wide, {"about": s.larger}),
                    (other, {"about": s.other}),
                ),
            },
        ),
        seconds=50,
        slope=0.8,
    )


@template(SKILL, count=3)
def best_sampling(rng: random.Random) -> Draft:
    """Which way of sampling gives a good estimate."""
    s, n = rng.choice(SURVEYS), rng.choice([50, 75, 100, 120])
    good = f"Selecting {n} people at random from a list of all {s.population}"
    place = f"Selecting {n} people at random from those at {s.place}"
    online = f"Posting the question online and using the first {n} answers from {s.population}"
    wide = f"Selecting {n} people at random from a list of all {s.larger}"
    return draft(
        stem=f"A group wants to estimate the percent of all {s.population} who {s.finding}. Which way to select the "
        "people to ask is most likely to give a good estimate?",
        answer=good,
        wrong=[
            (place, "You chose a sample from one place. The people there may think differently from the others."),
            (online, "You let people choose if they answer. Those with strong views answer more often."),
            (
                wide,
                (
                    "You chose a sample from another group. Most of the people in it do not belong to the group in "
                    "question."
                ),
            ),
        ],
        why="A sample stands for a group if every member of the group can be selected, by chance alone. Only a "
        f"random selection from a list of all {s.population} does this.",
        band=2,
        hints=(
            "You want a sample that is like the whole group.",
            "Check two things. Can every member be selected? Is it chance alone that decides?",
            f"The group is all {s.population}. Rule out each way that leaves some of them out.",
            f"Chance decides, and all can be selected, in only one choice. It is: {good}.",
        ),
        strategy="Chance must decide who is asked, and each member of the group must have a chance.",
        proof=Proof(
            "judgement",
            {
                "rule": "sampling",
                "facts": {"population": s.population},
                "tags": _tags(
                    (good, {"random": True, "frame": s.population}),
                    (place, {"random": True, "frame": s.place}),
                    (online, {"random": False, "frame": s.population}),
                    (wide, {"random": True, "frame": s.larger}),
                ),
            },
        ),
        seconds=60,
        slope=0.9,
    )


@template(SKILL, count=3)
def why_not_valid(rng: random.Random) -> Draft:
    """Why a conclusion about the population is not justified."""
    s, n, p = rng.choice(SURVEYS), rng.choice([120, 150, 180, 220]), rng.randint(61, 84)
    flaw = f"The people asked were not selected at random from all {s.population}."
    small = f"A sample of {n} people is too small for any conclusion about all {s.population}."
    percent = f"The percent is too far from 50% to be true for all {s.population}."
    assign = "The people were not assigned at random to two groups."
    return draft(
        stem=f"To learn about the views of all {s.population} on {s.question}, a reporter asked the first {n} of them "
        f"who came to {s.place}. Of these, {p}% {s.finding}. The reporter concludes that about {p}% of all "
        f"{s.population} {s.finding}. Which is the best reason why this conclusion may not be valid?",
        answer=flaw,
        wrong=[
            (
                small,
                f"You blamed the size of the sample. A random sample of {n} would be large enough for a good estimate.",
            ),
            (
                percent,
                "You judged by the result. Any percent is possible; what matters is how the people were selected.",
            ),
            (
                assign,
                (
                    "You looked for random groups. They are needed to show a cause, but this claim is only about a "
                    "percent."
                ),
            ),
        ],
        why=f"The people came from one place, {s.place}. Their views may differ from those of the others, so the "
        f"sample does not stand for all {s.population}.",
        band=3,
        hints=(
            "You want the weak point of the study.",
            "Ask how the people were selected. Could each member of the group be in the sample?",
            f"All of the people who were asked had come to {s.place}.",
            f"People at one place may differ from the rest. The answer is: {flaw}",
        ),
        strategy="When a claim is about a population, check first how the sample was selected.",
        proof=Proof(
            "judgement",
            {
                "rule": "bias",
                "facts": {"population": s.population, "frame": s.place},
                "tags": _tags(
                    (flaw, {"flaw": "frame"}),
                    (small, {"flaw": "size"}),
                    (percent, {"flaw": "result"}),
                    (assign, {"flaw": "assignment"}),
                ),
            },
        ),
        seconds=65,
        slope=1.0,
    )


def _cause(t: Treatment, whom: str) -> str:
    return f"{t.doing.capitalize()} is likely to make {whom} {t.base}."


@template(SKILL, count=4)
def cause_or_not(rng: random.Random) -> Draft:
    """What an experiment or an observational study with a random sample lets one conclude."""
    t, n = rng.choice(TREATMENTS), rng.choice([60, 80, 100, 140])
    experiment = rng.random() < 0.5
    cause, cause_wide = _cause(t, t.population), _cause(t, f"all {t.larger}")
    link = f"Among {t.population}, {t.doing} is linked to {t.noun}, but it may not be the cause."
    only = f"The result says something about these {n} {t.who}, but it says nothing about any other {t.population}."
    if experiment:
        how = f"Chance was used to form two groups of {n // 2}. The first group {t.one}, and the second group {t.two}."
        right, other = cause, link
        remark = "You held back too much. Chance decided who was in which group, so other causes are evened out."
        reason = f"Chance decided which {t.who} were in which group. So the treatment is the likely cause."
    else:
        how = f"Some of them {t.one}, because {t.because}. The others {t.two}."
        right, other = link, cause
        remark = f"You took a link for a cause. {t.hidden}"
        reason = f"The groups were not formed by chance. {t.hidden} So a cause is not shown."
    return draft(
        stem=f"For a study, {n} of the {t.population} were selected at random. {how} On average, the {t.who} in the "
        f"first group {t.past} than the others. Which is the most appropriate conclusion?".replace(
            "in the first group",
            "in the first group" if experiment else f"who {t.one}" if t.who == "people" else f"that {t.one}",
        ),
        answer=right,
        wrong=[
            (other, remark),
            (cause_wide, f"You applied the result to a larger group. The {t.who} were selected from a smaller one."),
            (only, "You left the random selection out of account. It lets the result stand for the whole group."),
        ],
        why=f"The {t.who} were selected at random from the {t.population}, so the result applies to this group. "
        f"{reason}",
        band=5 if experiment else 4,
        hints=(
            "You want the strongest claim that the study supports.",
            f"Ask two questions. Were the {t.who} selected at random? Did chance decide which group they were in?",
            (
                f"The {n} {t.who} were a random sample. So the result is about a whole group. Now see how the groups "
                "were formed."
            ),
            f"{reason} The answer is: {right}",
        ),
        strategy="Random selection tells who the result is about. Random groups tell if a cause is shown.",
        proof=Proof(
            "judgement",
            {
                "rule": "claim",
                "facts": {
                    "random_sample": True,
                    "random_assignment": experiment,
                    "population": t.population,
                    "participants": "sample",
                },
                "tags": _tags(
                    (cause, {"about": t.population, "cause": True}),
                    (link, {"about": t.population, "cause": False}),
                    (cause_wide, {"about": t.larger, "cause": True}),
                    (only, {"about": "sample"}),
                ),
            },
        ),
        seconds=80,
        slope=1.2,
    )


@template(SKILL, count=3)
def volunteers(rng: random.Random) -> Draft:
    """An experiment with volunteers: a cause, but only for those in the study."""
    t, n = rng.choice([t for t in TREATMENTS if t.who == "people"]), rng.choice([50, 70, 90, 110])
    here = f"{t.doing.capitalize()} likely made these {n} volunteers {t.base}, but it may not do so for others."
    wide = f"{t.doing.capitalize()} is likely to make {t.population} {t.base}, whether or not they volunteered."
    everyone = _cause(t, f"all {t.larger}")
    none = f"Even for these {n} volunteers, nothing can be said about the cause of the difference."
    return draft(
        stem=f"A notice asked for volunteers among the {t.population}, and {n} came. Chance was used to form two "
        f"groups of {n // 2}. The first group {t.one}, and the second group {t.two}. On average, the first group "
        f"{t.past} than the second. Which conclusion is best supported?",
        answer=here,
        wrong=[
            (
                wide,
                (
                    "You applied the result to a whole group. Volunteers select themselves, so they may differ from "
                    "the others."
                ),
            ),
            (everyone, "You applied the result to a much larger group. Nobody was selected from it at random."),
            (none, "You missed the use of chance in forming the two groups. That is what lets a study show a cause."),
        ],
        why="Chance decided who was in which group, so the treatment is the likely cause of the difference. But the "
        "volunteers were not a random sample, so the result need not hold for people outside the study.",
        band=6,
        hints=(
            "You want a claim that fits how people came in and how they were grouped.",
            "Chance can be used for two things. It can select people. It can also form groups.",
            f"The {n} people came by themselves. Chance was used only to form the groups.",
            f"So a cause is shown, but only for those in the study. The answer is: {here}",
        ),
        strategy="Keep two things apart: who is in the study, and who gets which treatment.",
        proof=Proof(
            "judgement",
            {
                "rule": "claim",
                "facts": {
                    "random_sample": False,
                    "random_assignment": True,
                    "population": t.population,
                    "participants": "volunteers",
                },
                "tags": _tags(
                    (here, {"about": "volunteers", "cause": True}),
                    (wide, {"about": t.population, "cause": True}),
                    (everyone, {"about": t.larger, "cause": True}),
                    (none, {"about": "volunteers", "cause": False}),
                ),
            },
        ),
        seconds=90,
        slope=1.3,
    )


@template(SKILL, count=3)
def change_of_design(rng: random.Random) -> Draft:
    """Which change would let a study show a cause."""
    t, n = rng.choice(TREATMENTS), rng.choice([120, 150, 180, 240])
    assign = f"Let chance decide which of the {t.who} are in which group"
    more = f"Take {n * 3} {t.who} instead of {n}, again at random from the same group"
    longer = "Repeat the study in the same way in another year"
    wide = f"Draw the {t.who} at random out of all {t.larger}"
    that = "who" if t.who == "people" else "that"
    return draft(
        stem=f"For a study, {n} of the {t.population} were selected at random. The {t.who} {that} {t.one}, because "
        f"{t.because}, {t.past} on average than the {t.who} {that} {t.two}. Which change would best allow the "
        f"researchers to conclude that {t.doing} is the cause?",
        answer=assign,
        wrong=[
            (
                more,
                "You made the sample larger. Estimates get more exact, but the two groups still differ in other ways.",
            ),
            (longer, "You repeated the study. The same hidden differences would be there again."),
            (wide, "You changed the population. That changes to whom the result applies, not if a cause is shown."),
        ],
        why=f"In this study the groups were not formed by chance. {t.hidden} If chance forms the groups, such "
        "differences are evened out, and the treatment is the likely cause.",
        band=5,
        hints=(
            "You want a study that can show a cause.",
            "Ask in what other ways the two groups may differ. Find the change that evens these out.",
            f"The groups were not formed by chance. {t.hidden}",
            f"Chance would make the two groups alike. The answer is: {assign}.",
        ),
        strategy="To show a cause, chance must decide who gets the treatment. Nothing else evens out the groups.",
        proof=Proof(
            "judgement",
            {
                "rule": "design",
                "facts": {"want": "cause"},
                "tags": _tags(
                    (assign, {"adds": "random assignment"}),
                    (more, {"adds": "size"}),
                    (longer, {"adds": "repetition"}),
                    (wide, {"adds": "random selection"}),
                ),
            },
        ),
        seconds=75,
        slope=1.2,
    )


@template(SKILL, count=4)
def whom_and_why(rng: random.Random) -> Draft:
    """To whom the result applies and if a cause is shown, when either may be missing."""
    t, n = rng.choice(TREATMENTS), rng.choice([40, 64, 90, 130])
    sample, assigned = rng.choice([(True, True), (True, False), (False, True), (False, False)])
    that = "who" if t.who == "people" else "that"
    come = (
        f"{n} of the {t.population} were selected at random"
        if sample
        else f"the researchers took the first {n} on a list of the {t.population}"
    )
    if assigned:
        group = (
            f"Chance was used to form two groups of {n // 2}. The first group {t.one}, and the second group {t.two}. "
            "On average, the "
        )
        group += f"first group {t.past} than the second."
    else:
        group = (
            f"Some of them {t.one}, because {t.because}, and the others {t.two}. On average, the {t.who} {that} "
            f"{t.one} {t.past}."
        )

    def say(whole: bool, cause: bool) -> str:
        whom = (
            f"The result can be applied to all of the {t.population}"
            if whole
            else f"The result applies only to the {t.who} in the study"
        )
        return f"{whom}, and {t.doing} is {'a likely cause' if cause else 'not shown to be the cause'}."

    right = (sample, assigned)
    texts = {key: say(*key) for key in [(True, True), (True, False), (False, True), (False, False)]}
    hold = "The sample was selected at random, so the result can be applied to the whole group."
    not_hold = "The sample was not selected at random, so the result need not hold for the whole group."
    one = hold if sample else not_hold
    two = (
        "Chance formed the groups, so a cause is shown."
        if assigned
        else f"Chance did not form the groups, so a cause is not shown. {t.hidden}"
    )

    def remark(whole: bool, cause: bool) -> str:
        first = "You misjudged the selection: check if chance decided which of them came into the study."
        second = "You misjudged the groups: check if chance decided which group each was in."
        both = (
            "You misjudged both the selection and the grouping. Look for where chance was used, and where it was not."
        )
        return both if whole != sample and cause != assigned else first if whole != sample else second

    return draft(
        stem=f"For a study, {come}. {group} Which conclusion is best supported?",
        answer=texts[right],
        wrong=[(text, remark(*key)) for key, text in texts.items() if key != right],
        why=f"{one} {two}",
        band=7,
        hints=(
            "You want to settle two things: who the result is about, and if it shows a cause.",
            "The first needs a random sample. The second needs groups that were formed by chance.",
            f"Look at how the {n} {t.who} came into the study. Then look at how the groups were formed.",
            f"{one} {two} The answer is: {texts[right]}",
        ),
        strategy="A random sample lets you speak of the whole group. Random groups let you speak of a cause.",
        proof=Proof(
            "judgement",
            {
                "rule": "two_statements",
                "facts": {"random_sample": sample, "random_assignment": assigned},
                "tags": {text: {"population": key[0], "cause": key[1]} for key, text in texts.items()},
            },
        ),
        seconds=95,
        slope=1.4,
    )
