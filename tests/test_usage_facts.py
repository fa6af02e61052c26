"""What was consumed, in words, in a picture and in a file."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from bot.messages import Usage
from bot.render.pen import WIDTH
from bot.render.usage_chart import HEIGHT, draw_usage
from bot.render.usage_facts import alt_text, cost, headline, nothing, short_cost, table
from bot.spending import Line, Period, Report, Scope, Spent
from bot.spending_csv import COLUMNS, exact_dollars, to_csv
from bot.status import Status, status_text

NOW = 1_790_000_000.0
ADA = 123_456_789_012_345_678


def some(requests: int, nanodollars: int | None = 0, unpriced: int = 0) -> Spent:
    usage = Usage(1_000 * requests, 200 * requests, 50 * requests, 250 * requests, nanodollars)
    return Spent(requests, usage, unpriced)


def report(
    period: Period = Period.MONTH,
    *slots: tuple[int, Spent],
    models: int = 0,
    members: int = 0,
    each: Spent | None = None,
) -> Report:
    """`slots` are counted from the newest backward; `models` and `members` are how many there are of `each`."""
    first = period.first_slot(NOW)
    by_slot = tuple(sorted((first + period.slots - 1 - back, spent) for back, spent in slots))
    total = sum((spent for _, spent in by_slot), Spent())
    one = each or total
    return Report(
        period,
        first,
        total,
        by_slot,
        tuple((f"moonshotai/kimi-{number}", one) for number in range(min(10, models))),
        models,
        tuple((ADA + number, one) for number in range(min(10, members))),
        members,
    )


class TestWords:
    def test_everything_is_said(self) -> None:
        found = report(
            Period.WEEK,
            (0, some(3, 30_000_000)),
            (2, some(1, 10_000_000)),
            models=1,
            members=1,
            each=some(4, 40_000_000),
        )
        assert table(found, headline(Period.WEEK, Scope.SERVER, in_server=True), total=None) == (
            "**What this server used in the last 7 days**\n"
            "- Requests to models: 4\n"
            "- Prompt: 4,000 tokens, 1,000 of them (25 %) from the cache\n"
            "- Completion: 800 tokens, 200 of them (25 %) for reasoning\n"
            "- Cost: $0.040\n"
            "**By day** (UTC)\n"
            "- Sep 21: 3 requests, 3.6k tokens, $0.030\n"
            "- Sep 19: 1 request, 1.2k tokens, $0.010\n"
            "**By model**\n"
            "- `moonshotai/kimi-0`: 4 requests, 4.8k tokens, $0.040\n"
            "**By member**\n"
            f"- <@{ADA}>: 4 requests, 4.8k tokens, $0.040"
        )

    def test_what_was_used_everywhere_is_one_more_line(self) -> None:
        text = table(report(Period.DAY, (0, some(1, 0))), "You", total=some(9, 90_000_000))
        assert "\n- Everywhere, DMs and other servers included: 9 requests, 10.8k tokens, $0.090.\n" in text
        assert "**By hour** (UTC)\n- 14:00: 1 request" in text

    @pytest.mark.parametrize(
        ("spent", "long", "short"),
        [
            (some(2, None, 2), "not reported by the model's server", "cost not reported"),
            (some(2, 0), "$0", "$0"),
            (some(2, 10**9), "$1.00", "$1.00"),
            (some(2, 10**9, 1), "$1.00, without 1 request whose cost was not reported", "at least $1.00"),
        ],
    )
    def test_an_unknown_cost_is_said_and_never_shown_as_nothing(self, spent: Spent, long: str, short: str) -> None:
        assert (cost(spent), short_cost(spent)) == (long, short)

    def test_those_without_a_name_are_summed(self) -> None:
        each = some(2, 1_000_000_000)
        found = report(
            Period.MONTH, *((back, some(10, 5 * 10**9)) for back in range(30)), models=12, members=40, each=each
        )
        text = table(found, "Server", total=None)
        assert f"- before: {23 * 10} requests, 276k tokens, $115.00" in text
        assert f"- 6 other models: {300 - 12} requests, 346k tokens, $144.00" in text
        assert f"- 30 other members: {300 - 20} requests, 336k tokens, $140.00" in text

    def test_people_who_were_forgotten_have_no_mention(self) -> None:
        found = replace(report(Period.DAY, (0, some(1))), members=((0, some(1)),), member_count=1)
        assert "- people who asked to be forgotten: 1 request" in table(found, "Server", total=None)

    def test_a_models_name_is_only_text(self) -> None:
        names = ("**`<@1> ||x||\n# y", "`", "")
        found = replace(
            report(Period.DAY, (0, some(3))), models=tuple((name, some(1)) for name in names), model_count=3
        )
        text = table(found, "You", total=None)
        assert "- `**<@1> ||x|| # y`: 1 request" in text
        assert text.count("- a model without a name: 1 request") == 2

    @pytest.mark.parametrize("period", Period)
    @pytest.mark.parametrize("cost_of_one", [None, 10**15])
    def test_it_fits_one_message_with_all_members_however_large(self, period: Period, cost_of_one: int | None) -> None:
        huge = Spent(10**7, Usage(10**14, 10**14, 10**13, 10**13, cost_of_one), 10**6)
        found = report(period, *((back, huge) for back in range(period.slots)), models=500, members=9_000, each=huge)
        found = replace(
            found,
            models=tuple((f"{'m' * 60}/{number}", huge) for number in range(10)),
            total=sum([huge] * 30, Spent()),
            member_count=9_000,
        )
        text = table(found, headline(period, Scope.SERVER, in_server=True), total=huge)
        assert len(text) <= 2_000
        assert not text.endswith("…")
        assert all(f"<@{ADA + number}>" in text for number in range(10))
        assert len(alt_text(found, "x" * 80)) <= 1_024

    def test_the_picture_is_described(self) -> None:
        found = report(Period.WEEK, (0, some(1, 10_000_000)), (1, some(5, 50_000_000)))
        said = alt_text(found, headline(Period.WEEK, Scope.ME, in_server=False))
        assert said.startswith("What you used everywhere in the last 7 days, with a column for each day")
        assert "Cost: $0.060" in said
        assert "The day with the most: Sep 20, 5 requests, 6.0k tokens, $0.050." in said

    @pytest.mark.parametrize(
        ("scope", "total", "said"),
        [
            (Scope.SERVER, None, "Nobody has used me in this server in the last 24 hours. Mention me"),
            (Scope.ME, None, "You have not used me in the last 24 hours. Write to me here"),
            (Scope.ME, Spent(), "You have not used me in this server in the last 24 hours. Mention me"),
            (
                Scope.ME,
                some(1),
                "in this server in the last 24 hours.\nEverywhere, DMs and other servers included: 1 req",
            ),
        ],
    )
    def test_nothing_is_said_kindly(self, scope: Scope, total: Spent | None, said: str) -> None:
        assert said in nothing(Period.DAY, scope, total=total)


def picture(found: Report) -> Image.Image:
    return Image.open(io.BytesIO(draw_usage(found, "What you used"))).convert("RGB")


def columns(found: Report, row: int) -> int:
    """How many blue columns stand in a row of pixels."""
    image = picture(found)
    blue = [image.getpixel((x, row)) == (0x58, 0xA6, 0xFF) for x in range(image.width)]
    return sum(here and not before for before, here in zip([False, *blue], blue, strict=False))


class TestPicture:
    def test_it_stands_on_a_card_of_its_own_and_is_no_larger_than_needed(self) -> None:
        found = report(Period.MONTH, *((back, some(back + 1, back * 10**7)) for back in range(30)))
        assert picture(found).size == (WIDTH, HEIGHT)
        assert picture(found).getpixel((2, 2)) == (0x1E, 0x1F, 0x22)
        assert len(draw_usage(found, "x")) < 200_000

    def test_columns_are_as_high_as_what_they_cost(self) -> None:
        found = report(Period.WEEK, (0, some(1, 100)), (2, some(1, 40)), (4, some(1, 80)))
        assert [columns(found, row) for row in (300, 350, 450, 518)] == [1, 2, 3, 3]

    def test_without_costs_they_are_as_high_as_their_tokens(self) -> None:
        found = report(Period.DAY, (0, some(10, None, 10)), (2, some(4, None, 4)))
        assert [columns(found, row) for row in (300, 450)] == [1, 2]

    def test_each_part_of_the_tokens_has_its_colour(self) -> None:
        image = picture(report(Period.DAY, (0, some(10))))
        row = [image.getpixel((x, 640)) for x in range(image.width)]
        wanted = [(0x4F, 0xD1, 0x8B), (0x58, 0xA6, 0xFF), (0xC4, 0xA7, 0xFF), (0xFF, 0xB4, 0x54)]
        assert list(dict.fromkeys(colour for colour in row if colour in wanted)) == wanted
        assert [
            math.isclose(row.count(colour) / 904, share, abs_tol=0.02)
            for colour, share in zip(wanted, (250 / 1_200, 750 / 1_200, 50 / 1_200, 150 / 1_200), strict=True)
        ] == [True] * 4

    @pytest.mark.parametrize(
        "odd",
        [
            report(Period.DAY, (0, Spent(1, Usage()))),
            report(Period.DAY, (0, Spent(10**9, Usage(10**18, 10**18, 10**18, 10**18, 10**18)))),
            report(Period.MONTH, (0, Spent(1, Usage(10, 5, 50, 100, 1)))),
            report(Period.MONTH, (29, Spent(1, Usage(10, 5, 0, 0, 0)))),
        ],
    )
    def test_odd_figures_still_make_a_picture(self, odd: Report) -> None:
        assert picture(odd).size == (WIDTH, HEIGHT)


def read(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode(), newline="")))


class TestFile:
    def test_it_reads_back_exactly(self) -> None:
        rows = read(to_csv([Line(20_717, "moonshotai/kimi", ADA, some(3, 2_100_000, 1))]))
        assert rows == [
            {
                "day_utc": "2026-09-21",
                "model": "moonshotai/kimi",
                "member": f"<@{ADA}>",
                "requests": "3",
                "prompt_tokens": "3000",
                "cached_tokens": "750",
                "completion_tokens": "600",
                "reasoning_tokens": "150",
                "cost_usd": "0.002100000",
                "requests_without_cost": "1",
            }
        ]
        assert date.fromisoformat(rows[0]["day_utc"]) == date(2026, 9, 21)

    def test_an_unknown_cost_is_empty_and_a_forgotten_member_has_no_id(self) -> None:
        row = read(to_csv([Line(0, "m", 0, some(1, None, 1))]))[0]
        assert (row["cost_usd"], row["requests_without_cost"], row["member"]) == ("", "1", "forgotten")

    @given(st.integers(min_value=-(10**18), max_value=10**18))
    def test_dollars_keep_every_digit(self, nanodollars: int) -> None:
        assert Decimal(exact_dollars(nanodollars)) == Decimal(nanodollars) / 10**9

    @given(st.text(), st.integers(min_value=1, max_value=2**63))
    def test_no_field_is_a_formula_or_a_number_that_a_spreadsheet_would_round(self, model: str, user_id: int) -> None:
        data = to_csv([Line(0, model, user_id, some(1)), Line(1, model, user_id, some(1))])
        rows = read(data)
        assert len(rows) == 2
        assert all(tuple(row) == COLUMNS for row in rows)
        for field in rows[0].values():
            assert not field.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
        assert rows[0]["member"] == f"<@{user_id}>"

    @pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1"])
    def test_a_models_name_is_no_formula(self, name: str) -> None:
        assert read(to_csv([Line(0, name, 1, some(1))]))[0]["model"] == f"'{name.strip()}"


STATUS = Status(
    version="1.2.3",
    python="3.12.1",
    library="2.7.1",
    began_at=1_000.5,
    servers=1_234,
    shards=2,
    lost_shards=1,
    latency=0.0456,
    running=3,
    waiting=1,
    refusals=2,
    database="SQLite",
    spent=some(5, 10**9, 1),
    model="moonshotai/kimi",
    model_is_known=True,
    catalogue_size=321,
)


class TestStatus:
    def test_everything_is_said(self) -> None:
        assert status_text(STATUS) == (
            "### Status\n"
            "- Versions: Cogitor 1.2.3, Python 3.12.1, discord.py 2.7.1\n"
            "- Running since: <t:1000:f> (<t:1000:R>)\n"
            "- Servers: 1,234\n"
            "- Gateway: 2 shards, 1 of them without a connection, latency 46 ms\n"
            "- Answers: 3 running, 1 question waits\n"
            "- Refused by Discord (429): 2 requests since the start\n"
            "- Database: SQLite\n"
            "- Last 24 hours: 5 requests, 6.0k tokens, at least $1.00\n"
            "- Model: `moonshotai/kimi`, in the catalogue of 321 models"
        )

    @pytest.mark.parametrize("latency", [math.nan, math.inf])
    def test_what_is_not_known_yet_is_said(self, latency: float) -> None:
        text = status_text(replace(STATUS, latency=latency, catalogue_size=0, model_is_known=False, lost_shards=0))
        assert "- Gateway: 2 shards, latency not known yet\n" in text
        assert text.endswith("`moonshotai/kimi`, but the catalogue of models is not there (yet)")
        assert status_text(replace(STATUS, model_is_known=False)).endswith("but not in the catalogue of 321 models")
