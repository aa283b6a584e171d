"""Vision next to the question bank: what the bank knows is recognised, and the coach hints at it by its own ladder."""

from __future__ import annotations

import pytest

from bonsai_core.testing import StartServer


@pytest.mark.timeout(120)
async def test_a_pasted_question_of_the_bank_is_recognised_and_hints_are_its_own(bonsai_server: StartServer) -> None:
    server = await bonsai_server(discover=True, only=("analytics", "coaching", "extension", "recs", "vision"))
    device = await server.connect()
    asked = await device.request("recommendations:request", {"preferences": {"subjects": ["Circles"]}}, timeout=60)
    assert asked["count"]
    question = (await device.recv("recommendations:update", timeout=60))["data"]["questions"][0]
    lines = [question["stem"], *(f"{choice['key']}) {choice['text']}" for choice in question.get("choices", ()))]
    text = "\n".join(([question["passage"]] if question.get("passage") else []) + lines)
    await device.request("question:analyze", {"questionId": "pasted", "text": text}, timeout=90)
    analysis = (await device.recv("question:analyzed", timeout=90))["data"]["analysis"]
    assert analysis["matchedQuestionId"] == question["id"]
    assert analysis["skill"] == "Circles"
    hint = await device.request("coaching:hint", {"questionId": "pasted"})
    known = await server.app.find_question(question["id"])
    assert known is not None
    assert hint["text"] == known.hints[0]
