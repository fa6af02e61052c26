"""Whom a message is for."""

from __future__ import annotations

import pytest

from bot.address import Heard, Place, Verdict, verdict
from bot.messages import Listen

CASES: list[tuple[str, Heard, Verdict]] = [
    ("a mention in a channel opens a thread", Heard(Place.CHANNEL, mentions_us=True), Verdict.OPEN_THREAD),
    ("talk in a channel is not ours", Heard(Place.CHANNEL, text="hello"), Verdict.IGNORE),
    ("a mention in somebody's thread joins it", Heard(Place.OTHER_THREAD, mentions_us=True), Verdict.JOIN_THREAD),
    ("talk in somebody's thread is not ours", Heard(Place.OTHER_THREAD), Verdict.IGNORE),
    ("a DM is ours", Heard(Place.DM, text="hi"), Verdict.ANSWER),
    ("a DM may be an aside", Heard(Place.DM, text="// note to self"), Verdict.IGNORE),
    ("every message in our thread is ours", Heard(Place.CONVERSATION, text="and then?"), Verdict.ANSWER),
    ("an aside in our thread is not ours", Heard(Place.CONVERSATION, text="// lunch?"), Verdict.IGNORE),
    (
        "an aside stays one with a mention in it",
        Heard(Place.CONVERSATION, text="// ask <@1>", mentions_us=True),
        Verdict.IGNORE,
    ),
    ("a reply to a member is theirs", Heard(Place.CONVERSATION, replies_to_other=True), Verdict.IGNORE),
    ("a reply to us is ours", Heard(Place.CONVERSATION, replies_to_us=True), Verdict.ANSWER),
    ("beginning with somebody's name is theirs", Heard(Place.CONVERSATION, begins_with_other=True), Verdict.IGNORE),
    (
        "a mention of us wins over a reply to a member",
        Heard(Place.CONVERSATION, replies_to_other=True, mentions_us=True),
        Verdict.ANSWER,
    ),
    ("on mentions only, talk is not ours", Heard(Place.CONVERSATION, listen=Listen.MENTIONS), Verdict.IGNORE),
    (
        "on mentions only, a mention is ours",
        Heard(Place.CONVERSATION, listen=Listen.MENTIONS, mentions_us=True),
        Verdict.ANSWER,
    ),
    (
        "on mentions only, a reply to us is ours",
        Heard(Place.CONVERSATION, listen=Listen.MENTIONS, replies_to_us=True),
        Verdict.ANSWER,
    ),
    ("a new post in a listed forum is ours", Heard(Place.NEW_POST, text="why?"), Verdict.ANSWER),
    ("so is one without a word", Heard(Place.NEW_POST), Verdict.ANSWER),
    ("a new post may be an aside", Heard(Place.NEW_POST, text="// for later"), Verdict.IGNORE),
    (
        "a new post that begins with somebody's name is a question all the same",
        Heard(Place.NEW_POST, text="<@1>", begins_with_other=True),
        Verdict.ANSWER,
    ),
    ("a post by a bot is ignored", Heard(Place.NEW_POST, from_bot=True), Verdict.IGNORE),
    (
        "below an answer in place nothing is ours",
        Heard(Place.CONVERSATION, text="and?", listen=Listen.NOTHING),
        Verdict.IGNORE,
    ),
    ("other bots are ignored", Heard(Place.CHANNEL, from_bot=True, mentions_us=True), Verdict.IGNORE),
    ("Discord's own lines are ignored", Heard(Place.CONVERSATION, is_system=True), Verdict.IGNORE),
]


@pytest.mark.parametrize(("heard", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_the_rules_of_address(heard: Heard, expected: Verdict) -> None:
    assert verdict(heard) is expected
