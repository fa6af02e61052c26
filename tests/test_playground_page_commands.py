"""The playground's page in a real browser: commands, buttons, selects and modals, and the bot's answers to them."""

from __future__ import annotations

from playwright.async_api import expect

from bot.messages import JsonObject, JsonValue
from tests.page_stage import IN_A_BROWSER, Stage, browser, button, data_of, message, privately, row, stage

__all__ = ["browser", "stage"]

pytestmark = IN_A_BROWSER

COMPONENTS_V2 = 1 << 15

COMMANDS: list[JsonValue] = [
    {
        "name": "ask",
        "description": "Ask a question",
        "options": [
            {"type": 3, "name": "prompt", "description": "Your question", "required": True},
            {"type": 3, "name": "model", "description": "Who answers", "autocomplete": True},
            {"type": 11, "name": "file", "description": "A file to look at"},
        ],
    },
    {
        "name": "limits",
        "description": "Limits",
        "default_member_permissions": "32",
        "options": [
            {
                "type": 1,
                "name": "set",
                "description": "Set a limit",
                "options": [
                    {"type": 4, "name": "value", "description": "How many", "required": True, "min_value": 1},
                    {"type": 5, "name": "hard", "description": "For admins too", "required": True},
                ],
            }
        ],
    },
    {"name": "slow", "description": "Never answers"},
    {"name": "Explain this", "type": 3},
]


def typed_in(interaction: JsonObject) -> str:
    """What stands in the option that is being completed."""
    return next(option["value"] for option in data_of(interaction)["options"] if option.get("focused"))


async def test_a_command_is_found_filled_in_and_run_by_keyboard(stage: Stage) -> None:
    def answer(interaction: JsonObject) -> JsonObject | None:
        if interaction["type"] == 4:
            choices: list[JsonValue] = [
                {"name": name, "value": name.lower()} for name in ("Kimi", "Qwen") if typed_in(interaction) in name
            ]
            return {"type": 8, "data": {"choices": choices}}
        return privately("Here it is.")

    stage.world.put_commands(COMMANDS)
    stage.reply = answer
    page = await stage.open("ada")
    await page.locator("#composer").press_sequentially("/as")
    await expect(page.get_by_role("option")).to_have_count(1)
    await page.keyboard.press("Enter")
    await expect(page.get_by_label("prompt")).to_be_focused()
    await page.keyboard.type("What is a monad?")
    await page.get_by_role("button", name="+ model").press("Enter")
    await page.keyboard.type("w")
    await expect(page.get_by_role("option", name="Qwen")).to_be_visible()
    await page.keyboard.press("Enter")
    await page.keyboard.press("Enter")
    await expect(message(page, "Here it is.")).to_be_visible()
    assert stage.sent_data()["options"] == [
        {"name": "prompt", "type": 3, "value": "What is a monad?"},
        {"name": "model", "type": 3, "value": "qwen"},
    ]
    await expect(page.locator("#composer")).to_be_focused()


async def test_a_command_says_what_is_missing_or_wrong(stage: Stage) -> None:
    stage.world.put_commands(COMMANDS)
    stage.reply = lambda _: privately("Set.")
    page = await stage.open("ada")
    await page.locator("#composer").press_sequentially("/limits set ")
    await page.get_by_label("value").fill("0")
    await page.get_by_role("button", name="Run").click()
    await expect(page.locator("[data-option=value] .fault")).to_have_text("Enter at least 1.")
    await expect(page.locator("[data-option=hard] .fault")).to_have_text("This option is required.")
    await page.get_by_label("value").fill("5")
    await page.get_by_label("hard").fill("false")
    await page.get_by_label("hard").press("Enter")
    await page.get_by_role("button", name="Run").click()
    await expect(message(page, "Set.")).to_be_visible()
    values = [{"name": "value", "type": 4, "value": 5}, {"name": "hard", "type": 5, "value": False}]
    assert stage.sent_data()["options"] == [{"name": "set", "type": 1, "options": values}]


async def test_members_do_not_see_the_admins_commands(stage: Stage) -> None:
    stage.world.put_commands(COMMANDS)
    page = await stage.open("ben")
    await page.locator("#composer").press_sequentially("/")
    await expect(page.locator(".suggestion .name")).to_have_text(["/ask", "/slow"])


async def test_a_command_without_an_answer_says_so(stage: Stage) -> None:
    stage.world.put_commands(COMMANDS)
    page = await stage.open("ben")
    await page.locator("#composer").press_sequentially("/slow ")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("Sending the command")).to_be_attached()
    stage.clock.now += 4
    await expect(page.get_by_role("alert")).to_contain_text("The application did not respond.")
    await page.get_by_role("button", name="Dismiss").click()
    await expect(page.get_by_role("alert")).to_have_count(0)


async def test_a_private_answer_to_a_button_is_shown_to_one_person_only(stage: Stage) -> None:
    stage.say(
        "bot", "Done.", components=[row(button("Reasoning", "reasoning"), button("Source", "source", disabled=True))]
    )
    stage.reply = lambda interaction: privately("I thought so.")
    ada, ben = await stage.open("ada"), await stage.open("ben")
    await expect(ada.get_by_role("button", name="Source")).to_be_disabled()
    await ada.get_by_role("button", name="Reasoning").click()
    private = message(ada, "I thought so.")
    await expect(private).to_contain_text("Only you can see this")
    stage.say("bot", "For everybody.")
    await expect(message(ben, "For everybody.")).to_be_visible()
    await expect(message(ben, "I thought so.")).to_have_count(0)
    await private.get_by_role("button", name="Dismiss message").click()
    await expect(private).to_have_count(0)


async def test_a_modal_is_checked_and_sent_back(stage: Stage) -> None:
    text: JsonObject = {"type": 4, "custom_id": "text", "style": 2, "min_length": 5, "max_length": 40, "required": True}
    select: JsonObject = {
        "type": 3,
        "custom_id": "effort",
        "options": [{"label": "Low", "value": "low"}, {"label": "High", "value": "high"}],
    }
    modal: JsonObject = {
        "type": 9,
        "data": {
            "custom_id": "persona",
            "title": "Persona",
            "components": [
                {"type": 18, "label": "Instructions", "description": "What the model is told.", "component": text},
                {"type": 18, "label": "Effort", "component": select},
                {"type": 18, "label": "Notes", "component": {"type": 19, "custom_id": "notes", "required": False}},
            ],
        },
    }
    stage.say("bot", "Done.", components=[row(button("Persona", "open"))])
    stage.reply = lambda interaction: modal if interaction["type"] == 3 else privately("Kept.")
    page = await stage.open("ada")
    await page.get_by_role("button", name="Persona").click()
    form = page.get_by_role("dialog")
    await expect(form.get_by_label("Instructions")).to_be_focused()
    await page.keyboard.type("Be")
    await form.get_by_role("button", name="Submit").click()
    await expect(form).to_contain_text("Please write at least 5 characters.")
    await expect(form).to_contain_text("Please choose something.")
    await form.get_by_label("Instructions").fill("Be brief.")
    await form.get_by_role("button", name="Effort").click()
    await form.get_by_role("option", name="High").click()
    await form.get_by_label("Notes").set_input_files({"name": "a.txt", "mimeType": "text/plain", "buffer": b"hello"})
    await form.get_by_role("button", name="Submit").click()
    await expect(message(page, "Kept.")).to_be_visible()
    await expect(form).to_have_count(0)
    sent = [component["component"] for component in stage.sent_data()["components"]]
    assert (sent[0]["value"], sent[1]["values"]) == ("Be brief.", ["high"])
    [file] = stage.sent_data()["resolved"]["attachments"].values()
    assert (file["id"], file["filename"], file["size"]) == (sent[2]["values"][0], "a.txt", 5)


async def test_a_panel_of_components_is_shown_and_its_select_answers(stage: Stage) -> None:
    options = [{"label": "Low", "value": "low"}, {"label": "High", "value": "high", "default": True}]
    panel: JsonObject = {
        "type": 17,
        "accent_color": 0x5865F2,
        "components": [
            {"type": 10, "content": "### Settings"},
            {"type": 14},
            {
                "type": 9,
                "components": [{"type": 10, "content": "**Model** kimi"}],
                "accessory": button("Change", "model"),
            },
            row({"type": 3, "custom_id": "effort", "options": options}),
        ],
    }
    stage.world.create_message(
        stage.world.bot_id, stage.channel("general").id, {"flags": COMPONENTS_V2, "components": [panel]}
    )
    stage.reply = lambda _: privately("Changed.")
    page = await stage.open("ada")
    await expect(page.locator(".container .heading")).to_have_text("Settings")
    await expect(page.locator(".container .section strong")).to_have_text("Model")
    await page.locator(".select-button", has_text="High").press("Enter")
    await page.keyboard.press("ArrowUp")
    await page.keyboard.press("Enter")
    await expect(message(page, "Changed.")).to_be_visible()
    assert stage.sent_data()["values"] == ["low"]


async def test_a_message_menu_runs_the_bots_commands(stage: Stage) -> None:
    stage.world.put_commands(COMMANDS)
    stage.reply = lambda _: privately("It prints one.")
    target = stage.say("ben", "print(1)")
    page = await stage.open("ada")
    await message(page, "print(1)").click(button="right")
    await page.get_by_role("menuitem", name="Explain this").click()
    await expect(message(page, "It prints one.")).to_contain_text("Ada used Explain this")
    assert stage.sent_data()["target_id"] == str(target.id)
