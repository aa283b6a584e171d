"""Makes Reading and Writing questions for training: any passage with any wording, which alone tells the skill."""

from __future__ import annotations

import random
import re
from pathlib import Path

from slots import wordings

HERE = Path(__file__).parent
WHO = (
    *("the narrator", "Josiah", "Mrs. Alder", "Okafor", "Rivera and her team", "Dr. Lindholm", "the painter", "Ida"),
    *("Tanaka", "the author", "Miss Grey", "Chen and colleagues", "the critic", "Mr. Pell", "Bautista", "the speaker"),
)
SCHOLARS = (
    *(
        "researchers",
        "scientists",
        "historians",
        "team",
        "scholars",
        "ecologists",
        "archaeologists",
        "student",
        "linguist",
    ),
    *("psychologists", "economists", "astronomer", "biologists", "critics"),
)
TOPICS = (
    *("deep-sea corals", "the bridge", "medieval maps", "the color blue in painting", "honeybees", "the old theater"),
    *(
        "early photography",
        "jazz in Kansas City",
        "Martian dust",
        "the trade in salt",
        "sleep and memory",
        "street art",
    ),
    *("the poem's form", "river otters", "the novels of Adair", "bilingual children", "the festival", "solar cells"),
)
TITLES = ("The Salt Road", "A Winter Guest", "Lanterns", "The Second Bell", "To My Window", "Hollow Hill")
THINGS = (
    "artists",
    "species",
    "studies",
    "buildings",
    "islands",
    "novels",
    "methods",
    "inventions",
    "poems",
    "planets",
)
WORDS = (
    *(
        "novel",
        "ordinary",
        "fleeting",
        "contest",
        "abundant",
        "neglected",
        "convey",
        "obscure",
        "vital",
        "reluctant",
        "grasp",
    ),
    *(
        "bolster",
        "mitigate",
        "ambiguous",
        "spurious",
        "candid",
        "tenuous",
        "restrained",
        "hinder",
        "foster",
        "unprecedented",
    ),
    *(
        "superficial",
        "enduring",
        "dismiss",
        "elaborate",
        "scarce",
        "predictable",
        "advocate for",
        "give rise to",
        "tender",
    ),
    *(
        "reserved",
        "inspire",
        "deliberate",
        "conventional",
        "gradual",
        "secure",
        "settle",
        "plain",
        "draw on",
        "account for",
    ),
    *("excessive", "innocuous", "diligent", "erratic", "conspicuous", "redress", "supplant", "cultivate", "resilient"),
    *("subsequent to", "indifferent", "fruitful", "exacting", "sweeping", "prolific", "nostalgic", "bleak", "coherent"),
)
TRANSITIONS = (
    *(
        "However,",
        "Therefore,",
        "For example,",
        "In addition,",
        "Moreover,",
        "Nevertheless,",
        "Similarly,",
        "By contrast,",
    ),
    *(
        "As a result,",
        "In other words,",
        "Finally,",
        "Meanwhile,",
        "Instead,",
        "Indeed,",
        "That said,",
        "For instance,",
    ),
    *(
        "Consequently,",
        "Furthermore,",
        "Likewise,",
        "Thus,",
        "In fact,",
        "On the other hand,",
        "Still,",
        "Specifically,",
    ),
    *(
        "Subsequently,",
        "In conclusion,",
        "Additionally,",
        "Hence,",
        "Accordingly,",
        "Regardless,",
        "Alternatively,",
        "Besides,",
    ),
    *(
        "To that end,",
        "In comparison,",
        "Afterward,",
        "Previously,",
        "Of course,",
        "Increasingly,",
        "Conversely,",
        "Then,",
    ),
    *(
        "In particular,",
        "In contrast,",
        "For this reason,",
        "At the same time,",
        "Ultimately,",
        "Nonetheless,",
        "Granted,",
    ),
    *("That is,", "Earlier,", "Next,", "in turn,", "by comparison,", "for one thing,", "though,", "on the contrary,"),
)
LEADS = (
    *(
        "This finding suggests that",
        "It is therefore likely that",
        "The researchers concluded that",
        "This implies that",
    ),
    *("If this is so, then", "The contrast suggests that", "These results indicate that", "Thus, it seems that"),
    *("which could explain why", "and for that reason some scholars argue that", "suggesting that", "likely because"),
    *("A critic of this view might therefore respond that", "In other words,", "The evidence thus suggests that"),
)
FORMS = (
    *(
        ("is", "are", "were", "have been"),
        ("has", "have", "are having", "were having"),
        ("was", "were", "are", "have been"),
    ),
    *(("its", "it's", "their", "they're"), ("their", "there", "they're", "its"), ("whose", "who's", "whom", "which")),
    *(("this", "these", "that", "those"), ("it", "they", "them", "one"), ("his", "their", "one's", "your")),
    *(
        ("him", "he", "himself", "his"),
        ("more fast", "faster", "fastest", "most fast"),
        ("fewer", "less", "least", "lesser"),
    ),
    *(("provides", "provide", "have provided", "are providing"), ("to develop", "developing", "developed", "develops")),
    *(("had written", "has written", "writes", "will write"), ("being", "was", "to be", "having been")),
    *(("that they", "that it", "which it", "who they"), ("were", "was", "is being", "has been")),
)
VERBS = (
    *(
        "suggest",
        "contain",
        "create",
        "influence",
        "transform",
        "publish",
        "carry",
        "measure",
        "observe",
        "paint",
        "help",
    ),
    *(
        "allow",
        "resemble",
        "indicate",
        "produce",
        "travel",
        "borrow",
        "challenge",
        "record",
        "design",
        "remain",
        "reveal",
    ),
)
NOUNS = (
    "artist",
    "scientist",
    "city",
    "museum",
    "village",
    "author",
    "bee",
    "river",
    "team",
    "nation",
    "student",
    "star",
)
HELD = ("paintings", "theories", "walls", "songs", "findings", "habits", "letters", "leaves", "customs", "maps")
CLOZE = {"Boundaries", "Form, Structure, and Sense", "Transitions", "Inferences"}

_LINES = wordings(HERE / "reading.txt")
_PARTS: dict[str, list[str]] = {}
for _head, _line in _LINES:
    _PARTS.setdefault(_head, []).append(_line)
STEMS = [(head, line) for head, line in _LINES if head[0].isupper()]


def passages() -> list[str]:
    """Our passages, without a question; the line that introduces a literary text belongs to it."""
    parts = re.split(r"\n\s*\n", (HERE / "passages.txt").read_text().strip())
    found: list[str] = []
    for part in parts:
        if found and found[-1].startswith("The following text") and "\n" not in found[-1]:
            found[-1] += "\n\n" + part
        else:
            found.append(part)
    return found


def _fill(text: str, rng: random.Random) -> str:
    drawn = {
        "goal": lambda: _fill(rng.choice(_PARTS["goal"]), rng),
        "who": lambda: rng.choice(WHO),
        "scholars": lambda: rng.choice(SCHOLARS),
        "topic": lambda: rng.choice(TOPICS),
        "title": lambda: rng.choice(TITLES),
        "things": lambda: rng.choice(THINGS),
        "word": lambda: rng.choice(WORDS),
    }
    return re.sub(r"\{(\w+)\}", lambda match: drawn[match[1]](), text)


def _sentences(text: str) -> list[str]:
    return [part.strip() for part in re.split(r"(?<=[.!?]) +", text.replace("\n", " ")) if part.strip()]


def _pick(head: str, rng: random.Random) -> list[str]:
    return [_fill(text, rng) for text in rng.sample(_PARTS[head], 4)]


def _table(rng: random.Random) -> str:
    heads = rng.choice(
        [
            ("Site", "2001", "2011", "2021"),
            ("Species", "Day", "Night"),
            ("Group", "Before", "After"),
            ("City", "Men", "Women"),
        ]
    )
    names = ["Alder", "Birch", "North", "South", "Robin", "Control", "Lima", "Porto", "Group A"]
    named = rng.sample(names, rng.randint(3, 4))
    rows = [heads, *((name, *(str(rng.randint(2, 900)) for _ in heads[1:])) for name in named)]
    bar = rng.choice([" | ", " ", "  "])
    title = rng.choice(["Number of Visitors by Year", "Mean Weight of Seeds in Grams", "Percent of Participants", ""])
    return (title + "\n" + "\n".join(bar.join(row) for row in rows)).strip()


def _punctuated(text: str, rng: random.Random) -> tuple[str, list[str]]:
    spots = [match for match in re.finditer(r"(\w+)([,.;:]|,? and|)(\s)(\w+)", text) if match.start() > 20]
    marked = [spot for spot in spots if spot[2]]
    spot = rng.choice(marked or spots)
    left, right = spot[1], spot[4] if spot[2] != "." else spot[4].lower()
    join = rng.random() < 0.6
    tail = f" {right}" if join else ""
    signs = rng.sample([",", ";", ":", "", ".", " and", ", and", "—", ", but", ", while"], 4)
    made = [
        f"{left}{sign}{tail.title() if sign == '.' else tail}" if sign != "—" else f"{left}—{right}" for sign in signs
    ]
    cut = spot.start(4) + len(spot[4]) if join else spot.end(2)
    return f"{text[: spot.start()]}______{text[cut:]}", made


def _formed(text: str, rng: random.Random) -> tuple[str, list[str]]:
    draw = rng.random()
    words = [match for match in re.finditer(r"\b[a-z]{3,}\b", text) if match.start() > 20]
    at = rng.choice(words)
    cloze = f"{text[: at.start()]}______{text[at.end() :]}"
    if draw < 0.3:
        return cloze, list(rng.choice(FORMS))
    if draw < 0.6:
        base = rng.choice(VERBS)
        past = base + ("d" if base.endswith("e") else "ed")
        active = base.removesuffix("e") + "ing"
        forms = [
            base,
            base + "s",
            past,
            active,
            "to " + base,
            "having " + past,
            "had " + past,
            "has " + past,
            "will " + base,
        ]
        return cloze, rng.sample([*forms, "have " + past, "was " + active, "would have " + past, "are " + active], 4)
    if draw < 0.78:
        noun, held = rng.choice(NOUNS), rng.choice(HELD)
        plural = noun.removesuffix("y") + ("ies" if noun.endswith("y") else "s")
        if rng.random() < 0.5:
            return cloze, [f"{noun}'s", f"{plural}'", plural, f"{plural}'s"]
        return cloze, [f"{noun}'s {held}", f"{plural}' {held}", f"{plural} {held}", f"{noun}'s {held}'"]
    sentence = rng.choice(_sentences(text))
    name, thing, base = rng.choice(["Okafor", "Lindholm", "the team", "Rivera"]), rng.choice(HELD), rng.choice(VERBS)
    opened = rng.choice(
        ["Working at night,", "Known for her bold colors,", "First described in 1904,", "Unlike most birds,"]
    )
    past = base + ("d" if base.endswith("e") else "ed")
    four = [
        f"the {thing} were {past} by {name} in the spring.",
        f"{name} {past} the {thing} in the spring.",
        f"it was {name} who {past} the {thing} in the spring.",
        f"there were {thing} that {name} {past} in the spring.",
        f"{name}'s {thing} were {past} in the spring.",
    ]
    return f"{sentence} {opened} ______", rng.sample(four, 4)


def _noted(sentences: list[str], rng: random.Random) -> str:
    lead = rng.choice(
        ["While researching a topic, a student has taken the following notes:", "A student took these notes:"]
    )
    mark = rng.choice(["• ", "• ", "- ", "· ", ""])
    return lead + "\n\n" + "\n".join(mark + line for line in sentences[: rng.randint(3, 6)])


def question(skill: str, stem: str, texts: list[str], rng: random.Random) -> tuple[str, str, list[str]]:
    """(passage, stem, choices) of a question of a skill, about a passage drawn from `texts`."""
    passage = rng.choice(texts)
    if skill == "Words in Context":
        asked = _fill(stem, rng)
        four = rng.sample(WORDS, 4)
        if "completes" in stem:
            word = rng.choice(list(re.finditer(r"\b[a-z]{5,}\b", passage)))
            passage = f"{passage[: word.start()]}______{passage[word.end() :]}"
        else:
            used = rng.choice(re.findall(r"\b[a-z]{5,}\b", passage))
            asked = re.sub(r'"[^"]+"', f'"{used}"', asked)
        return passage, asked, [choice.capitalize() for choice in four] if rng.random() < 0.4 else four
    if skill == "Transitions":
        parts = _sentences(passage)
        at = rng.randrange(1, len(parts)) if len(parts) > 1 else 0
        parts[at] = "______ " + parts[at][:1].lower() + parts[at][1:]
        return " ".join(parts), stem, rng.sample(TRANSITIONS, 4)
    if skill == "Boundaries":
        cloze, four = _punctuated(passage, rng)
        return cloze, stem, four
    if skill == "Form, Structure, and Sense":
        cloze, four = _formed(passage, rng)
        return cloze, stem, four
    if skill == "Inferences":
        return (
            f"{' '.join(_sentences(passage)[:-1]) or passage} {rng.choice(LEADS)} ______",
            stem,
            _pick("completion", rng),
        )
    if skill == "Cross-Text Connections":
        gap = rng.choice(["\n", "\n\n", " "])
        first, second = rng.sample(texts, 2)
        four = _pick("respond", rng) if rng.random() < 0.7 else _pick("completion", rng)
        return f"Text 1{gap}{first}\n\nText 2{gap}{second}", _fill(stem, rng), four
    if skill == "Rhetorical Synthesis":
        return (
            _noted(_sentences(passage), rng),
            _fill(stem, rng),
            rng.sample([*_sentences(passage), *_pick("finding", rng)], 4),
        )
    if skill == "Command of Evidence":
        if "data" in stem or "from the table" in stem:
            passage = f"{_table(rng)}\n\n{passage}"
            if "complete" in stem:
                passage += (
                    " " + rng.choice(["For example,", "Specifically,", "This is shown by the fact that"]) + " ______"
                )
        elif "llustrate" in stem and rng.random() < 0.5:
            passage += " ______"
        return passage, _fill(stem, rng), _pick("finding", rng)
    if skill == "Text Structure and Purpose":
        head = (
            "structure"
            if "structure of" in stem or "organized" in stem
            else "purpose"
            if "purpose" in stem
            else "function"
        )
        return passage, _fill(stem, rng), _pick(head, rng)
    four = rng.sample(_sentences(" ".join(rng.sample(texts, 4))), 4)
    return passage, _fill(stem, rng), four
