"""Bank files and their exchange with other programs: what is written is read back, what is broken is named."""

from __future__ import annotations

from pathlib import Path

import pytest
from bonsai_recs.bank import Bank, BankError, read_bank, write_bank
from bonsai_recs.bank.exchange import from_csv, from_qti, import_questions, to_csv, to_qti

from bonsai_core import Question


def choice_question(id: str = "q1") -> Question:
    return Question.model_validate(
        {
            "id": id,
            "section": "Reading and Writing",
            "domain": "Expression of Ideas",
            "skill": "Transitions",
            "passage": "One paragraph, with “quotes”.\n\nAnother one.",
            "stem": "Which choice completes the text?",
            "choices": [
                {"key": key, "text": text} for key, text in zip("ABCD", ("So", "But", "And", "Or"), strict=True)
            ],
            "answers": ["B"],
            "rationale": "It is a contrast.",
            "band": 3,
            "expectedSeconds": 60,
            "hints": ["One.", "Two.", "Three.", "Four."],
        }
    )


def typed_question(id: str = "q2") -> Question:
    return Question.model_validate(
        {
            "id": id,
            "section": "Math",
            "domain": "Algebra",
            "skill": "Linear functions",
            "stem": "If 2 < x & x < 3, what is 4x?",
            "answers": ["10", "21/2"],
            "expectedSeconds": 90,
        }
    )


def test_a_bank_file_is_read_back_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "bank.jsonl"
    questions = [choice_question(), typed_question()]
    write_bank(file, questions, seed=7)
    assert [item.model_dump(exclude={"template", "proof"}) for item in read_bank(file)] == [
        question.model_dump() for question in questions
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "no bank file"),
        ("{}", "no bank file"),
        ('{"format":"bonsai-bank","version":99,"items":0}', "version 99"),
        ('{"format":"other","version":1,"items":0}', "format other"),
        ('{"format":"bonsai-bank","version":1,"items":2}\n{}', "not whole"),
        ('{"format":"bonsai-bank","version":1,"items":1}\n{"id":"q"}', r":2: "),
    ],
)
def test_a_broken_bank_file_is_refused_by_name(tmp_path: Path, text: str, problem: str) -> None:
    file = tmp_path / "bank.jsonl"
    file.write_text(text)
    with pytest.raises(BankError, match=problem):
        read_bank(file)


def test_an_id_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "bank.jsonl"
    write_bank(file, [choice_question(), choice_question()])
    with pytest.raises(BankError, match="twice"):
        read_bank(file)


def test_questions_are_found_by_id_and_skill() -> None:
    bank = Bank([choice_question(), typed_question()])
    found = bank.get("q2")
    assert found is not None
    assert found.skill == "Linear functions"
    assert bank.get("nobody") is None
    assert [question.id for question in bank.of_skill("Transitions")] == ["q1"]
    assert bank.of_skill("Circles") == ()


def test_csv_there_and_back() -> None:
    questions = [choice_question(), typed_question()]
    assert [q.model_dump(exclude={"template", "proof"}) for q in from_csv(to_csv(questions), "x.csv")] == [
        question.model_dump() for question in questions
    ]


@pytest.mark.parametrize("version", ["2.1", "3.0"])
@pytest.mark.parametrize("make", [choice_question, typed_question])
def test_qti_there_and_back(version: str, make: type[Question]) -> None:
    question = make()
    hidden = {"hints", "template", "proof"}
    assert from_qti(to_qti(question, version), "x.xml").model_dump(exclude=hidden) == question.model_dump(
        exclude=hidden
    )


QTI_OF_ANOTHER_PROGRAM = """<?xml version="1.0"?>
<assessmentItem xmlns="http://www.imsglobal.org/xsd/imsqti_v2p1" identifier="their-1" title="Circles">
  <responseDeclaration identifier="RESPONSE" cardinality="single" baseType="identifier">
    <correctResponse><value>ChoiceB</value></correctResponse>
  </responseDeclaration>
  <itemBody>
    <p>A circle has radius 2.</p>
    <choiceInteraction responseIdentifier="RESPONSE" shuffle="true" maxChoices="1">
      <prompt>What is its area?</prompt>
      <simpleChoice identifier="ChoiceA">2π</simpleChoice>
      <simpleChoice identifier="ChoiceB">4<b>π</b></simpleChoice>
    </choiceInteraction>
  </itemBody>
</assessmentItem>"""


def test_an_item_of_another_program_is_taken_over() -> None:
    question = from_qti(QTI_OF_ANOTHER_PROGRAM, "their.xml")
    assert (question.id, question.skill, question.answers) == ("their-1", "Circles", ["B"])
    assert question.passage == "A circle has radius 2."
    assert [choice.text for choice in question.choices] == ["2π", "4π"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("no xml", "not XML"),
        ('<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>', "not XML"),
        ("<assessmentTest/>", "no QTI assessment item"),
        (QTI_OF_ANOTHER_PROGRAM.replace("choiceInteraction", "orderInteraction"), "one choice interaction"),
        (QTI_OF_ANOTHER_PROGRAM.replace('title="Circles"', 'title="Magic"'), "'Magic' is none"),
        (QTI_OF_ANOTHER_PROGRAM.replace("<value>ChoiceB", "<value>ChoiceZ"), "none of the choices"),
    ],
)
def test_what_qti_cannot_be_taken_over_is_refused(text: str, problem: str) -> None:
    with pytest.raises(BankError, match=problem):
        from_qti(text, "their.xml")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("id,stem\n", "answer, skill are missing"),
        ("id,skill,stem,answer\nq,Magic,?,1\n", "x.csv:2: 'Magic'"),
        ("id,skill,stem,answer,band\nq,Circles,?,1,9\n", "x.csv:2: band"),
        ("id,skill,stem,answer,choice_a\nq,Circles,?,Z,1\n", "letter of one of its choices"),
    ],
)
def test_a_broken_csv_is_refused_by_line(text: str, problem: str) -> None:
    with pytest.raises(BankError, match=problem):
        list(from_csv(text, "x.csv"))


def test_a_folder_of_files_is_imported_whole(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(to_csv([choice_question()]))
    (tmp_path / "b.xml").write_text(to_qti(typed_question()))
    assert [question.id for question in import_questions(tmp_path)] == ["q1", "q2"]
    (tmp_path / "c.txt").write_text("?")
    with pytest.raises(BankError, match=r"c\.txt"):
        import_questions(tmp_path)
