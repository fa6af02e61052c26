"""Rate limits, faults on purpose, and who may call the embedded Discord's HTTP API at all."""

from __future__ import annotations

import aiohttp
import pytest

from bot.playground.discord.errors import Refusal
from bot.playground.discord.rest_faults import Answer, Drop, Hang, Refuse, TooMany
from tests.discord_rest import START, Bench, bench, channel_named, user_named

MESSAGES = "/channels/{channel_id}/messages"
MESSAGE = f"{MESSAGES}/{{message_id}}"


async def test_the_sixth_message_in_five_seconds_is_too_many() -> None:
    async with bench() as it:
        answers = [await it.send(str(n)) for n in range(6)]
        assert [answer.status for answer in answers] == [200] * 5 + [429]
        last = answers[-1]
        assert last.body == {"message": "You are being rate limited.", "retry_after": 5.0, "global": False}
        assert last.headers["X-RateLimit-Scope"] == "user"
        assert (last.headers["Via"], last.headers["Content-Type"]) == ("1.1 google", "application/json")
        assert int(last.headers["Retry-After"]) >= 5
        it.clock.turn(5)
        assert (await it.send("later")).status == 200
        assert it.api.limited["POST", MESSAGES] == 1


async def test_the_headers_count_down_and_name_the_bucket() -> None:
    async with bench() as it:
        first, second = await it.send("1"), await it.send("2")
        it.clock.turn(1.5)
        third = await it.send("3")
    assert [a.headers["X-RateLimit-Remaining"] for a in (first, second, third)] == ["4", "3", "2"]
    assert (first.headers["X-RateLimit-Limit"], third.headers["X-RateLimit-Reset-After"]) == ("5", "3.500")
    assert float(third.headers["X-RateLimit-Reset"]) == START + 5
    assert len({a.headers["X-RateLimit-Bucket"] for a in (first, second, third)}) == 1


async def test_sends_and_edits_share_a_hash_and_count_apart() -> None:
    async with bench() as it:
        sent = [await it.send(str(n)) for n in range(5)]
        ids = {"message_id": sent[0].body["id"]}
        edits = [await it.call("PATCH", MESSAGE, {"content": f"e{n}"}, **ids) for n in range(6)]
        deleted = await it.call("DELETE", MESSAGE, message_id=sent[1].body["id"])
    assert [edit.status for edit in edits] == [200] * 5 + [429]
    assert edits[0].headers["X-RateLimit-Bucket"] == sent[0].headers["X-RateLimit-Bucket"]
    assert deleted.status == 204
    assert deleted.headers["X-RateLimit-Bucket"] != sent[0].headers["X-RateLimit-Bucket"]


async def test_each_channel_has_its_own_count() -> None:
    async with bench() as it:
        for n in range(5):
            await it.send(str(n))
        assert (await it.send("x")).status == 429
        assert (await it.send("x", channel=channel_named(it.world, "code").id)).status == 200


async def test_fifty_requests_in_a_second_are_all_a_bot_has() -> None:
    async with bench() as it:
        for n in range(50):
            answer = await it.call("GET", "/users/@me" if n % 2 else "/gateway", check=False)
            assert answer.status == 200
        limited = await it.call("GET", "/channels/{channel_id}")
        assert (limited.status, limited.body["global"]) == (429, True)
        assert (limited.headers["X-RateLimit-Global"], limited.headers["X-RateLimit-Scope"]) == ("true", "global")
        it.clock.turn(1)
        assert (await it.call("GET", "/channels/{channel_id}")).status == 200


async def test_reactions_come_one_in_a_quarter_second() -> None:
    async with bench() as it:
        sent = await it.send()
        route, ids = f"{MESSAGE}/reactions/{{emoji_name}}/@me", {"message_id": sent.body["id"]}
        assert (await it.call("PUT", route, emoji_name="👍", **ids)).status == 204
        assert (await it.call("PUT", route, emoji_name="👎", **ids)).status == 429
        it.clock.turn(0.25)
        assert (await it.call("PUT", route, emoji_name="👎", **ids)).status == 204


async def test_the_third_rename_in_ten_minutes_waits_though_no_header_says_so() -> None:
    async with bench() as it:
        thread = it.world.start_thread(it.world.bot_id, it.ids["channel_id"], {"name": "a", "type": 11})
        renames = [
            await it.call("PATCH", "/channels/{channel_id}", {"name": name}, channel_id=thread.id) for name in "bcd"
        ]
        assert [rename.status for rename in renames] == [200, 200, 429]
        assert renames[2].headers["X-RateLimit-Remaining"] == "2"
        assert renames[2].body["retry_after"] == 600
        archived = await it.call("PATCH", "/channels/{channel_id}", {"archived": True}, channel_id=thread.id)
        assert archived.status == 200


async def test_old_messages_take_few_edits() -> None:
    async with bench() as it:
        sent = await it.send()
        it.clock.turn(3601)
        ids = {"message_id": sent.body["id"]}
        edits = [await it.call("PATCH", MESSAGE, {"content": f"e{n}"}, **ids) for n in range(4)]
        assert [edit.status for edit in edits] == [200, 200, 200, 429]
        assert (edits[3].code, edits[3].body["retry_after"]) == (30046, 20)
        it.clock.turn(20)
        assert (await it.call("PATCH", MESSAGE, {"content": "e"}, **ids)).status == 200


async def test_limits_can_be_lifted() -> None:
    async with bench(rate_limits=False) as it:
        assert {(await it.send(str(n))).status for n in range(20)} == {200}


@pytest.mark.parametrize("token", [None, "", "wrong", "playground.tes"])
async def test_without_the_right_token_nothing_is_answered(token: str | None) -> None:
    async with bench() as it:
        answer = await it.call("GET", "/users/@me", token=token)
        assert (answer.status, answer.body) == (401, {"message": "401: Unauthorized", "code": 0})
        assert it.api.invalid == 1


async def test_unknown_routes_and_methods_are_told_apart() -> None:
    async with bench() as it:
        unknown = await it.call("GET", "/nothing", check=False)
        wrong = await it.call("PUT", "/users/@me", check=False)
    assert (unknown.status, unknown.body) == (404, {"message": "404: Not Found", "code": 0})
    assert (wrong.status, wrong.body) == (405, {"message": "405: Method Not Allowed", "code": 0})


async def test_an_id_that_is_none_is_a_fault_of_form() -> None:
    async with bench() as it:
        answer = await it.call("GET", "/channels/{channel_id}", channel_id="abc")
    assert answer.code == 50035


async def test_a_planned_fault_hits_the_request_it_was_planned_for() -> None:
    async with bench() as it:
        it.api.faults.add("POST", MESSAGES, Answer(500), nth=2, times=2)
        sent = [await it.call("POST", MESSAGES, {"content": str(n)}, check=False) for n in range(4)]
        assert [answer.status for answer in sent] == [200, 500, 500, 200]
        assert _contents(it) == ["0", "3"]


async def test_a_fault_after_the_deed_leaves_the_deed_done() -> None:
    async with bench() as it:
        it.api.faults.add("POST", MESSAGES, Answer(502, after=True))
        assert (await it.call("POST", MESSAGES, {"content": "done"}, check=False)).status == 502
        it.api.faults.add("POST", MESSAGES, Drop(after=True))
        with pytest.raises(aiohttp.ClientError):
            await it.call("POST", MESSAGES, {"content": "too"}, check=False)
        assert _contents(it) == ["done", "too"]


async def test_a_dropped_request_is_never_carried_out() -> None:
    async with bench() as it:
        it.api.faults.add("POST", MESSAGES, Drop())
        with pytest.raises(aiohttp.ClientError):
            await it.send("lost")
        assert _contents(it) == []


async def test_a_storm_of_429_looks_as_ordered() -> None:
    async with bench() as it:
        it.api.faults.add("POST", MESSAGES, TooMany(219.0, "shared", code=40062))
        it.api.faults.add("POST", MESSAGES, TooMany(1.0, via=False))
        shared, banned = await it.send("a"), await it.send("b")
    assert (shared.headers["X-RateLimit-Scope"], shared.body["retry_after"], shared.code) == ("shared", 219.0, 40062)
    assert (shared.status, banned.status, "Via" in banned.headers) == (429, 429, False)
    assert it.api.invalid == 1, "those of scope shared do not count as invalid"


async def test_an_ordered_refusal_is_discords_own() -> None:
    async with bench() as it:
        it.api.faults.add("POST", MESSAGES, Refuse(Refusal(400, 240000, "This message contains a harmful link.")))
        refused = await it.send("x")
        assert (refused.status, refused.code) == (400, 240000)
        assert _contents(it) == []


async def test_each_answer_waits_as_long_as_the_network_is_said_to() -> None:
    waits = iter([0.001, 0.002])
    async with bench(latency=lambda: next(waits)) as it:
        await it.call("GET", "/users/@me")
        await it.call("GET", "/users/@me")
    assert list(waits) == []


async def test_typing_is_limited_too() -> None:
    async with bench() as it:
        answers = [await it.call("POST", "/channels/{channel_id}/typing") for _ in range(6)]
    assert [answer.status for answer in answers] == [204] * 5 + [429]


async def test_a_hanging_request_is_answered_after_its_time() -> None:
    async with bench() as it:
        it.api.faults.add("GET", "/users/@me", Hang(0.005))
        assert (await it.call("GET", "/users/@me")).status == 200


async def test_an_enforced_nonce_sends_once() -> None:
    async with bench() as it:
        first = await it.send("a", nonce="n", enforce_nonce=True)
        again = await it.send("b", nonce="n", enforce_nonce=True)
        it.clock.turn(301)
        later = await it.send("c", nonce="n", enforce_nonce=True)
        plain = await it.send("d", nonce="n")
        assert (first.body["id"], first.body["nonce"]) == (again.body["id"], "n")
        assert len({answer.body["id"] for answer in (first, later, plain)}) == 3
        assert _contents(it) == ["a", "c", "d"]


async def test_commands_created_beyond_the_daily_cap_are_refused_until_tomorrow() -> None:
    route = "/applications/{application_id}/commands"

    def commands(start: int) -> list[dict[str, str]]:
        return [{"name": f"c{n}", "description": "d"} for n in range(start, start + 100)]

    async with bench() as it:
        assert (await it.call("PUT", route, commands(0))).status == 200
        assert (await it.call("PUT", route, commands(0))).status == 200, "nothing new is created here"
        assert (await it.call("PUT", route, commands(100))).status == 200
        assert (await it.call("PUT", route, commands(200))).code == 30034
        assert len(it.world.commands()) == 100
        it.clock.turn(86_401)
        assert (await it.call("PUT", route, commands(200))).status == 200


async def test_the_hundred_and_first_command_is_refused() -> None:
    async with bench() as it:
        for n in range(100):
            it.world.put_command({"name": f"c{n}", "description": "d"})
        answer = await it.call("POST", "/applications/{application_id}/commands", {"name": "x", "description": "d"})
    assert answer.code == 30032


def _contents(it: Bench) -> list[str]:
    history = it.world.history(user_named(it.world, "ada"), it.ids["channel_id"])
    return [message.content for message in reversed(history)]
