"""The coach at work in a session: takes facts in, gives hints and strategies.

Each method is one unit of work's doing: it loads, decides by the plain modules, and leaves what is to be saved and
sent.
"""

from __future__ import annotations

from pydantic import BaseModel

from bonsai_coaching import hints, texts
from bonsai_coaching.coach import Coach
from bonsai_coaching.events import Hint, HintRequest, StrategyRequest
from bonsai_coaching.facts import AnalyzedFact, AnswerFact, HintFact, MasteryFact, ShownFact
from bonsai_coaching.hints import Climb, Rung, TooHigh, TooSoon
from bonsai_coaching.kept import CLIMBS, READINGS, Sitting
from bonsai_coaching.lookup import Known, know, topic_of
from bonsai_coaching.settings import Settings
from bonsai_coaching.timer import Timer
from bonsai_core import Refused, Session


class Desk:
    """Where the coach works.

    Args:
        coach: the rules.
        timer: when to look at the time again.
    """

    def __init__(self, coach: Coach, timer: Timer, settings: Settings) -> None:
        self.coach = coach
        self.timer = timer
        self.dwell_ms = round(settings.dwell_seconds * 1000)

    async def open(self, session: Session) -> Sitting:
        """The session's documents."""
        return await Sitting.open(session, self.coach, self.timer)

    async def take(self, session: Session, fact: BaseModel) -> None:
        """Take a fact in, and keep what comes of it."""
        sitting = await self.open(session)
        await sitting.see(fact)
        sitting.save()

    # Hints and strategies

    async def hint(self, session: Session, request: HintRequest) -> Hint:
        """The next rung, or one shown before; after a wrong answer, first what led to it.

        Raises:
            Refused: `mock_test`, `unknown_question`, `too_soon` (with retryAfterMs) or `too_high`.
        """
        sitting = await self.open(session)
        if sitting.quiet:
            raise Refused("mock_test", "there are no hints in a timed module; ask again when it is over")
        known = await know(session, request.question_id, sitting.watch, request.skill)
        state = await CLIMBS.get(session, request.question_id) or Climb()
        hint = self._explain(known, state, session.now) if request.rung is None else None
        if hint is None:
            ladder = known.ladder()
            if not ladder:
                message = f"nothing is known of question {request.question_id!r}: send its skill, or analyse it first"
                raise Refused("unknown_question", message)
            rung, new = self._climb(state, ladder, request.rung, session.now)
            hint = self.rung(known, ladder, rung, state, session.now)
            if not new:
                session.reply("coaching:hint", hint)
                return hint
        await self.give(session, sitting, known, state, hint)
        sitting.save()
        return hint

    async def give(self, session: Session, sitting: Sitting, known: Known, state: Climb, hint: Hint) -> None:
        """Send a new hint to all devices, and take down that it was given. The caller saves the sitting."""
        await CLIMBS.put(session, known.question_id, state)
        await sitting.see(HintFact(question_id=known.question_id, skill=known.skill))
        session.emit("coaching:hint", hint)

    async def strategy(self, session: Session, request: StrategyRequest) -> texts.Strategy:
        """The strategy of a skill or topic, or of a question's skill.

        Raises:
            Refused: `mock_test`, `unknown_skill` or `unknown_question`.
        """
        sitting = await self.open(session)
        if sitting.quiet:
            raise Refused("mock_test", "there are no strategies in a timed module; ask again when it is over")
        if request.skill is not None:
            topic = topic_of(request.skill)
            if topic is None:
                message = f"no skill {request.skill!r}; there are {'; '.join(texts.TOPICS)}"
                raise Refused("unknown_skill", message, details={"skills": list(texts.TOPICS)})
        else:
            assert request.question_id is not None
            topic = (await know(session, request.question_id, sitting.watch)).skill
            if not topic:
                message = f"nobody knows the skill of question {request.question_id!r}; send a skill instead"
                raise Refused("unknown_question", message, details={"skills": list(texts.TOPICS)})
        return texts.strategy(topic)

    async def answered(self, session: Session, fact: AnswerFact) -> None:
        """An answer: count it, and remember a wrong one for the next hint."""
        sitting = await self.open(session)
        await sitting.see(fact)
        sitting.save()
        if not fact.correct and fact.answer is not None:
            await CLIMBS.edit(session, fact.question_id, wrong=fact.answer)

    async def learnt(self, session: Session, fact: MasteryFact) -> None:
        """What an analytics plugin says after an answer: kept where it changes what the coach would do."""
        sitting = await self.open(session)
        if await sitting.see(fact) is not None:
            sitting.save()
        elif sitting.student.changed:
            sitting.save_student()

    async def analysed(self, session: Session, fact: AnalyzedFact) -> None:
        """A question was read from a screenshot or a text: keep what hints can be made of."""
        reading = hints.read(fact.question_id, fact.analysis)
        await READINGS.put(session, fact.question_id, reading)
        if reading.stem:
            shown = ShownFact(
                question_id=fact.question_id, skill=reading.skill, band=reading.band, seconds=reading.seconds
            )
            await self.take(session, shown)

    def rung(self, known: Known, ladder: list[Rung], rung: int, state: Climb, now: int) -> Hint:
        """A rung as it is sent."""
        more = state.rung < len(ladder)
        return Hint(
            question_id=known.question_id,
            rung=rung,
            rungs=len(ladder),
            text=ladder[rung - 1].text,
            last=rung == len(ladder),
            kind=ladder[rung - 1].kind,
            next_in_ms=max(0, state.at + self.dwell_ms - now) if more else None,
        )

    def _explain(self, known: Known, state: Climb, now: int) -> Hint | None:
        """What led to the wrong answer that was given last, once; taken down in `state`."""
        wrong, state.wrong = state.wrong, None
        told = hints.misconception(known.question, wrong) if known.question is not None and wrong else None
        if told is None:
            return None
        state.at = now
        rungs = len(known.ladder())
        wait = self.dwell_ms if state.rung < rungs else None
        return Hint(
            question_id=known.question_id,
            rung=state.rung,
            rungs=rungs,
            text=told,
            last=False,
            kind="misconception",
            next_in_ms=wait,
        )

    def _climb(self, state: Climb, ladder: list[Rung], asked: int | None, now: int) -> tuple[int, bool]:
        try:
            return hints.climb(state, len(ladder), asked, now, self.dwell_ms)
        except TooSoon as soon:
            seconds = -(-soon.wait_ms // 1000)
            message = f"try the last hint first: the next one opens in {seconds} s"
            raise Refused("too_soon", message, retry_after_ms=soon.wait_ms) from None
        except TooHigh as high:
            raise Refused(
                "too_high", f"this question has {len(ladder)} hints, and number {high.next} comes next"
            ) from None
