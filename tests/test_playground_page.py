"""The playground's page in a real browser: what people see, write and change."""

from __future__ import annotations

import asyncio
import re

from playwright.async_api import WebSocketRoute, expect

from bot.messages import JsonObject
from bot.playground.discord.form_message import Upload
from tests.page_stage import IN_A_BROWSER, PHONE, Stage, browser, button, message, picture, row, stage

__all__ = ["browser", "stage"]

pytestmark = IN_A_BROWSER

TRICKY = """## Reading a file
Use a **context manager**, `with`, as in
```py
with open("a.txt") as file:
\treturn file.read()  # || not a spoiler ||
```
- one
  - deeper
- two
1. first
> quoted
The answer is ||forty two|| on <t:0:D>, see [the docs](https://docs.python.org/3/) or https://example.org/a_b.
-# small print"""


async def test_markdown_looks_as_it_does_on_discord(stage: Stage) -> None:
    stage.say("bot", TRICKY)
    page = await stage.open("ada")
    text = page.locator(".message .markdown")
    await expect(text.locator(".heading.level-2")).to_have_text("Reading a file")
    await expect(text.locator("strong")).to_have_text("context manager")
    await expect(text.locator("code.inline")).to_have_text("with")
    await expect(text.locator("pre .hljs-keyword").first).to_have_text("with")
    code = await text.locator("pre").text_content()
    assert code == 'with open("a.txt") as file:\n\treturn file.read()  # || not a spoiler ||'
    await expect(text.locator("ul > li > ul > li")).to_have_text("deeper")
    await expect(text.locator("ol > li")).to_have_text("first")
    await expect(text.locator("blockquote")).to_have_text("quoted")
    await expect(text.locator("time")).to_have_text("1 January 1970")
    links = [await link.get_attribute("href") for link in await text.locator("a").all()]
    assert links == ["https://docs.python.org/3/", "https://example.org/a_b"]
    await expect(text.locator(".subtext")).to_have_text("small print")


async def test_a_single_line_break_is_shown(stage: Stage) -> None:
    stage.say("bot", "first line\nsecond line")
    page = await stage.open("ada")
    text = page.locator(".message .markdown")
    await expect(text).to_be_visible()
    assert await text.inner_text() == "first line\nsecond line"


async def test_a_spoiler_is_hidden_until_it_is_clicked_or_entered(stage: Stage) -> None:
    stage.say("bot", "It is ||forty two|| and ||forty three||.")
    page = await stage.open("ada")
    await expect(page.get_by_text("forty two")).to_be_hidden()
    await page.get_by_role("button", name="Spoiler").first.click()
    await expect(page.get_by_text("forty two")).to_be_visible()
    await expect(page.get_by_text("forty three")).to_be_hidden()
    await page.get_by_role("button", name="Spoiler").press("Enter")
    await expect(page.get_by_text("forty three")).to_be_visible()


async def test_text_from_outside_never_becomes_markup(stage: Stage) -> None:
    attack = '<img src=x onerror="window.pwned=1"><script>window.pwned=1</script>'
    stage.say("ben", f"{attack} [x](javascript:window.pwned=1)\n```html\n{attack}\n```\n```nonsense\n{attack}\n```")
    started = stage.say("ben", "thread here")
    stage.world.start_thread_from_message(stage.person("ben"), started.channel_id, started.id, {"name": attack})
    embed: JsonObject = {"title": attack, "description": attack, "url": "https://example.org/"}
    stage.say("bot", attack, embeds=[embed], components=[row(button(attack[:80], "a"))])
    upload = Upload(0, "page.html", "text/html", attack.encode())
    body: JsonObject = {"content": "a page", "attachments": [{"id": 0, "filename": "page.html"}]}
    stage.world.create_message(stage.person("ben"), started.channel_id, body, [upload])
    page = await stage.open("ada")
    await expect(message(page, "a page").locator("pre")).to_have_text(attack)
    await expect(page.locator(".embed-title")).to_have_text(attack)
    await expect(page.locator(".thread-name")).to_have_text(attack)
    assert await page.evaluate("window.pwned") is None
    assert await page.locator("#app img, #app script, #app [onerror], #app a[href^=javascript]").count() == 0


async def test_an_edit_changes_one_message_and_moves_nobody(stage: Stage) -> None:
    for number in range(40):
        stage.say("ben", f"line {number}")
    streamed = stage.say("bot", "Thinking")
    page = await stage.open("ada")
    await page.evaluate("document.querySelector('.message .markdown').kept = true")
    at_end = "Math.ceil(t.scrollTop + t.clientHeight) >= t.scrollHeight"
    for lines in (3, 30, 8, 25, 1, 40, 20):
        text = "word\n" * lines
        stage.world.edit_message(stage.world.bot_id, streamed.channel_id, streamed.id, {"content": text})
        await asyncio.sleep(0.005)
    await expect(message(page, "word").locator(".edited")).to_be_visible()
    await page.wait_for_function(f"(() => {{ const t = document.querySelector('#timeline'); return {at_end}; }})()")
    assert await page.evaluate("document.querySelector('.message .markdown').kept")

    await page.evaluate("document.querySelector('#timeline').scrollTop = 100")
    await expect(page.get_by_role("button", name="Newest messages")).to_be_visible()
    stage.world.edit_message(stage.world.bot_id, streamed.channel_id, streamed.id, {"content": "longer\n" * 60})
    await expect(message(page, "longer")).to_have_count(1)
    assert await page.evaluate("document.querySelector('#timeline').scrollTop") == 100


async def test_files_are_sent_and_shown(stage: Stage) -> None:
    page = await stage.open("ben")
    await page.get_by_label("Files to attach").set_input_files(
        [
            {"name": "dot.png", "mimeType": "image/png", "buffer": picture()},
            {
                "name": "main.py",
                "mimeType": "text/x-python",
                "buffer": "\n".join(f"print({n})" for n in range(20)).encode(),
            },
            {"name": "unwanted.bin", "mimeType": "application/octet-stream", "buffer": b"\0"},
        ]
    )
    await page.get_by_role("button", name="Remove unwanted.bin").click()
    await page.get_by_role("button", name="Hide dot.png behind a spoiler").click()
    await page.locator("#composer").fill("two files")
    await page.keyboard.press("Enter")
    sent = message(page, "two files")
    await expect(sent.locator("pre")).to_contain_text("print(7)")
    await expect(sent.locator("pre")).not_to_contain_text("print(8)")
    await sent.get_by_role("button", name="Show 12 more lines").click()
    await expect(sent.locator("pre")).to_contain_text("print(19)")
    await expect(sent.get_by_role("img", name="SPOILER_dot.png")).to_be_hidden()
    await sent.get_by_role("button", name="SPOILER_dot.png").click()
    await expect(sent.get_by_role("img", name="SPOILER_dot.png")).to_be_visible()
    assert await sent.locator("img").evaluate("image => image.decode().then(() => image.naturalWidth)") == 8


async def test_files_that_an_edit_brings_are_shown_and_downloaded_and_go_with_another_edit(stage: Stage) -> None:
    sent = stage.say("bot", "Here it is.")
    page = await stage.open("ada", phone=True)
    code = "".join(f"print({number})\n" for number in range(70)).encode()
    body: JsonObject = {"attachments": [{"id": 0, "filename": "app.py"}]}
    bot, channel_id = stage.world.bot_id, sent.channel_id
    stage.world.edit_message(bot, channel_id, sent.id, body, [Upload(0, "app.py", "", code)])
    shown = message(page, "Here it is.")
    await expect(shown.locator("pre")).to_contain_text("print(7)")
    async with page.expect_download() as download:
        await shown.get_by_role("link", name="Download app.py").click()
    file = await download.value
    assert file.suggested_filename == "app.py"
    assert (await file.path()).read_bytes() == code
    stage.world.edit_message(bot, channel_id, sent.id, {"attachments": []}, [])
    await expect(shown.locator("pre")).to_have_count(0)


async def test_long_text_goes_out_as_a_file(stage: Stage) -> None:
    page = await stage.open("ben")
    await page.locator("#composer").fill("word " * 500)
    await expect(page.locator(".count")).to_have_text("Goes out as message.txt")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("link", name="message.txt", exact=True)).to_be_visible()
    channel = stage.channel("general")
    [sent] = stage.world.history(stage.person("ben"), channel.id, limit=1)
    assert (sent.content, [(file.filename, len(file.data)) for file in sent.attachments]) == (
        "",
        [("message.txt", 2499)],
    )


async def test_people_mention_reply_edit_react_and_delete_by_keyboard(stage: Stage) -> None:
    first = stage.say("ben", "Who knows?")
    page = await stage.open("ada")
    await page.locator("#composer").press_sequentially("@cog")
    await page.keyboard.press("Enter")
    await page.keyboard.type("do you?")
    await page.keyboard.press("Enter")
    await expect(message(page, "@Cogitor do you?").locator(".mention")).to_be_visible()
    [asked] = stage.world.history(stage.person("ada"), first.channel_id, limit=1)
    assert asked.content == f"<@{stage.world.bot_id}> do you?"

    await page.locator("#composer").press("ArrowUp")
    await expect(page.get_by_role("textbox", name="Edit the message")).to_have_value("@Cogitor do you?")
    await page.keyboard.type(" Please.")
    await page.keyboard.press("Enter")
    await expect(message(page, "@Cogitor do you? Please.").locator(".edited")).to_be_visible()

    await message(page, "do you?").focus()
    await page.keyboard.press("ArrowUp")
    await expect(message(page, "Who knows?")).to_be_focused()
    await page.keyboard.press("r")
    await page.keyboard.type("Me.")
    await page.keyboard.press("Enter")
    await expect(message(page, "Me.").locator("button.context")).to_contain_text("Ben")

    await message(page, "Me.").press("Enter")
    await page.get_by_role("menuitem", name="React with 🎉").click()
    await expect(message(page, "Me.").get_by_role("button", name="🎉, 1, including yours")).to_be_visible()
    await message(page, "Me.").press("Delete")
    await page.keyboard.press("Enter")
    await expect(message(page, "Me.")).to_have_count(0)


async def test_threads_hang_on_their_messages_and_under_their_channels(stage: Stage) -> None:
    asked = stage.say("ada", "How do I sort?")
    page = await stage.open("ada")
    thread = stage.world.start_thread_from_message(stage.world.bot_id, asked.channel_id, asked.id, {"name": "Sorting"})
    stage.world.create_message(stage.world.bot_id, thread.id, {"content": "With sorted()."})
    await expect(page.locator(".channel-link.thread.unread")).to_contain_text("Sorting")
    await message(page, "How do I sort?").locator(".thread-link").click()
    await expect(message(page, "With sorted().")).to_be_visible()
    await expect(page.locator(".message.starter")).to_contain_text("How do I sort?")
    await expect(page.locator(".channel-link.unread")).to_have_count(0)
    stage.world.edit_channel(stage.world.bot_id, thread.id, {"name": "Sorting lists"})
    await expect(page.locator(".message.system")).to_contain_text("Cogitor changed the name: Sorting lists")
    await expect(page.locator(".channel-title")).to_have_text("Sorting lists")


async def test_a_deleted_channel_goes_with_its_threads(stage: Stage) -> None:
    question = stage.say("ada", "How?", where="code")
    code = stage.channel("code")
    stage.world.start_thread_from_message(stage.person("ada"), code.id, question.id, {"name": "An answer"})
    page = await stage.open("ada")
    await expect(page.locator(".channel-link", has_text="An answer")).to_be_visible()

    stage.world.delete_channel(stage.person("ada"), code.id)

    await expect(page.locator(".channel-link", has_text="code")).to_have_count(0)
    await expect(page.locator(".channel-link", has_text="An answer")).to_have_count(0)


async def test_a_post_is_written_in_a_forum(stage: Stage) -> None:
    page = await stage.open("ben", "questions")
    await page.get_by_role("button", name="New post").click()
    await page.get_by_label("Title").fill("Borrow checker")
    await page.get_by_role("textbox", name="Message").fill("Why?")
    await page.get_by_role("button", name="Post", exact=True).click()
    await expect(message(page, "Why?")).to_be_visible()
    await page.locator(".crumb").click()
    await expect(page.locator(".post")).to_contain_text("Borrow checker")


async def test_a_lost_connection_is_said_and_mended(stage: Stage) -> None:
    sockets: list[WebSocketRoute] = []

    def carry(route: WebSocketRoute) -> None:
        sockets.append(route)
        route.connect_to_server()

    page = await stage.open("ada")
    await page.route_web_socket("**/play/socket*", carry)
    await page.reload()
    await expect(page.locator(".timeline-content[aria-busy=false]")).to_be_visible()
    await sockets[0].close()
    await expect(page.get_by_role("alert")).to_contain_text("The connection to the playground is lost.")
    stage.say("ben", "You missed this.")
    await page.get_by_role("button", name="Try now").click()
    await expect(message(page, "You missed this.")).to_be_visible()
    await expect(page.get_by_role("alert")).to_have_count(0)


async def test_two_tabs_may_be_two_people(stage: Stage) -> None:
    ada, ben = await stage.open("ada"), await stage.open("ben")
    await ada.locator("#composer").fill("Hello, I am Ada.")
    await expect(ben.locator(".typing-line")).to_contain_text("Ada is typing…")
    await ada.keyboard.press("Enter")
    await expect(message(ben, "Hello, I am Ada.").locator(".author")).to_have_text("Ada")
    await ben.get_by_role("button", name="You speak as Ben").click()
    await ben.get_by_role("menuitem", name="Speak as Ada").click()
    await expect(ben.get_by_role("button", name="You speak as Ada, Server admin")).to_be_visible()


async def test_a_phone_has_the_channels_in_a_drawer(stage: Stage) -> None:
    stage.say("bot", "```\n" + "wide " * 100 + "\n```")
    page = await stage.open("ben", phone=True)
    assert await page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    await expect(page.get_by_role("button", name="code", exact=True)).to_be_hidden()
    await page.get_by_role("button", name="Show the channels").click()
    await page.get_by_role("button", name="code", exact=True).click()
    await expect(page.locator(".channel-title")).to_have_text("code")
    await expect(page.get_by_role("navigation", name="Channels")).to_be_hidden()


async def test_light_and_dark_follow_the_system_until_the_person_chooses(stage: Stage) -> None:
    page = await stage.open("ada")
    pane = page.locator(".pane")
    dark, light = "rgb(49, 51, 56)", "rgb(255, 255, 255)"
    await expect(pane).to_have_css("background-color", dark)
    await page.emulate_media(color_scheme="light")
    await expect(pane).to_have_css("background-color", light)
    await page.get_by_role("button", name=re.compile("^Use the .* theme$")).click()
    await page.reload()
    await expect(pane).to_have_css("background-color", dark)


async def test_the_banner_says_that_the_model_is_a_stand_in(stage: Stage) -> None:
    page = await stage.open("ada")
    await expect(page.get_by_role("note")).to_contain_text(
        "Stand-in model: the answers come from a script, not from a real model."
    )
    await expect(page.get_by_role("note")).to_contain_text("Bot offline")


async def test_a_refusal_is_told_in_a_sentence_and_nothing_written_is_lost(stage: Stage) -> None:
    page = await stage.open("ben")
    await page.route("**/messages", lambda route: route.abort())
    await page.locator("#composer").fill("Do not lose me.")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_contain_text("The playground does not answer.")
    await expect(page.locator("#composer")).to_have_value("Do not lose me.")
    assert stage.faults == ["Failed to load resource: net::ERR_FAILED"]
    stage.faults.clear()
