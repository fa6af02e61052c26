"""Exported pages in a real browser: whatever people and models write there, it does nothing."""

from __future__ import annotations

from pathlib import Path

from playwright.async_api import Browser

from bot.export.page import to_html
from bot.export.transcript import Transcript
from bot.messages import Conversation, Said, Step, Text, TextFile, ToolCall, ToolResult, Turn, TurnStatus
from tests.page_stage import IN_A_BROWSER, browser

__all__ = ["browser"]

pytestmark = IN_A_BROWSER

PWN = "window.pwned=1"

ATTACKS = [
    f"<script>{PWN}</script>",
    f"</code></pre></details></div></article><script>{PWN}</script>",
    f"<img src=x onerror='{PWN}'>",
    f"<svg onload={PWN}><style><img src=x onerror={PWN}>",
    f"<iframe srcdoc='<script>parent.{PWN}</script>'></iframe>",
    "<meta http-equiv=refresh content='0;url=https://evil.example/'>",
    "<base href='https://evil.example/'><form action=https://evil.example/><input name=a autofocus></form>",
    "<link rel=stylesheet href=https://evil.example/x.css><style>@import 'https://evil.example/y.css'</style>",
    "![pixel](https://evil.example/pixel.png) ![data](data:image/svg+xml;base64,PHN2Zy8+)",
    f"[click](javascript:{PWN}) [upper](JaVaScRiPt:{PWN}) [entity](&#106;avascript:{PWN}) [tab](java\tscript:{PWN})",
    f"[data](data:text/html,<script>{PWN}</script>) [vb](vbscript:{PWN}) [file](file:///etc/passwd) [near](../x.html)",
    f"<javascript:{PWN}> <https://example.org/\"onmouseover='{PWN}'>",
    f"[x](https://example.org/ \"title' onmouseover='{PWN}\" )",
    f'[x](https://example.org/"onclick="{PWN})',
    f'```"><script>{PWN}</script>\ncode\n```',
    f"```html\n<script>{PWN}</script></code></pre><script>{PWN}</script>\n```",
    f"```js onload={PWN}\n</script><script>{PWN}</script>\n```",
    f"|a|\n|-|\n|<script>{PWN}</script>|",
    f"[ref]\n\n[ref]: javascript:{PWN}",
    f"<!-- --!><script>{PWN}</script> -->",
    f"<![CDATA[<script>{PWN}</script>]]>",
    f"\x00<scr\x00ipt>{PWN}</scr\x00ipt>",
    f"&lt;script&gt;{PWN}&lt;/script&gt;",
    f"<a href=https://evil.example/ ping=https://evil.example/ onfocus={PWN} autofocus>x</a>",
    f"<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror={PWN}&gt;'>",
    "\u202e<script>\u202c" + PWN,
]


def page_of(attack: str) -> Transcript:
    """The attack in every place that people or models fill."""
    call = ToolCall(attack, attack, attack)
    turn = Turn(
        1,
        1,
        (Said(1, 2, attack, (Text(attack), TextFile(attack, attack)), 0.0),),
        TurnStatus.FAILED,
        (
            Step(
                model=attack,
                reasoning=attack,
                text=attack,
                tool_calls=(call,),
                tool_results=(ToolResult(attack, attack, attack),),
            ),
        ),
        error=attack,
        notices=(attack,),
    )
    return Transcript(attack, Conversation(1, 1, 2), (turn,), 0.0)


FAULTS = """() => [
  ...document.querySelectorAll("script, img, iframe, object, embed, form, input, base, link, svg, math, body style"),
  ...[...document.querySelectorAll("*")].filter(e => [...e.attributes].some(a => /^on|^style$/.test(a.name))),
  ...[...document.links].filter(a => !["https:", "http:", "mailto:"].includes(a.protocol)),
].map(e => e.outerHTML).concat(window.pwned === undefined ? [] : ["it ran"])"""
"""What should not be on a page, nor have happened there."""


async def test_nothing_runs_and_nothing_is_fetched(browser: Browser, tmp_path: Path) -> None:
    file, page = tmp_path / "page.html", await browser.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("dialog", lambda dialog: asked.append(dialog.message))
    for attack in ATTACKS:
        file.write_bytes(to_html(page_of(attack), colours=True))
        await page.goto(file.as_uri())
        await page.evaluate("document.querySelectorAll('details').forEach(fold => fold.open = true)")
        await page.mouse.move(200, 200)
        assert (attack, await page.evaluate(FAULTS), page.url) == (attack, [], file.as_uri())
    assert set(asked) == {file.as_uri()}
    await page.close()


async def test_the_policy_stops_what_might_slip_through(browser: Browser, tmp_path: Path) -> None:
    """Were something not escaped one day, the page's own policy would still hold."""
    file = tmp_path / "page.html"
    hostile = f"<script>{PWN}</script><img src=https://evil.example/ onerror={PWN}><p style='color:red' id=p>x</p>"
    file.write_bytes(to_html(page_of("x")).replace(b"<main>", b"<main>" + hostile.encode()))
    page = await browser.new_page()
    await page.goto(file.as_uri())
    assert await page.evaluate("window.pwned") is None
    assert await page.evaluate("getComputedStyle(document.getElementById('p')).color") != "rgb(255, 0, 0)"
    await page.close()
