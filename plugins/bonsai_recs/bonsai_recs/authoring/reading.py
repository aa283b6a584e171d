"""The six reading skills. Their questions, and what the hints of each kind share, are in `items/`."""

from __future__ import annotations

from bonsai_recs.authoring.kit import fixed
from bonsai_recs.authoring.prose import load

FILES = {
    "central_ideas": "Central Ideas and Details",
    "inferences": "Inferences",
    "evidence_text": "Command of Evidence",
    "evidence_table": "Command of Evidence",
    "words_in_context": "Words in Context",
    "text_structure": "Text Structure and Purpose",
    "cross_text": "Cross-Text Connections",
}

for file, skill in FILES.items():
    fixed(skill, load(file), name=f"reading.{file}")
