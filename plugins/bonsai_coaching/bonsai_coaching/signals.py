"""From what happened to what the rules look at: each function takes a fact into the documents and returns its signals.

Plain Python: no session, no clock but `now`, no text. `rules.toml` lists the signals.
"""

from __future__ import annotations

import math

from bonsai_coaching.facts import (
    AnswerFact,
    ConnectFact,
    EndFact,
    HintFact,
    ListFact,
    MasteryFact,
    ShownFact,
    TickFact,
)
from bonsai_coaching.rules import Signal
from bonsai_coaching.watch import (
    DAY_MS,
    MISSED,
    RECENT,
    SITTING_MS,
    UPCOMING,
    USUAL_SECONDS,
    Answered,
    Missed,
    Mistake,
    Shown,
    SkillRun,
    Student,
    Upcoming,
    Watch,
    pace_of,
)

#: An answer in less than this share of the usual time was given without reading the question.
RAPID = 0.1
#: Timed answers before pace is judged, and the most that one of them counts, in multiples of the test's time.
TIMED, MOST_TIME = 6, 4.0
#: A skill is mastered from the first chance on, and until it falls below the second (on a question of band 4)...
MASTERED, LOST = 0.80, 0.65
#: ... once so many answers stand behind it; where nobody tells mastery, by so many right answers in a row
#: (Beck & Gong, "Wheel-Spinning", AIED 2013).
LEAST_ANSWERS, RIGHT_IN_A_ROW = 5, 3
#: Bands are this far apart, in logits, and band 4 is what mastery is told for (`bonsai_core.domain.Question.logit`).
BAND_LOGITS = 0.8
#: Time to look at the last answer's explanation, in seconds, before the next question of the list begins to count.
FEEDBACK_SECONDS = 30.0
#: A mock test is over at the latest after so many ms, whatever became of it: the real one takes 134 minutes.
MOCK_MS = 3 * 3_600_000

Made = dict[str, Signal]


def connect(watch: Watch, student: Student, fact: ConnectFact, now: int) -> Made:
    """A device has joined."""
    made: Made = {
        "first": fact.first,
        "new_student": student.seen == 0,
        "away_days": (now - student.seen) // DAY_MS if student.seen else None,
        "reviews_due": student.due(now),
    }
    if fact.first or student.session != fact.session_id or now - student.seen > SITTING_MS:
        student.seen, student.session = now, fact.session_id
        student.touch()
    watch.heard(now)
    return made


def listed(watch: Watch, student: Student, fact: ListFact, now: int) -> Made | None:
    """Questions were recommended. Signals only when one of them is now before the student."""
    watch.active = now
    watch.upcoming = []
    if fact.mode == "mock" and not (fact.module is not None and fact.module.finished):
        watch.mock_until, watch.shown = now + MOCK_MS, None
        return None
    watch.mock_until = None
    watch.upcoming = [
        Upcoming(id=q.id, skill=q.skill, band=q.band, seconds=q.expected_seconds) for q in fact.questions[:UPCOMING]
    ]
    if not watch.upcoming:
        return None
    return _show(watch, student, watch.upcoming[0], now)


def shown(watch: Watch, student: Student, fact: ShownFact, now: int) -> Made | None:
    """A question came before the student; what the list says of it fills the gaps."""
    known = watch.question(fact.question_id) or Upcoming(id=fact.question_id)
    question = Upcoming(
        id=fact.question_id,
        skill=fact.skill or known.skill,
        band=fact.band if fact.band is not None else known.band,
        seconds=fact.seconds or known.seconds,
    )
    return _show(watch, student, question, now)


def answer(watch: Watch, student: Student, fact: AnswerFact, now: int) -> Made:
    """A question was answered."""
    known = watch.question(fact.question_id) or Upcoming(id=fact.question_id)
    skill = fact.skill or known.skill
    run = watch.skills.setdefault(skill, SkillRun())
    watch.active, watch.last_skill = now, skill
    watch.answered += 1
    watch.practised += fact.time_spent
    run.tries += 1
    if fact.correct:
        watch.right += 1
        watch.streak += 1
        run.right, run.run, run.wrong = run.right + 1, run.run + 1, 0
    else:
        watch.streak = 0
        run.run, run.wrong = 0, run.wrong + 1
        watch.mistake = Mistake(id=fact.question_id, skill=skill, answer=fact.answer)
    watch.best_streak = max(watch.best_streak, watch.streak)
    run.best = max(run.best, run.run)
    _remember(student, fact, skill, now)

    allowed = pace_of(skill)
    usual = known.seconds or allowed or USUAL_SECONDS
    rapid = fact.rapid if fact.rapid is not None else 0 < fact.time_spent < RAPID * usual
    watch.recent = [
        *watch.recent[1 - RECENT :],
        Answered(right=fact.correct, seconds=fact.time_spent, allowed=allowed, rapid=rapid),
    ]
    fast = [recent.seconds for recent in watch.recent[-5:] if recent.rapid]
    over, timed = _over_pace(watch)

    watch.upcoming = [question for question in watch.upcoming if question.id != fact.question_id]
    following = watch.upcoming[0] if watch.upcoming else None
    watch.shown = None if following is None else Shown.of(following, now + round(FEEDBACK_SECONDS * 1000), sure=False)
    return {
        "question": fact.question_id,
        "skill": skill or None,
        "correct": fact.correct,
        "seconds": round(fact.time_spent),
        "wrong_in_a_row": run.wrong if skill else 0,
        "tries": run.tries if skill else 0,
        "mastered": skill in student.mastered or run.best >= RIGHT_IN_A_ROW,
        "rapid": rapid,
        "rapid_of_5": len(fast),
        "rapid_seconds": round(sum(fast) / len(fast), 1) if fast else None,
        "over_pace": over,
        "timed": timed,
        "streak": watch.streak,
    }


def mastery(watch: Watch, student: Student, fact: MasteryFact, now: int) -> Made:
    """An analytics plugin says how well the student knows each skill."""
    made: Made = {"skill": watch.last_skill or None, "crossed": False}
    for skill, told in fact.performance.by_skill.items():
        chance, before = told["mastery"], student.mastery.get(skill)
        if before is None or abs(chance - before) >= 0.02:
            student.mastery[skill] = round(chance, 3)
            student.touch()
        known = chance >= MASTERED and told.get("answered", 0) >= LEAST_ANSWERS
        if skill in student.mastered:
            if chance < LOST:
                student.mastered.remove(skill)
                student.touch()
        elif known and (before is None or skill == watch.last_skill):  # at first sight it was mastered before
            student.mastered.append(skill)
            student.touch()
            made["crossed"] = made["crossed"] or before is not None
    current = fact.performance.by_skill.get(watch.last_skill)
    if current is not None:
        run = watch.skills.get(watch.last_skill) or SkillRun()
        made["mastery"] = round(current["mastery"] * 100)
        made["tries"] = current.get("answered", 0)
        made["mastered"] = current["mastery"] >= MASTERED or run.best >= RIGHT_IN_A_ROW
    if fact.trend is not None:
        made["fatigue"] = fact.trend.fatigue
    return made


def hint(watch: Watch, student: Student, fact: HintFact, now: int) -> Made | None:
    """The student asked for a hint: they are at work, on this question."""
    watch.active = now
    watch.hints += 1
    if watch.shown is None or watch.shown.id != fact.question_id:
        known = watch.question(fact.question_id) or Upcoming(id=fact.question_id, skill=fact.skill)
        watch.shown = Shown.of(known, now)
    watch.shown.at, watch.shown.sure = now, True
    watch.shown.hints += 1
    return None


def tick(watch: Watch, student: Student, fact: TickFact, now: int) -> Made | None:
    """Time has gone by."""
    question = watch.shown
    if question is None or now < question.at:
        return None
    idle = (now - question.at) / 1000
    return {
        "question": question.id if question.sure else None,
        "skill": question.skill or None,
        "idle_seconds": round(idle),
        "usual_seconds": round(question.usual_seconds),
        "idle_ratio": idle / question.usual_seconds,
    }


def end(watch: Watch, student: Student, fact: EndFact, now: int) -> Made:
    """The session was ended."""
    watch.mock_until = None
    strong, weak = watch.extremes()
    return {"strong": strong or None, "weak": weak or None, "best_streak": watch.best_streak}


def common(watch: Watch, now: int) -> Made:
    """The signals of every fact."""
    return {
        "answered": watch.answered,
        "right": watch.right,
        "percent": round(100 * watch.right / watch.answered) if watch.answered else None,
        "minutes": (now - watch.began) // 60_000,
        "practised_seconds": round((now - watch.began) / 1000),
        "hints": watch.hints,
        "now": now,
    }


def chance(student: Student, skill: str, band: float | None) -> float | None:
    """The chance of a right answer to a question of this skill and band; None when too little is known."""
    known = student.mastery.get(skill)
    if known is None or band is None:
        return None
    known = min(max(known, 0.001), 0.999)
    return 1 / (1 + math.exp(BAND_LOGITS * (band - 4) - math.log(known / (1 - known))))


def _show(watch: Watch, student: Student, question: Upcoming, now: int) -> Made | None:
    watch.active = now
    if watch.shown is not None and watch.shown.id == question.id and watch.shown.sure:
        return None  # told before
    watch.shown = Shown.of(question, now)
    likely = chance(student, question.skill, question.band)
    missed = student.missed.get(question.id)
    return {
        "question": question.id,
        "skill": question.skill or None,
        "band": question.band,
        "chance": likely,
        "chance_percent": round(likely * 100) if likely is not None else None,
        "missed_before": missed is not None,
        "missed_days": (now - missed.at) // DAY_MS if missed is not None else None,
        "reviews_due": student.due(now),
    }


def _remember(student: Student, fact: AnswerFact, skill: str, now: int) -> None:
    """Keep missed questions until they are answered right."""
    if not fact.correct:
        student.missed.pop(fact.question_id, None)
        student.missed[fact.question_id] = Missed(skill=skill, at=now)
        while len(student.missed) > MISSED:
            del student.missed[next(iter(student.missed))]
        student.touch()
    elif student.missed.pop(fact.question_id, None) is not None:
        student.touch()


def _over_pace(watch: Watch) -> tuple[int | None, int]:
    """Percent over the test's pace of the recent answers, and how many they are; None for too few."""
    timed = [(a.seconds, a.allowed) for a in watch.recent if a.allowed is not None and a.seconds > 0 and not a.rapid]
    if len(timed) < TIMED:
        return None, len(timed)
    spent = sum(min(seconds, MOST_TIME * allowed) for seconds, allowed in timed)
    return round(100 * (spent / sum(allowed for _, allowed in timed) - 1)), len(timed)
