"""The Reading and Writing questions: every draft is sound, and the checkers find what is wrong with a broken one."""

from __future__ import annotations

import dataclasses
import random
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from importlib import import_module

import pytest
from bonsai_recs.authoring import writing_boundaries, writing_forms
from bonsai_recs.authoring.build import to_item
from bonsai_recs.authoring.check import problems
from bonsai_recs.authoring.kit import REGISTRY, Draft, Proof, ProofError, Template
from bonsai_recs.authoring.proofs_editor import CHECKERS, FAULTS, RELATIONS, relation_of
from bonsai_recs.authoring.proofs_grammar import fault_of, joint_of, noun_kinds, verb_forms
from bonsai_recs.authoring.prose import answer_line, seconds_for, unwrap

from bonsai_core.domain import BANDS, DOMAINS, Section

MODULES = ("reading", "writing_synthesis", "writing_transitions", "writing_boundaries", "writing_forms")
for module in MODULES:
    import_module(f"bonsai_recs.authoring.{module}")

TEMPLATES: dict[str, list[Template]] = defaultdict(list)
for _template in REGISTRY.templates:
    if _template.name.partition(".")[0] in MODULES:
        TEMPLATES[_template.skill].append(_template)
DRAFTS = {
    template.name: (template.skill, template.make(random.Random(0)))
    for template in REGISTRY.templates
    if template.name.partition(".")[0] in MODULES
}
SKILLS = [skill for domain in DOMAINS if domain.section is Section.READING_AND_WRITING for skill in domain.skills]
BY_SKILL: dict[str, list[Draft]] = defaultdict(list)
for _skill, _draft in DRAFTS.values():
    BY_SKILL[_skill].append(_draft)


def says(text: str, answer: str) -> bool:
    wanted = " ".join(answer.casefold().split()).strip('.,"')
    return re.search(rf"(?<!\w){re.escape(wanted)}(?!\w)", " ".join(text.casefold().split())) is not None


def checked(draft: Draft) -> None:
    CHECKERS[draft.proof.kind](draft.proof, [draft.answer], [wrong.text for wrong in draft.wrong])


def of_kind(kind: str) -> list[Draft]:
    return [draft for _, draft in DRAFTS.values() if draft.proof.kind == kind]


@pytest.mark.parametrize("skill", SKILLS)
class TestEveryDraft:
    def test_makes_a_question_without_a_problem(self, skill: str) -> None:
        for template in TEMPLATES[skill]:
            draft = template.make(random.Random(0))
            assert problems(to_item(draft, template, range(4))) == [], template.name

    def test_has_a_reason_for_each_wrong_choice(self, skill: str) -> None:
        for draft in BY_SKILL[skill]:
            for wrong in draft.wrong:
                assert re.search(r"\b(you|your|this|there|a form)\b", wrong.misconception.casefold())
                assert 1 <= len(re.findall(r"[.?!](?:[\"')]|\s|$)", wrong.misconception)) <= 3
                assert not says(wrong.misconception, draft.answer)

    def test_has_a_short_rationale_and_a_tidy_passage(self, skill: str) -> None:
        for draft in BY_SKILL[skill]:
            assert 2 <= len(re.findall(r"[.!?][\"')]*(?=\s|$)", draft.rationale)) <= 4
            assert draft.passage is not None
            assert not re.search(r"  |[{}]| \n|\n ", draft.passage)

    def test_has_estimates_in_range(self, skill: str) -> None:
        for draft in BY_SKILL[skill]:
            assert draft.band in BANDS
            assert draft.expected_seconds is not None and 45 <= draft.expected_seconds <= 110
            assert 0.7 <= draft.discrimination <= 1.6

    def test_is_refuted_with_a_wrong_choice_as_its_answer(self, skill: str) -> None:
        for draft in BY_SKILL[skill]:
            for index, wrong in enumerate(draft.wrong):
                others = [draft.answer, *(other.text for place, other in enumerate(draft.wrong) if place != index)]
                with pytest.raises(ProofError):
                    CHECKERS[draft.proof.kind](draft.proof, [wrong.text], others)


class TestTheWhole:
    def test_every_skill_has_twenty_questions_in_all_bands(self) -> None:
        assert set(BY_SKILL) == set(SKILLS)
        for skill in SKILLS:
            bands = Counter(draft.band for draft in BY_SKILL[skill])
            assert sum(bands.values()) >= 20
            assert set(bands) == set(BANDS) and max(bands.values()) <= sum(bands.values()) / 3

    def test_no_passage_comes_twice(self) -> None:
        assert not [text for text, times in Counter(d.passage for _, d in DRAFTS.values()).items() if times > 1]

    def test_length_does_not_give_the_answer_away(self) -> None:
        for drafts in BY_SKILL.values():
            longest = sum(len(d.answer) > max(len(wrong.text) for wrong in d.wrong) for d in drafts)
            shortest = sum(len(d.answer) < min(len(wrong.text) for wrong in d.wrong) for d in drafts)
            assert longest <= 0.35 * len(drafts)
            assert shortest <= 0.4 * len(drafts)

    def test_fixed_drafts_do_not_depend_on_chance(self) -> None:
        for template in REGISTRY.templates:
            if template.name in DRAFTS:
                assert template.make(random.Random(99)) == DRAFTS[template.name][1]


def changed(draft: Draft, **given: object) -> Draft:
    return dataclasses.replace(draft, proof=Proof(draft.proof.kind, draft.proof.given | given))


class TestEditor:
    def first(self, having: Callable[[Draft], bool] = lambda draft: True) -> Draft:
        return next(draft for draft in of_kind("editor") if having(draft))

    def test_support_has_to_stand_in_the_passage(self) -> None:
        with pytest.raises(ProofError, match="not in the passage"):
            checked(changed(self.first(), support=["words that nobody wrote"]))

    def test_a_wrong_choice_needs_a_known_mistake(self) -> None:
        draft = self.first()
        with pytest.raises(ProofError, match="no named mistake"):
            checked(changed(draft, faults={}))
        with pytest.raises(ProofError, match="unknown mistake"):
            checked(changed(draft, faults={wrong.text: "just wrong" for wrong in draft.wrong}))
        assert "just wrong" not in FAULTS

    def test_two_texts_need_support_from_both(self) -> None:
        draft = self.first(lambda draft: "both texts" in draft.proof.given["rules"])
        with pytest.raises(ProofError, match="one text only"):
            checked(changed(draft, support=draft.proof.given["support"][:1]))

    def test_a_premise_stands_before_the_blank(self) -> None:
        draft = self.first(lambda draft: "before the blank" in draft.proof.given["rules"])
        text = f"______ {draft.passage}".replace(" ______", "")
        with pytest.raises(ProofError, match="after the blank"):
            checked(changed(draft, passage=text))

    def test_a_word_for_a_blank_is_not_in_the_passage_yet(self) -> None:
        draft = self.first(lambda draft: "fresh word" in draft.proof.given["rules"])
        with pytest.raises(ProofError, match="already there"):
            checked(changed(draft, passage=f"{draft.passage} It was {draft.answer}."))

    def test_a_word_to_explain_is_in_the_passage(self) -> None:
        draft = self.first(lambda draft: "word in use" in draft.proof.given["rules"])
        with pytest.raises(ProofError, match="does not use"):
            checked(changed(draft, word="xylophone"))


class TestSynthesis:
    def test_what_the_right_choice_uses_stands_in_the_notes(self) -> None:
        draft = of_kind("synthesis")[0]
        with pytest.raises(ProofError, match="not in the notes"):
            checked(changed(draft, notes=["Nothing is known."]))
        with pytest.raises(ProofError, match="not used"):
            checked(changed(draft, uses=["farther from Earth"]))

    def test_a_goal_that_two_choices_meet_is_refused(self) -> None:
        draft = of_kind("synthesis")[0]
        with pytest.raises(ProofError, match="meets the goal too"):
            checked(changed(draft, needs=["Voyager"]))


class TestTable:
    def test_a_changed_number_breaks_the_proof(self) -> None:
        for draft in of_kind("table"):
            rows = [[row[0], *(0 for _ in row[1:])] for row in draft.proof.given["rows"]]
            with pytest.raises((ProofError, ZeroDivisionError)):
                checked(changed(draft, rows=rows))

    def test_a_true_choice_cannot_be_said_to_contradict_the_data(self) -> None:
        draft = of_kind("table")[0]
        faults = dict.fromkeys(draft.proof.given["faults"], "contradicts the data")
        with pytest.raises(ProofError, match="does say so"):
            checked(changed(draft, faults=faults))

    def test_the_passage_shows_the_numbers_that_are_checked(self) -> None:
        for draft in of_kind("table"):
            for row in draft.proof.given["rows"]:
                assert " | ".join(f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row) in str(
                    draft.passage
                )


class TestTransitions:
    def test_no_word_has_two_relations(self) -> None:
        words = [word for words in RELATIONS.values() for word in words]
        assert len(words) == len(set(words))

    def test_case_and_comma_do_not_matter(self) -> None:
        assert relation_of("by contrast,") == relation_of("However") == "contrast"
        with pytest.raises(ProofError, match="unknown transition"):
            relation_of("Notwithstandingly,")

    @pytest.mark.parametrize(
        ("right", "wrong"),
        [
            ("Therefore,", ["Thus,", "However,", "Likewise,"]),  # the same relation
            ("However,", ["Still,", "Therefore,", "Likewise,"]),  # one that could pass for it
            ("Therefore,", ["However,", "In contrast,", "Likewise,"]),  # two wrong ones that exclude each other
            ("Meanwhile,", ["However,", "Thus,", "Likewise,"]),  # not what the proof says
        ],
    )
    def test_choices_that_compete_are_refused(self, right: str, wrong: Sequence[str]) -> None:
        relation = "contrast" if right == "However," else "result"
        with pytest.raises(ProofError):
            CHECKERS["transition"](Proof("transition", {"relation": relation}), [right], wrong)


class TestBoundaries:
    @pytest.mark.parametrize(
        ("junction", "joint", "fault"),
        [
            ("sentence+sentence", ";", None),
            ("sentence+sentence", ", and", None),
            ("sentence+sentence", ",", "comma splice"),
            ("sentence+sentence", "", "run-on"),
            ("sentence+sentence", "and", "missing comma"),
            ("sentence+explanation", ":", None),
            ("sentence+adverb sentence", "; ADV,", None),
            ("sentence+adverb sentence", ", ADV;", "adverb on the wrong side"),
            ("sentence adverb+sentence", ", ADV;", None),
            ("subordinate+sentence", ",", None),
            ("subordinate+sentence", ".", "fragment"),
            ("opening phrase+sentence", ";", "fragment"),
            ("sentence+closing phrase", ".", "fragment"),
            ("sentence+list", ";", "needless break"),
            ("subject+verb", ",", "needless mark"),
            ("long item+long item", ",", "misplaced mark"),
        ],
    )
    def test_marks_are_named(self, junction: str, joint: str, fault: str | None) -> None:
        assert fault_of(junction, joint) == fault

    def test_an_extra_part_closes_as_it_opened(self) -> None:
        assert fault_of("supplement", "—", "—") is None
        assert fault_of("supplement", ",", "—") == "unmatched marks"

    def test_the_opening_mark_of_an_extra_part_is_in_the_text(self) -> None:
        for frame in writing_boundaries.FRAMES:
            if frame["junction"] == "supplement":
                assert all(frame["right"].strip() in sentence["left"] for sentence in frame["sentence"])

    def test_the_mark_is_read_from_the_choice(self) -> None:
        assert joint_of("coast. These", "coast", "these") == "."
        assert joint_of("dry; however, the", "dry", "the") == "; ADV,"
        with pytest.raises(ProofError, match="does not run"):
            joint_of("coast; those", "coast", "these")

    def test_a_mistake_named_wrongly_is_refused(self) -> None:
        draft = of_kind("boundary")[0]
        with pytest.raises(ProofError, match="not fragment"):
            checked(changed(draft, faults={wrong.text: "fragment" for wrong in draft.wrong}))

    def test_an_unknown_junction_is_refused(self) -> None:
        with pytest.raises(ProofError, match="unknown junction"):
            fault_of("word+word", ",")


class TestForms:
    def test_verbs_are_conjugated(self) -> None:
        forms = verb_forms("write", "writes", "wrote", "written", "writing")
        assert forms["writes"] == {"finite": True, "number": "singular", "tense": "present", "voice": "active"}
        assert forms["have written"]["number"] == "plural"
        assert not forms["having written"]["finite"]
        be = verb_forms("be", "is", "was", "been", "being")
        assert (be["were"]["number"], be["is"]["tense"], be["has been"]["tense"]) == (
            "plural",
            "present",
            "present perfect",
        )

    def test_owners_are_told_from_plurals(self) -> None:
        assert noun_kinds("village", "villages")["villages'"] == "plural owner"
        assert noun_kinds("child", "children")["children's"] == "plural owner"

    def test_a_form_that_fits_as_well_is_refused(self) -> None:
        given = {
            "verb": ["show", "shows", "showed", "shown", "showing"],
            "needs": {"number": "singular", "finite": True},
        }
        with pytest.raises(ProofError, match="fits"):
            CHECKERS["verb"](Proof("verb", given), ["shows"], ["show", "showing", "showed"])
        with pytest.raises(ProofError, match="unknown form"):
            CHECKERS["verb"](Proof("verb", given), ["shows"], ["shew", "show", "showing"])

    def test_what_an_owner_owns_does_not_do_what_the_owner_does(self) -> None:
        proof = Proof("opening", {"doer": "Johnson"})
        CHECKERS["opening"](proof, ["Johnson checked the path."], ["Johnson's checks were right."])
        with pytest.raises(ProofError, match="does not begin"):
            CHECKERS["opening"](proof, ["Johnson's checks were right."], [])

    def test_a_pronoun_that_fits_as_well_is_refused(self) -> None:
        with pytest.raises(ProofError, match="fits"):
            CHECKERS["pronoun"](
                Proof("pronoun", {"needs": {"role": "stand-in", "number": "plural"}}), ["those"], ["these"]
            )

    def test_every_rule_has_several_texts(self) -> None:
        assert all(len(rule["slot"]) >= 2 for rule in writing_forms.RULES)


class TestProse:
    def test_lines_are_joined_but_for_paragraphs_headings_and_verse(self) -> None:
        assert unwrap("a\n  b\n\nc") == "a b\n\nc"
        assert unwrap("Text 1\na\nb\n\nText 2\nc") == "Text 1\na b\n\nText 2\nc"
        assert unwrap("a\n  b", verse=True) == "a\nb"

    def test_time_grows_with_words_and_band_within_limits(self) -> None:
        assert seconds_for(10, 1) == 45
        assert seconds_for(100, 2) < seconds_for(150, 2) < seconds_for(150, 6)
        assert seconds_for(900, 7) == 110

    def test_the_answer_is_quoted_once(self) -> None:
        assert answer_line("safe") == 'The answer is "safe."'
        assert answer_line("It is safe.") == 'The answer is "It is safe."'
        assert answer_line('"He sang."') == 'The answer is "He sang."'
        assert answer_line("However,") == 'The answer is "However."'
