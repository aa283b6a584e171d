"""Questions from and to other programs: CSV, and QTI 2.1 and 3.0 items (https://www.1edtech.org/standards/qti).

Of QTI the part is read that a question like ours needs: one choice interaction or one text entry, its right response,
and the SAT terms in the item's title or metadata of our own. What cannot be taken over is refused by name, not dropped.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from defusedxml.ElementTree import ParseError, fromstring
from pydantic import ValidationError

from bonsai_core.domain import DOMAIN_OF_SKILL, Question
from bonsai_recs.bank.files import BankError, BankItem, read_bank

COLUMNS = (
    *("id", "skill", "stem", "passage", "choice_a", "choice_b", "choice_c", "choice_d", "answer", "rationale", "band"),
    *("expected_seconds", "discrimination", "guessing", "hint_1", "hint_2", "hint_3", "hint_4", "strategy"),
)
LETTERS = "ABCD"
_QTI2 = "http://www.imsglobal.org/xsd/imsqti_v2p1"
_QTI3 = "http://www.imsglobal.org/xsd/imsqtiasi_v3p0"
#: Our terms in a QTI item are classes of its body, so that any QTI program keeps them.
_TERMS = ("skill", "band", "seconds")


def import_questions(path: Path) -> list[Question]:
    """Read questions of a file: `.jsonl` (our own), `.csv`, or `.xml` (one QTI item), or a folder of such files.

    Raises:
        BankError: naming the file, the place and what is wrong.
    """
    if path.is_dir():
        return [question for file in sorted(path.iterdir()) if file.is_file() for question in import_questions(file)]
    if path.suffix == ".jsonl":
        return list(read_bank(path))
    if path.suffix == ".csv":
        return list(from_csv(path.read_text(encoding="utf-8-sig"), str(path)))
    if path.suffix == ".xml":
        return [from_qti(path.read_text(encoding="utf-8"), str(path))]
    raise BankError(f"{path}: import reads .jsonl, .csv and QTI items in .xml")


def from_csv(text: str, where: str) -> Iterable[Question]:
    """Questions of a CSV text with a header line of `COLUMNS`; `id`, `skill`, `stem` and `answer` must be there.

    Several accepted typed answers are separated by `|`.
    """
    rows = csv.DictReader(io.StringIO(text))
    missing = {"id", "skill", "stem", "answer"} - set(rows.fieldnames or ())
    if missing:
        raise BankError(f"{where}: the columns {', '.join(sorted(missing))} are missing")
    for row in rows:
        place = f"{where}:{rows.line_num}"
        cells = {name: (value or "").strip() for name, value in row.items() if isinstance(name, str)}
        choices = [
            {"key": key, "text": cells[f"choice_{key.lower()}"]}
            for key in LETTERS
            if cells.get(f"choice_{key.lower()}")
        ]
        fields: dict[str, Any] = {
            "id": cells["id"],
            "stem": cells["stem"],
            "choices": choices,
            "answers": [cells["answer"].upper()] if choices else [part.strip() for part in cells["answer"].split("|")],
            "hints": [cells[f"hint_{n}"] for n in range(1, 5) if cells.get(f"hint_{n}")],
        }
        for name in ("passage", "rationale", "band", "expected_seconds", "discrimination", "guessing", "strategy"):
            if cells.get(name):
                fields[name] = cells[name]
        yield _question(fields, cells["skill"], place)


def to_csv(questions: Iterable[Question]) -> str:
    """Questions as CSV; figures and misconceptions are left out."""
    out = io.StringIO()
    rows = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    rows.writeheader()
    for question in questions:
        row: dict[str, Any] = {name: getattr(question, name, "") for name in COLUMNS}
        row |= {f"choice_{choice.key.lower()}": choice.text for choice in question.choices}
        row |= {f"hint_{number}": hint for number, hint in enumerate(question.hints, start=1)}
        rows.writerow(row | {"answer": "|".join(question.answers)})
    return out.getvalue()


def from_qti(text: str, where: str) -> Question:
    """The question of a QTI 2.1 or 3.0 item."""
    try:
        root = fromstring(text, forbid_dtd=True)
    except (ParseError, ValueError) as error:
        raise BankError(f"{where}: not XML that can be read: {error}") from None
    item = {_plain(element.tag): element for element in root.iter()}
    if _plain(root.tag) != "assessmentitem":
        raise BankError(f"{where}: no QTI assessment item")
    body = item.get("itembody")
    declared = [e for e in root.iter() if _plain(e.tag) == "responsedeclaration"]
    choice, entry = item.get("choiceinteraction"), item.get("textentryinteraction")
    if body is None or len(declared) != 1 or (choice is None) == (entry is None):
        raise BankError(f"{where}: only items with one choice interaction or one text entry can be taken over")
    right = [_text(e) for e in declared[0].iter() if _plain(e.tag) == "value"]
    mapped = [e.get("mapKey", e.get("map-key", "")) for e in declared[0].iter() if _plain(e.tag) == "mapentry"]
    terms = _terms(body.get("class", ""))
    fields: dict[str, Any] = {"id": root.get("identifier", ""), "answers": [*dict.fromkeys([*right, *mapped])]}
    if choice is not None:
        options = [e for e in choice if _plain(e.tag) == "simplechoice"]
        if len(options) > len(LETTERS) or len(right) != 1:
            raise BankError(f"{where}: a choice interaction has up to four choices, of which one is right")
        keys = dict(zip((e.get("identifier", "") for e in options), LETTERS, strict=False))
        if right[0] not in keys:
            raise BankError(f"{where}: the right response is none of the choices")
        fields["choices"] = [{"key": key, "text": _text(e)} for key, e in zip(LETTERS, options, strict=False)]
        fields["answers"] = [keys[right[0]]]
    paragraphs = [_text(e) for e in body if _plain(e.tag) in ("p", "div", "blockquote") and _text(e)]
    prompt = item.get("prompt")
    stem = _text(prompt) if prompt is not None else (paragraphs.pop() if paragraphs else "")
    fields["stem"] = stem
    if paragraphs:
        fields["passage"] = "\n\n".join(paragraphs)
    feedback = item.get("modalfeedback")
    if feedback is not None:
        fields["rationale"] = _text(feedback)
    if "band" in terms:
        fields["band"] = terms["band"]
    if "seconds" in terms:
        fields["expected_seconds"] = terms["seconds"]
    skill = next((s for s in DOMAIN_OF_SKILL if _slug(s) == terms.get("skill")), root.get("title", ""))
    return _question(fields, skill, where)


def to_qti(question: Question, version: str = "3.0") -> str:
    """A question as a QTI item, version `2.1` or `3.0`; hints, figure and misconceptions are left out."""
    new = version == "3.0"

    def name(words: str) -> str:
        first, *rest = words.split("-")
        return f"qti-{words}" if new else first + "".join(word.capitalize() for word in rest)

    def attributes(**values: str) -> dict[str, str]:
        return {key.replace("_", "-") if new else _camel(key): value for key, value in values.items()}

    flags = attributes(adaptive="false", time_dependent="false", title=question.skill)
    root = ET.Element(name("assessment-item"), {"xmlns": _QTI3 if new else _QTI2, "identifier": question.id, **flags})
    kind = "identifier" if question.choices else "string"
    response = ET.SubElement(
        root,
        name("response-declaration"),
        attributes(identifier="RESPONSE", cardinality="single", base_type=kind),
    )
    correct = ET.SubElement(response, name("correct-response"))
    ET.SubElement(correct, name("value")).text = question.answers[0]
    if len(question.answers) > 1:
        mapping = ET.SubElement(response, name("mapping"), attributes(default_value="0"))
        for answer in question.answers:
            ET.SubElement(mapping, name("map-entry"), attributes(map_key=answer, mapped_value="1"))
    terms = f"skill-{_slug(question.skill)} band-{question.band} seconds-{question.expected_seconds:g}"
    body = ET.SubElement(root, name("item-body"), {"class": terms})
    for paragraph in (question.passage or "").split("\n\n"):
        if paragraph:
            ET.SubElement(body, "p").text = paragraph
    if question.choices:
        interaction = ET.SubElement(
            body,
            name("choice-interaction"),
            attributes(response_identifier="RESPONSE", shuffle="false", max_choices="1"),
        )
        ET.SubElement(interaction, name("prompt")).text = question.stem
        for choice in question.choices:
            ET.SubElement(interaction, name("simple-choice"), {"identifier": choice.key}).text = choice.text
    else:
        ET.SubElement(body, "p").text = question.stem
        paragraph_of_entry = ET.SubElement(body, "p")
        ET.SubElement(
            paragraph_of_entry,
            name("text-entry-interaction"),
            attributes(response_identifier="RESPONSE", expected_length="6"),
        )
    if question.rationale:
        feedback = ET.SubElement(
            root,
            name("modal-feedback"),
            attributes(outcome_identifier="FEEDBACK", show_hide="show", identifier="rationale"),
        )
        ET.SubElement(feedback, "p").text = question.rationale
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _question(fields: dict[str, Any], skill: str, where: str) -> Question:
    domain = DOMAIN_OF_SKILL.get(skill)
    if domain is None:
        raise BankError(f"{where}: {skill!r} is none of the test's skills")
    fields |= {"section": domain.section, "domain": domain.name, "skill": skill}
    try:
        return BankItem.model_validate(fields)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise BankError(f"{where}: {'.'.join(map(str, first['loc'])) or 'the question'}: {first['msg']}") from None


def _plain(tag: str) -> str:
    """A QTI element's name, the same for both versions."""
    return tag.rpartition("}")[2].removeprefix("qti-").replace("-", "").lower()


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _slug(skill: str) -> str:
    return "".join(char if char.isalnum() else "-" for char in skill.lower()).strip("-")


def _terms(classes: str) -> dict[str, str]:
    found = {}
    for word in classes.split():
        term, _, value = word.partition("-")
        if term in _TERMS and value:
            found[term] = value
    return found


def _text(element: ET.Element) -> str:
    return " ".join("".join(element.itertext()).split())
