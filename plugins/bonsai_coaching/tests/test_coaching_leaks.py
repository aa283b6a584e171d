"""What gives an answer away and what does not: a table, properties, and the whole question bank."""

from __future__ import annotations

import json
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest
from bonsai_coaching.leaks import Guard, LeakKind, is_verdict, leaks
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from bonsai_core import Question, QuestionAnalysis
from bonsai_core.domain import DOMAIN_OF_SKILL, Choice, number_of

BANK = Path(__file__).parents[2] / "bonsai_recs" / "bonsai_recs" / "data" / "bank.jsonl"


def question(stem: str, *answers: str, skill: str = "Linear functions", passage: str | None = None) -> Question:
    """A question with one typed answer; or with four choices of which the one that begins with `*` is right."""
    domain = DOMAIN_OF_SKILL[skill]
    choices = [Choice(key=key, text=text.removeprefix("*")) for key, text in zip("ABCD", answers, strict=False)]
    right = ["ABCD"[n] for n, text in enumerate(answers) if text.startswith("*")]
    return Question(
        id="q",
        section=domain.section,
        domain=domain.name,
        skill=skill,
        stem=stem,
        passage=passage,
        choices=choices if right else [],
        answers=right or list(answers),
    )


SEVEN = question("If 3x + 5 = 26, what is the value of x?", "7")
SEVEN_OF_FOUR = question("If 3x + 5 = 26, what is the value of x?", "3", "21", "*7", "31/3")
FIVE = question("If 3x + 5 = 20, what is the value of x?", "5")
TWO = question("If 6y = 18 − 3y, what is the value of y?", "2")
HALF = question("Of 8 tiles, 4 are blue. What fraction of the tiles is blue?", "1/2")
THIRD = question("What is the slope of the line?", "1/3")
MINUS_THREE = question("What is the least solution of |x − 1| = 4?", "-3")
THOUSANDS = question("How many photos does it scan in 2 hours?", "34", "102", "*2,040", "6,120")
PERCENT = question("By what percent does the volume grow?", "12.5")
FORTY_PERCENT = question("What percent of 30 is 12?", "*40%", "45%", "50%", "60%")
DOLLARS = question("What was the price before tax?", "$237.60", "*$240", "$254", "$290.40")
DEGREES = question("What is the measure of angle C?", "14°", "*76°", "104°", "256°")
LINE = question("Which equation defines f?", "f(x) = 15x + 3", "f(x) = 5x + 18", "*f(x) = 5x + 13", "f(x) = 13x + 5")
POINT = question("What is the center of (x − 3)² + (y + 4)² = 64?", "(−4, 3)", "(−3, 4)", "*(3, −4)", "(3, 4)")
ROOT = question("What is the area of the triangle?", "48", "48√3", "4√3", "*24√3")
ARC = question("What is the length of the arc?", "21π/2", "135π/4", "*15π/2", "15π/4")
RANGE = question("What are all solutions of −3x + 1 < 7?", "x > −14", "x < −2", "*x > −2", "x > −24/7")
SYSTEM = question(
    "Which system represents this?",
    "m + s = 81 and 4m + 10s = 606 + m",
    "m + s = 606 and 10m + 4s = 81",
    "*m + s = 81 and 10m + 4s = 606",
    "m + s = 81 and 10m − 4s = 606",
)
FACTORS = question(
    "Which expression is equivalent to 81x² − 64y²?", "(9x − 8y)²", "*(9x + 8y)(9x − 8y)", "(9x + 8y)²", "9(9x² − 8y²)"
)
WORD = question(
    "Which choice completes the text?", "brief", "fussy", "imaginative", "*thorough", skill="Words in Context"
)
RESULT = question("Which transition?", "Likewise,", "*As a result,", "However,", "For example,", skill="Transitions")
ITS = question(
    "Which choice completes the text?",
    "there",
    "*its",
    "it's",
    "they're",
    skill="Form, Structure, and Sense",
    passage="The team lost its first game. The town and ______ mayor came to see it.",
)
COLON = question(
    "Which choice completes the text?", "evenings dice", "evenings; dice", "evenings. Dice", "*evenings: dice",
    skill="Boundaries",
)  # fmt: skip
NO_MARK = question(
    "Which choice completes the text?", "*abroad because", "abroad: because", "abroad. Because", "abroad; because",
    skill="Boundaries",
)  # fmt: skip
OTTERS = question(
    "Which choice best states the main idea of the text?",
    "Sea otters avoid the surface because its waves disturb their sleep.",
    "*Sea otters have ways to keep from drifting off while they sleep.",
    "Sea otters sleep more hours each day than other ocean mammals do.",
    "Kelp grows upward in long ribbons from the floor of the ocean.",
    skill="Central Ideas and Details",
    passage="Sea otters sleep on the surface of the ocean, where waves could carry them away.",
)

TABLE: list[tuple[Question, str, LeakKind | None]] = [
    # By letter
    (SEVEN_OF_FOUR, "The answer is C.", "letter"),
    (SEVEN_OF_FOUR, "the answer is c.", "letter"),
    (SEVEN_OF_FOUR, "The correct answer here is clearly (C), I think.", "letter"),
    (SEVEN_OF_FOUR, "Choose (C).", "letter"),
    (SEVEN_OF_FOUR, "I would go with **C** here.", "letter"),
    (SEVEN_OF_FOUR, "Have another look at option C.", "letter"),
    (SEVEN_OF_FOUR, "C is correct, for it makes both sides equal.", "letter"),
    (SEVEN_OF_FOUR, "It's C!", "letter"),
    (SEVEN_OF_FOUR, "That leaves C.", "letter"),
    (SEVEN_OF_FOUR, "Only C works.", "letter"),
    (SEVEN_OF_FOUR, "What fits is \\textbf{C}.", "letter"),
    (SEVEN_OF_FOUR, "\\boxed{C}", "letter"),
    (SEVEN_OF_FOUR, "Answer: Ⓒ", "letter"),
    (SEVEN_OF_FOUR, "The answer is С.", "letter"),  # a Cyrillic letter
    (SEVEN_OF_FOUR, "Every choice but C is wrong.", "letter"),
    (SEVEN_OF_FOUR, "It is not A, but C.", "letter"),
    (SEVEN_OF_FOUR, "It is either B or C.", "letter"),
    (SEVEN_OF_FOUR, "The third choice is what you want.", "letter"),
    (SEVEN_OF_FOUR, "Try the next-to-last option.", "letter"),
    (SEVEN_OF_FOUR, "Look at the choices. The third one fits.", "letter"),
    (SEVEN_OF_FOUR, "There are two percents. The third one is taken of the new value.", None),
    (SEVEN_OF_FOUR, "Eliminate A, B, and D.", "elimination"),
    (SEVEN_OF_FOUR, "A is wrong. B is too large. And D can't be right.", "elimination"),
    (SEVEN_OF_FOUR, "The answer is B.", None),
    (SEVEN_OF_FOUR, "Cross out A, and look at the rest.", None),
    (SEVEN_OF_FOUR, "Look at choices A, B, C, and D again.", None),
    (SEVEN_OF_FOUR, "Compare choices A to D with your result.", None),
    (SEVEN_OF_FOUR, "Compare choices B and C.", None),
    (SEVEN_OF_FOUR, "The answer is a number that makes both sides equal.", None),
    (SEVEN_OF_FOUR, "Choose a value and put it in place of x.", None),
    (SEVEN_OF_FOUR, "A is for effort. That is a good plan.", None),
    (DEGREES, "Angle C is right below the top.", None),
    (DEGREES, "Angle A and angle C add up to 90°.", None),
    (DEGREES, "Side C is the longest one of the three.", None),
    # By an equal value
    (SEVEN, "So x = 7.", "value"),
    (SEVEN, "You should find seven.", "value"),
    (SEVEN, "x equals \\(\\frac{14}{2}\\)", "value"),
    (SEVEN, "Divide 21 by 3 and you have 7.0 exactly.", "value"),
    (SEVEN, "Is 7 a solution? Try it.", "value"),
    (SEVEN, "𝟳 it is.", "value"),
    (SEVEN, "Take 5 away on both sides. You get 3x = 21.", None),
    (SEVEN, "There are 17 ways to do this, and 70 to fail.", None),
    (SEVEN, "Work out 7x first, then 7² in the next line.", None),
    (SEVEN, "1. Undo the 5.\n2. Undo the 3.\n7. Check.", None),
    (SEVEN, "See step 7 of the list.", None),
    (SEVEN_OF_FOUR, "The choices are 3, 21, 7, and 31/3. Try each of them.", None),
    (SEVEN_OF_FOUR, "The choices are 3, 21, 7, and 31/3. The answer is 7.", "value"),
    (FIVE, "Take 5 away on both sides.", None),
    (FIVE, "The 5 is added last, so undo it first.", None),
    (FIVE, "So the answer is 5.", "value"),
    (FIVE, "Therefore x = 5.", "value"),
    (FIVE, "Divide by 3 and you get 5.", "value"),
    (FIVE, "It must be five.", "value"),
    (TWO, "Divide both sides by 2 if you like.", None),
    (TWO, "Bring the two terms with y together.", None),
    (TWO, "There are two steps left. The second is easy.", None),
    (TWO, "Then y is two.", "value"),
    (TWO, "You get 2.", "value"),
    (HALF, "It is 50%.", "value"),
    (HALF, "It is 0.5 of all tiles.", "value"),
    (HALF, "So it is one half.", "value"),
    (HALF, "The fraction is ½.", "value"),
    (HALF, "4/8 of them are blue.", "value"),
    (HALF, "Four over eight, in other words.", "value"),
    (HALF, "Half of the work is done.", None),
    (HALF, "Put the blue ones over the whole of 8.", None),
    (THIRD, "That is about 0.33.", "value"),
    (THIRD, "So it is 2/6.", "value"),
    (THIRD, "It is about 0.3.", None),
    (THIRD, "The third point lies higher.", None),
    (MINUS_THREE, "The smaller one is −3.", "value"),
    (MINUS_THREE, "That is negative three, then.", "value"),
    (MINUS_THREE, "So x − 1 may be −4 as well.", None),
    (MINUS_THREE, "Move 3 steps to the right.", None),
    (THOUSANDS, "It scans 2040 photos.", "value"),
    (THOUSANDS, "That makes two thousand and forty.", "value"),
    (THOUSANDS, "It is 2.04 thousand.", "value"),
    (THOUSANDS, "Find the photos of one minute, then of 120 minutes.", None),
    (PERCENT, "It grows by 12.5%.", "value"),
    (PERCENT, "It grows by 0.125 of itself.", "value"),
    (PERCENT, "It grows by an eighth, which is 1/8.", "value"),
    (PERCENT, "The new volume is 1.125 times the old one.", None),
    (FORTY_PERCENT, "That is 0.4 of it.", "value"),
    (FORTY_PERCENT, "That is 2/5 of it.", "value"),
    (FORTY_PERCENT, "Forty percent it is.", "value"),
    (FORTY_PERCENT, "Divide 12 by 30 and make it a percent.", None),
    (DOLLARS, "It cost 240 dollars.", "value"),
    (DOLLARS, "It cost $240.00 before.", "value"),
    (DOLLARS, "Ask what 110% of the price is.", None),
    (DEGREES, "It measures 76 degrees.", "value"),
    # By an equal expression
    (LINE, "The rule is 13 + 5x.", "value"),
    (LINE, "So y = 5x + 13.", "value"),
    (LINE, "f(x) = \\(5x + 13\\)", "value"),
    (LINE, "The slope is 15 ÷ 3 = 5. Which choices have it?", None),
    (LINE, "Start from f(x) = mx + b.", None),
    (POINT, "The center is (3, -4).", "value"),
    (POINT, "It is zero at x = 3 and y = −4.", "value"),
    (POINT, "The center is where both brackets are zero.", None),
    (POINT, "Compare with (x − h)² + (y − k)² = r².", None),
    (ROOT, "It is 24√3.", "value"),
    (ROOT, "It is \\(24\\sqrt{3}\\) square units.", "value"),
    (ROOT, "Work out 1/2 · 8 · 6√3 next.", None),
    (ROOT, "The height is 6√3.", None),
    (ARC, "The arc is 7.5π.", "value"),
    (ARC, "The arc is \\frac{15\\pi}{2}.", "value"),
    (ARC, "The whole circle is 30π. Which part of it do you need?", None),
    (RANGE, "So −2 < x.", "value"),
    (RANGE, "So x is greater than −2.", "value"),
    (RANGE, "First, −3x < 6. What happens to the sign when you divide?", None),
    (SYSTEM, "The first equation is m + s = 81.", None),
    (SYSTEM, "The prices give 4s + 10m = 606.", "value"),
    (FACTORS, "It is (9x − 8y)(9x + 8y).", "value"),
    (FACTORS, "Write 81x² − 64y² as (9x)² − (8y)².", None),
    (FACTORS, "A difference of squares a² − b² is (a + b)(a − b).", None),
    # In words
    (WORD, "A good word is “thorough.”", "text"),
    (WORD, "Her notes were Thorough", "text"),
    (WORD, "Her notes left nothing out. Which word says so?", None),
    (WORD, "She went thoroughly through it.", None),
    (RESULT, "Try “As a result” in the blank.", "text"),
    (RESULT, "The transition is as a result.", "text"),
    (RESULT, "As a result fits best.", "text"),
    (RESULT, "You practised a lot. As a result, you are faster.", None),
    (RESULT, "However, look at the second sentence. For example, who acts?", None),
    (ITS, "The right pronoun is its.", "text"),
    (ITS, 'Use "its" here.', "text"),
    (ITS, "its fits, because a town owns the mayor.", "text"),
    (ITS, "The town is one thing, so ask what belongs to it. Its people? A mayor?", None),
    (ITS, "It's your turn now.", None),
    (COLON, "Write evenings: dice.", "text"),
    (COLON, "Use a colon.", "text"),
    (COLON, "The list is promised, so a colon is right.", "text"),
    (COLON, "A colon needs a full sentence before it; a semicolon needs two.", None),
    (COLON, "Use a colon only if a full sentence stands before it.", None),
    (NO_MARK, "No punctuation is needed there.", "text"),
    (NO_MARK, "Write it like this: abroad because she had entered.", "text"),
    (NO_MARK, "Does the second part need a mark before it? Read it alone.", None),
    (OTTERS, "“Sea otters have ways to keep from drifting off while they sleep.”", "text"),
    (OTTERS, "They have ways to keep from drifting off while asleep.", "text"),
    (OTTERS, "The otters want to stay in place. Which choice covers that?", None),
    (OTTERS, "Sea otters sleep on the surface of the ocean. Why is that a problem?", None),
]


@pytest.mark.parametrize(("item", "text", "kind"), TABLE, ids=[f"{n}: {text}" for n, (_, text, _) in enumerate(TABLE)])
def test_a_text_leaks_in_this_way_or_not(item: Question, text: str, kind: LeakKind | None) -> None:
    assert Guard(item).find(text) == kind
    assert leaks(text, item) is (kind is not None)


@pytest.mark.parametrize("before", ["Look at both sides. ", "Well,\n\n"])
@pytest.mark.parametrize("after", [" Do you see it?", "\n\nCheck it."])
def test_a_leak_leaks_wherever_it_stands(before: str, after: str) -> None:
    for item, text, kind in TABLE:
        if kind is not None:
            assert leaks(before + text + after, item), text


def test_what_was_shown_may_be_said_again() -> None:
    hint = "Take 5 away. You get 3x = 21."
    three_x = SEVEN_OF_FOUR.model_copy(update={"answers": ["B"]})
    assert leaks(hint, three_x)
    assert not leaks("Now divide 21 by 3.", three_x, shown=[hint])
    assert leaks("So the answer is 21.", three_x, shown=[hint])


def test_what_a_figure_shows_is_given() -> None:
    figure = '<svg viewBox="0 0 9 9"><title>A triangle</title><text x="76">76°</text></svg>'
    shown = DEGREES.model_copy(update={"figure": figure})
    assert not leaks("One angle in the figure has 76°.", shown)
    assert leaks("One angle has 76°.", DEGREES)


def test_without_a_key_every_choice_may_be_the_answer() -> None:
    analysis = QuestionAnalysis(text="…", stem=SEVEN.stem, choices=SEVEN_OF_FOUR.choices)
    for text in ("It is B.", "So x = 21.", "The answer is 3.", "Choose D"):
        assert leaks(text, analysis)
    assert not leaks("Take 5 away on both sides first.", analysis)
    typed = QuestionAnalysis(text=SEVEN.stem, stem=SEVEN.stem)
    assert Guard(typed).commits("The answer is 7.")
    assert not leaks("So x = 7.", typed)  # nobody knows


@pytest.mark.parametrize(
    "text", ["B is wrong.", "The answer is 12.", "Look at choice B.", "The right option is the last choice."]
)
def test_a_text_commits_itself_be_it_right_or_not(text: str) -> None:
    assert Guard(SEVEN_OF_FOUR).commits(text)


@pytest.mark.parametrize(
    "text",
    [
        "The answer is in the first sentence.",
        "The answer is not easy to see, but you are near.",
        "Look at the choices. Drop those that go too far.",
        "Choices A to D are all numbers.",
        "Take the first choice and put it in place of x.",
        "The best choice is often the plain one.",
    ],
)
def test_a_text_that_speaks_of_answers_does_not_commit_itself(text: str) -> None:
    assert not Guard(SEVEN_OF_FOUR).commits(text)


@pytest.mark.parametrize(
    "text", ["is it c?", "I got 7", "B?", "is x=3 right", "could it be twenty-one", "A or B?", "what about 12"]
)
def test_a_student_proposes_an_answer(text: str) -> None:
    assert Guard(SEVEN_OF_FOUR).proposes(text)


@pytest.mark.parametrize(
    "text", ["What do I do first?", "why do i take away 5", "How do I undo 3x?", "help me a bit please"]
)
def test_a_student_only_asks(text: str) -> None:
    assert not Guard(SEVEN_OF_FOUR).proposes(text)


@pytest.mark.parametrize(
    "text", ["Yes!", "Look. Exactly, you got it.", "That's right.", "Not quite, try again.", "You are correct.", "No."]
)
def test_a_yes_or_no_is_a_verdict(text: str) -> None:
    assert is_verdict(text)


@pytest.mark.parametrize(
    "text",
    [
        "I can't say whether that is right. Put it in and see.",
        "No need to hurry.",
        "Check if you are right.",
        "Look again.",
    ],
)
def test_advice_is_no_verdict(text: str) -> None:
    assert not is_verdict(text)


# Properties

UNITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
UNITS += ["thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"]
TENS = ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]


def in_words(n: int) -> str:
    if n < 20:
        return UNITS[n]
    if n < 100:
        return TENS[n // 10] + (f"-{UNITS[n % 10]}" if n % 10 else "")
    if n < 1000:
        return f"{UNITS[n // 100]} hundred" + (f" and {in_words(n % 100)}" if n % 100 else "")
    return f"{in_words(n // 1000)} thousand" + (f" {in_words(n % 1000)}" if n % 1000 else "")


@st.composite
def written(draw: st.DrawFn, value: Fraction) -> str:
    """Some way to write a value."""
    size, sign = abs(value), ("-", "−", "negative ", "minus ")[draw(st.integers(0, 3))] if value < 0 else ""
    factor = draw(st.integers(2, 12))
    ways = [
        f"{size.numerator * factor}/{size.denominator * factor}",
        f"\\frac{{{size.numerator * factor}}}{{{size.denominator * factor}}}",
        f"{size * 100}%" if (size * 100).denominator == 1 else f"{size}",
    ]
    if size.denominator == 1:
        ways += [str(size), f"{int(size):,}", f"{int(size)}.00", f"${size}$"]
        if sign not in ("-", "−"):
            ways.append(in_words(int(size)))
    elif 10**6 % size.denominator == 0:
        ways += [f"{float(size):.6f}".rstrip("0"), f"{float(size):.6f}".rstrip("0").removeprefix("0")]
    emphasis = draw(st.sampled_from(["", "**", "`", "*"]))
    return emphasis + sign + draw(st.sampled_from(ways)) + emphasis


values = st.one_of(
    st.integers(-9999, 9999).map(Fraction),
    st.fractions(min_value=-50, max_value=50, max_denominator=40),
)


@given(values, st.data())
def test_a_value_leaks_however_it_is_written(value: Fraction, data: st.DataObject) -> None:
    item = question("What is the value of the expression?", str(value))
    text = data.draw(written(value))
    assert leaks(f"In the end you get {text}.", item), text
    assert leaks(f"The result is {text}", item), text


@settings(max_examples=50)
@given(values, values, st.data())
def test_another_value_does_not_leak(value: Fraction, other: Fraction, data: st.DataObject) -> None:
    assume(other not in (value, value * 100, value / 100) and abs(value - other) > Fraction(1, 50))
    item = question("What is the value of the expression?", str(value))
    text = data.draw(written(other))
    # A fraction or percentage is made of numbers, too: those are not meant.
    assume(number_of(text.replace("\\frac{", "").replace("}{", "/").strip("}*$")) != value)
    assert not leaks(f"In between you get {text}.", item), text


@settings(max_examples=50)
@given(st.integers(2, 40), st.integers(1, 40), st.sampled_from("xtwn"), st.sampled_from(range(6)))
def test_a_line_leaks_in_any_order_and_another_does_not(slope: int, start: int, letter: str, way: int) -> None:
    item = question(
        "Which equation defines the function?",
        f"*f({letter}) = {slope}{letter} + {start}",
        f"f({letter}) = {slope}{letter} − {start}",
        f"f({letter}) = {slope + 1}{letter} + {start}",
        f"f({letter}) = {start}{letter} + {slope + 41}",
    )
    ways = (
        "{m}{x} + {b}",
        "{b} + {m}{x}",
        "y = {m} · {x} + {b}",
        "\\({b} + {m}{x}\\)",
        "{x} · {m} + {b} = y",
        "f({x}) = {b} + {m}·{x}",
    )
    assert leaks(f"The rule is {ways[way].format(m=slope, b=start, x=letter)}.", item)
    assert not leaks(f"Say it was {ways[way].format(m=slope + 2, b=start + 50, x=letter)}.", item)


@settings(max_examples=50)
@given(st.sampled_from("ABCD"), st.sampled_from("ABCD"), st.sampled_from(range(7)))
def test_only_the_right_letter_leaks(right: str, named: str, way: int) -> None:
    item = SEVEN_OF_FOUR.model_copy(update={"answers": [right]})
    ways = (
        "The answer is {}.",
        "Pick ({}).",
        "{} is correct.",
        "It's {}!",
        "Option {} it is.",
        "So, **{}**.",
        "I say {} fits.",
    )
    assert leaks(ways[way].format(named), item) is (right == named)


@settings(max_examples=50)
@given(st.text(max_size=300), st.sampled_from([item for item, _, _ in TABLE]))
@example("\\frac{1}{0} 1/0 0^(-1) √(-1) 9^9^9^9^9 (((( )))) x^x^x = = =", SEVEN)
@example("9" * 5000 + "/" + "9" * 5000, SEVEN)
@example("(" * 300 + "x", LINE)
def test_no_text_is_too_strange(text: str, item: Question) -> None:
    guard = Guard(item, shown=[text])
    guard.find(text)
    guard.commits(text)
    guard.proposes(text)


# The bank


@pytest.fixture(scope="module")
def bank() -> list[tuple[Question, Guard]]:
    """Every question of the workspace's bank, as data: the package that it belongs to need not be installed."""
    if not BANK.exists():
        pytest.skip("the workspace's question bank is not here")
    items = [Question.model_validate(json.loads(line)) for line in BANK.read_text(encoding="utf-8").splitlines()[1:]]
    assert len(items) > 600
    return [(item, Guard(item)) for item in items]


def test_no_hint_of_the_bank_leaks_before_the_last(bank: list[tuple[Question, Guard]]) -> None:
    leaking = [(item.id, hint) for item, guard in bank for hint in item.hints[:-1] if guard.find(hint)]
    assert leaking == []


def test_nearly_every_last_hint_of_the_bank_is_found_to_tell_the_answer(bank: list[tuple[Question, Guard]]) -> None:
    missed = [item.id for item, guard in bank if guard.find(item.hints[-1]) is None]
    assert len(missed) <= len(bank) // 100, missed


WAYS = [
    "The answer is {letter}.",
    "Choose ({letter}).",
    "I would go with **{letter}** here.",
    "{letter} is right, for it says what the text says.",
    "Everything but {letter} is wrong.",
    "The answer is {text}",
    "What fits is “{text}”",
    "So it must be {text}",
]


@pytest.mark.parametrize(("start", "way"), list(enumerate(WAYS)))
def test_each_way_to_say_it_is_found_whatever_the_question(
    bank: list[tuple[Question, Guard]], start: int, way: str
) -> None:
    for item, guard in bank[start::8]:
        right = item.choice(item.answers[0]) if item.choices else None
        if right is not None or "{letter}" not in way:
            text = right.text if right is not None else item.answers[0]
            said = way.format(letter=item.answers[0], text=text.rstrip(".,"))
            assert guard.find(said) is not None, (item.id, said)


def test_what_every_coach_says_leaks_nothing_of_any_question(bank: list[tuple[Question, Guard]]) -> None:
    said = (
        "Read the question again and say in your own words what it asks for. Cover the choices before you look. "
        "However, be careful with signs: a common trap is to answer for the wrong quantity. What is a first step?\n"
        "1. Name the goal.\n2. Write it down.\n3. Do one step at a time. There is only one thing left to do. "
        "Drop the choices that go too far. Think of it as a machine: what goes in, and what comes out?"
    )
    assert [item.id for item, guard in bank[::4] if guard.find(said) or guard.commits(said)] == []


def test_importing_it_loads_no_algebra_and_no_http_library() -> None:
    code = "import bonsai_coaching.leaks, sys; sys.exit(bool({'aiohttp', 'sympy', 'numpy'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
