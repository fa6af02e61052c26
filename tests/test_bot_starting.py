"""The whole bot over real sockets: every place in which a question may be asked, and those in which it may not."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from bot.messages import JsonObject, Listen
from bot.playground.discord.permissions import Permission
from bot.playground.discord.records import Channel, ChannelOverwrite, ChannelType, Message
from bot.playground.discord.rest_faults import TooMany
from bot.playground.discord.world import World, default_world
from bot.store import Store
from tests.elsewhere import ask_with_file, private, prompts
from tests.whole_bot import Stage, script_file, stage

ECHO: JsonObject = {"name": "echo", "say": "That is all."}


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncGenerator[Stage]:
    async with stage(tmp_path, script=script_file(tmp_path, ECHO)) as built, built.app():
        yield built


def named(bot: Stage, name: str) -> Channel | None:
    return next((channel for channel in bot.world.records.channels.values() if channel.name == name), None)


def guild(bot: Stage) -> int:
    return next(iter(bot.world.records.guilds))


def somebodys_thread(bot: Stage) -> Channel:
    """A thread that Ben opened, with something said in it."""
    message = bot.say(bot.ben, bot.channel("general"), "our release plan")
    thread = bot.world.start_thread_from_message(bot.ben, message.channel_id, message.id, {"name": "Plans"})
    bot.say(bot.ben, thread.id, "ship on Friday")
    return thread


def post(bot: Stage, who: int, text: str, title: str = "Why?") -> tuple[Channel, Message]:
    """A new post in the forum."""
    return bot.world.start_post(who, bot.channel("questions"), {"name": title, "message": {"content": text}})


async def list_forum(bot: Stage) -> None:
    """Let the server's admins have listed the forum; before the bot runs."""
    store = await Store.open(bot.settings.database_url)
    await store.save_guild_settings(guild(bot), {"forum_channels": [bot.channel("questions")]})
    await store.close()


def deny(world: World, name: str, *permissions: Permission) -> int:
    """Take permissions from the bot in a channel."""
    channel = next(channel for channel in world.records.channels.values() if channel.name == name)
    denied = sum(int(permission) for permission in permissions)
    channel.overwrites.append(ChannelOverwrite(world.bot_id, for_member=True, deny=denied))
    return channel.id


async def test_ask_takes_a_file_a_model_and_an_effort(bot: Stage) -> None:
    await bot.until(lambda: bot.ready.is_set(), "the bot is ready")
    await ask_with_file(bot, bot.ben, bot.channel("general"), "look at it", "fix.py", b"print(1)\n")

    thread = await bot.until(lambda: named(bot, "look at it"), "a thread")
    await bot.answered(thread.id)
    assert "Attached file `fix.py`" in prompts(bot)

    await bot.command(bot.ben, bot.channel("code"), "ask", prompt="think hard", effort="high")
    thread = await bot.until(lambda: named(bot, "think hard"), "a thread")
    await bot.answered(thread.id)
    assert bot.model.requests[-1].body["reasoning"] == {"effort": "high"}


async def test_in_an_announcement_channel_a_thread_is_opened(bot: Stage) -> None:
    news = bot.world.add_channel(guild(bot), "news", ChannelType.ANNOUNCEMENT)

    await bot.command(bot.ada, news.id, "ask", prompt="what is new?")
    thread = await bot.until(lambda: named(bot, "what is new?"), "a thread")
    await bot.answered(thread.id)
    assert thread.type is ChannelType.ANNOUNCEMENT_THREAD

    mention = bot.say(bot.ada, news.id, f"<@{bot.bot}> and what else?")
    await bot.answered((await bot.thread_of(mention)).id)


async def test_ask_in_a_thread_of_ours_is_answered_in_it(bot: Stage) -> None:
    thread = await bot.thread_of(bot.mention(bot.ada, "first"))
    await bot.answered(thread.id)

    await bot.command(bot.ben, thread.id, "ask", prompt="second")

    shown = await bot.answered(thread.id, count=2)
    assert "Ben asked\n>>> second" in shown
    assert prompts(bot) == "[Ben] second"


async def test_the_model_of_somebody_elses_thread_stays_as_it_is(bot: Stage) -> None:
    thread = await bot.thread_of(bot.mention(bot.ada, "first"))
    await bot.answered(thread.id)

    await bot.command(bot.ben, thread.id, "ask", prompt="second", effort="high")
    await bot.until(lambda: "Only the person who began this thread" in private(bot, bot.ben), "a sentence")
    assert bot.ended(thread.id) == 1

    await bot.command(bot.ada, thread.id, "ask", prompt="second", effort="high")
    await bot.answered(thread.id, count=2)
    assert bot.model.requests[-1].body["reasoning"] == {"effort": "high"}


async def test_ask_in_somebodys_thread_joins_it_as_a_mention_does(bot: Stage) -> None:
    thread = somebodys_thread(bot)

    await bot.command(bot.ada, thread.id, "ask", prompt="is that wise?")

    await bot.answered(thread.id)
    assert "Ben: our release plan\nBen: ship on Friday" in prompts(bot)
    assert prompts(bot).endswith("is that wise?")
    bot.say(bot.ben, thread.id, "just us talking")
    bot.say(bot.ben, thread.id, f"<@{bot.bot}> again")
    await bot.answered(thread.id, count=2)
    assert len(bot.model.requests) == 2


async def test_ask_in_a_direct_message_is_answered_there(bot: Stage) -> None:
    dm = bot.world.open_dm(bot.ben, bot.bot)

    await bot.command(bot.ben, dm.id, "ask", prompt="hello")

    await bot.answered(dm.id)
    assert prompts(bot) == "hello"


@pytest.mark.parametrize("mentioned", [True, False])
async def test_where_no_thread_can_be_opened_nothing_is_posted_but_a_sentence(bot: Stage, mentioned: bool) -> None:
    voice = bot.world.add_channel(guild(bot), "Meeting", ChannelType.VOICE)

    if mentioned:
        bot.say(bot.ben, voice.id, f"<@{bot.bot}> hello")
        await bot.until(lambda: "in this kind of channel" in bot.text(voice.id), "a sentence")
    else:
        await bot.command(bot.ben, voice.id, "ask", prompt="hello")
        await bot.until(lambda: "in this kind of channel" in private(bot, bot.ben), "a sentence")
        assert bot.messages(voice.id) == []
    assert not bot.model.requests


@pytest.mark.parametrize(
    ("lacks", "named_so"),
    [
        (Permission.CREATE_PUBLIC_THREADS, "the permission **Create Public Threads** in"),
        (Permission.SEND_MESSAGES_IN_THREADS, "the permission **Send Messages in Threads** in"),
        (
            Permission.CREATE_PUBLIC_THREADS | Permission.SEND_MESSAGES_IN_THREADS,
            "the permissions **Create Public Threads** and **Send Messages in Threads** in",
        ),
    ],
)
async def test_a_missing_permission_is_named_before_anything_is_posted(
    tmp_path: Path, lacks: Permission, named_so: str
) -> None:
    world = default_world()
    general = deny(world, "general", lacks)
    async with stage(tmp_path, world=world, script=script_file(tmp_path, ECHO)) as bot, bot.app():
        await bot.command(bot.ben, general, "ask", prompt="hello")
        await bot.until(lambda: named_so in private(bot, bot.ben), "a private sentence")
        assert bot.messages(general) == []

        question = bot.mention(bot.ada, "hello")
        await bot.until(lambda: named_so in bot.text(general), "a sentence")
        assert question.id not in bot.world.records.channels
        assert not bot.model.requests


async def test_where_discord_opens_no_more_threads_it_is_said_when_to_ask_again_and_no_quote_is_left(
    bot: Stage,
) -> None:
    opening = ("POST", "/channels/{channel_id}/messages/{message_id}/threads")
    bot.discord.rest.faults.add(*opening, TooMany(219.0))

    await bot.command(bot.ben, bot.channel("general"), "ask", prompt="hello")

    await bot.until(lambda: "Please ask again in 4 minutes." in private(bot, bot.ben), "a sentence")
    assert bot.messages(bot.channel("general")) == []
    assert not bot.model.requests


async def test_who_cannot_be_answered_where_they_asked_is_told_privately(tmp_path: Path) -> None:
    world = default_world()
    general = deny(world, "general", Permission.SEND_MESSAGES, Permission.CREATE_PUBLIC_THREADS)
    async with stage(tmp_path, world=world) as bot, bot.app():
        bot.mention(bot.ada, "hello")

        dm = await bot.until(lambda: next((c for c in world.records.channels.values() if c.recipients), None), "a DM")
        await bot.until(lambda: "**Create Public Threads**" in bot.text(dm.id), "a letter")
        assert f"<#{general}>" in bot.text(dm.id)


async def test_a_history_that_may_not_be_read_is_remarked_and_the_question_answered(tmp_path: Path) -> None:
    world = default_world()
    deny(world, "general", Permission.READ_MESSAGE_HISTORY)
    async with stage(tmp_path, world=world, script=script_file(tmp_path, ECHO)) as bot, bot.app():
        thread = somebodys_thread(bot)

        bot.say(bot.ada, thread.id, f"<@{bot.bot}> is that wise?")

        assert "**Read Message History**" in await bot.answered(thread.id)
        assert prompts(bot) == "[Ada] is that wise?"


async def test_of_somebodys_thread_the_files_are_named_and_our_own_answers_marked(bot: Stage) -> None:
    thread = somebodys_thread(bot)
    bot.say(bot.ada, thread.id, f"<@{bot.bot}> first")
    await bot.answered(thread.id)
    await _forget(bot, thread.id)
    gone = bot.world.add_user("deleted_user_1f2e3d", "Deleted User")
    bot.world.add_member(guild(bot), gone.id)
    bot.say(gone.id, thread.id, "I was here")
    bot.world.edit_channel(bot.ben, thread.id, {"name": "Better plans"})

    bot.say(bot.ada, thread.id, f"<@{bot.bot}> second")

    await bot.answered(thread.id, count=2)
    asked = prompts(bot)
    assert "Cogitor (you): That is all.\n" in asked
    assert "I was here" not in asked
    assert "Better plans" not in asked


async def _forget(bot: Stage, conversation_id: int) -> None:
    store = await Store.open(bot.settings.database_url)
    await store.forget_channel(conversation_id)
    await store.close()


async def test_a_new_post_of_a_listed_forum_is_answered_and_keeps_its_title(tmp_path: Path) -> None:
    async with stage(tmp_path, script=script_file(tmp_path, ECHO)) as bot:
        await list_forum(bot)
        async with bot.app():
            thread, _ = post(bot, bot.ben, "How do I sort a list?")

            await bot.answered(thread.id)
            assert prompts(bot) == "[Ben] How do I sort a list?"
            assert bot.world.channel(thread.id).name == "Why?"
            bot.say(bot.ada, thread.id, "and backwards?")
            await bot.answered(thread.id, count=2)
            store = await Store.open(bot.settings.database_url)
            known = await store.conversation(thread.id)
            await store.close()
            assert known is not None
            assert (known.title, known.listen) == ("", Listen.ALL)  # it keeps the name that its author gave it


async def test_posts_that_were_made_while_the_bot_was_away_are_answered_when_it_returns(tmp_path: Path) -> None:
    async with stage(tmp_path, script=script_file(tmp_path, ECHO)) as bot:
        await list_forum(bot)
        before, _ = post(bot, bot.ben, "before it ever came", "Old")
        async with bot.app():
            await bot.until(bot.ready.is_set, "the bot is ready")
            known, _ = post(bot, bot.ben, "first", "Known")
            await bot.answered(known.id)
        missed, _ = post(bot, bot.ben, "second", "Missed")
        async with bot.app():
            await bot.answered(missed.id)
            await bot.until(bot.ready.is_set, "the bot is ready")
        assert [bot.ended(thread.id) for thread in (before, known, missed)] == [0, 1, 1]


async def test_posts_elsewhere_and_asides_are_left_alone(tmp_path: Path) -> None:
    async with stage(tmp_path, script=script_file(tmp_path, ECHO)) as bot:
        await list_forum(bot)
        async with bot.app():
            other = bot.world.add_channel(guild(bot), "showcase", ChannelType.FORUM)
            bot.world.start_post(bot.ben, other.id, {"name": "Look", "message": {"content": "my work"}})
            post(bot, bot.ben, "// only for people", "Aside")
            thread, _ = post(bot, bot.ben, "for you", "Question")

            await bot.answered(thread.id)
            assert len(bot.model.requests) == 1


async def test_a_mention_in_a_post_of_any_forum_is_answered(bot: Stage) -> None:
    thread, _ = post(bot, bot.ben, "What is this?")
    bot.say(bot.ada, thread.id, f"<@{bot.bot}> do you know?")

    await bot.answered(thread.id)
    assert "Ben: What is this?" in prompts(bot)
    bot.say(bot.ben, thread.id, "thanks")
    bot.say(bot.ben, thread.id, f"<@{bot.bot}> more")
    await bot.answered(thread.id, count=2)
    assert len(bot.model.requests) == 2


async def test_without_the_intent_a_new_post_is_told_once_how_to_ask(tmp_path: Path) -> None:
    world = default_world(message_content=False)
    async with stage(tmp_path, world=world, script=script_file(tmp_path, ECHO)) as bot:
        await list_forum(bot)
        async with bot.app():
            thread, _ = post(bot, bot.ben, "How do I sort a list?")
            await bot.until(lambda: "mention me here together with your question" in bot.text(thread.id), "a sentence")
            bot.say(bot.ben, thread.id, "hello?")
            bot.say(bot.ben, thread.id, f"<@{bot.bot}> how do I sort a list?")

            shown = await bot.answered(thread.id)
            assert shown.count("I only see messages that mention me") == 1
            assert len(bot.model.requests) == 1


async def test_a_message_that_is_delivered_twice_is_answered_once(bot: Stage) -> None:
    events = []
    bot.world.subscribe(lambda event: events.append(event) if event.name == "MESSAGE_CREATE" else None)
    question = bot.mention(bot.ada, "hello")
    thread = await bot.thread_of(question)
    await bot.answered(thread.id)

    bot.world.publish("MESSAGE_CREATE", events[0].data, bot.world.channel(question.channel_id))
    bot.say(bot.ada, thread.id, "again")

    await bot.answered(thread.id, count=2)
    assert len(bot.model.requests) == 2
    assert bot.messages(bot.channel("general")) == []
