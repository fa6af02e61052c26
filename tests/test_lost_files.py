"""Files that tools had made when the process ended: the next one says that they are lost."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bot.calling import Calls
from bot.events import FilesMade, Noticed
from bot.messages import Conversation, MadeFile, Said, Step, Text, ToolCall, ToolResult, Turn, TurnStatus
from bot.render.stored import events_of, lost_files
from bot.tools import Output, Toolbox
from tests.admin_talk import store_of
from tests.tool_talk import FakeTool
from tests.whole_bot import Stage, stage

CALL = ToolCall("x", "run_python", "{}")
MADE = Step(tool_calls=(CALL,), tool_results=(ToolResult("x", "run_python", "Posted.", files=("chart.png",)),))
LOST = "A file that a tool had made is lost: `chart.png`. I keep it only while I answer, so please ask for it again."
TURN = Turn(1, 7, (), steps=(MADE,))


def test_what_was_made_is_named_once() -> None:
    more = replace(MADE, tool_results=(replace(MADE.tool_results[0], files=("chart.png", "a_b.csv")),))
    assert lost_files(TURN) == (LOST,)
    assert lost_files(replace(TURN, steps=(MADE, more))) == (
        "Files that tools had made are lost: `chart.png`, `a_b.csv`. I keep them only while I answer, so please ask "
        "for them again.",
    )


def test_where_nothing_was_made_nothing_is_said() -> None:
    assert lost_files(replace(TURN, steps=(Step(text="Hello."),))) == ()


def test_an_answer_that_was_kept_with_the_remark_says_it_once() -> None:
    """It stands where a limit leaves nothing for a new one, and is stored with all that was shown then."""
    shown = [
        event.text for event in events_of(replace(TURN, notices=("Kept.", LOST)), "m") if isinstance(event, Noticed)
    ]
    assert shown == ["Kept.", LOST]


async def test_a_result_tells_the_names_of_the_files_that_will_be_shown() -> None:
    class Maker(FakeTool):
        async def call(self, *_args: object) -> Output:
            return Output("made", (MadeFile("a.txt", b"1"), MadeFile("b.bin", bytes(9 * 1024 * 1024))))

    told: list[object] = []
    (result,) = await Calls(Toolbox([Maker()]), lambda: 0.0).run([ToolCall("x", "look", "{}")], told.append)
    assert result.files == ("a.txt",)
    assert FilesMade((MadeFile("a.txt", b"1"),)) in told


async def stored(bot: Stage, status: TurnStatus) -> int:
    """A thread with a question whose answer came that far in an earlier process; returns its id."""
    question = bot.say(bot.ben, bot.channel("general"), "a chart")
    thread = bot.world.start_thread_from_message(bot.ben, bot.channel("general"), question.id, {"name": "chart"})
    async with store_of(bot) as store:
        conversation = Conversation(thread.id, thread.guild_id, bot.ben, created_at=1.0)
        await store.add_conversation(conversation)
        turn = await store.ask(thread.id, Said(question.id, bot.ben, "Ben", (Text("a chart"),), 1.0))
        assert turn is not None
        await store.begin(turn.id)
        await store.save_steps(turn.id, 0, [MADE])
        if not status.unfinished:
            await store.finish(turn.id, status, [MADE, Step(text="Here it is.")], error=None, notices=())
    return thread.id


@pytest.mark.parametrize("status", [TurnStatus.RUNNING, TurnStatus.DONE])
async def test_an_answer_that_the_next_process_shows_says_what_is_lost(tmp_path: Path, status: TurnStatus) -> None:
    async with stage(tmp_path) as bot:
        thread_id = await stored(bot, status)
        async with bot.app():
            text = await bot.answered(thread_id)
        assert LOST in text
        assert ("Interrupted by a restart" in text) == status.unfinished
