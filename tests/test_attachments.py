"""What attached files become: judged by their bytes, whatever they are called."""

from __future__ import annotations

import codecs
from dataclasses import replace
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.attachments import CUT_OFF, DAMAGED, EMPTY, NO_KIND, TOO_WIDE, decode, read_file
from bot.messages import Image, Pdf, Said, Text, TextFile, Turn
from bot.model import ModelInfo
from bot.pictures import Picture, read_picture
from bot.sight import TEXT_ONLY, Able, abilities, label, left_out, says_nothing
from tests.files_made import GIF, JPEG, PDF, WEBP, WEBP_LOSSLESS, ZIP, png

PICTURES = [
    ("image/png", png()),
    ("image/jpeg", JPEG),
    ("image/gif", GIF),
    ("image/webp", WEBP),
    ("image/webp", WEBP_LOSSLESS),
]


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("a.py", b"print(1)\n", TextFile("a.py", "print(1)\n")),
        ("message.txt", "lång".encode(), Text("lång")),
        ("photo.png", b"not a picture at all", TextFile("photo.png", "not a picture at all")),
        ("logo.svg", b"<svg/>", TextFile("logo.svg", "<svg/>")),
        ("win.txt", "käse – 5 €".encode("cp1252"), TextFile("win.txt", "käse – 5 €")),
        ("u16.txt", "hi 🎉".encode("utf-16"), TextFile("u16.txt", "hi 🎉")),
        ("u16be.txt", codecs.BOM_UTF16_BE + "hi".encode("utf-16-be"), TextFile("u16be.txt", "hi")),
        ("u32.txt", "hi".encode("utf-32"), TextFile("u32.txt", "hi")),
        ("bom.json", b"\xef\xbb\xbf{}", TextFile("bom.json", "{}")),
        ("log.txt", b"\x1b[31mred\x1b[0m\r\n" * 3, TextFile("log.txt", "\x1b[31mred\x1b[0m\r\n" * 3)),
        ("empty.txt", b"", EMPTY),
        ("blank.txt", b" \r\n\t\n", EMPTY),
        ("only_bom.txt", codecs.BOM_UTF8, EMPTY),
        ("code.py", ZIP, NO_KIND),
        ("clip.mp4", b"\0\0\0\x18ftypmp42" + bytes(50), NO_KIND),
        ("photo.heic", b"\0\0\0\x18ftypheic" + bytes(50), NO_KIND),
        ("noise.txt", bytes(range(1, 32)) * 50 + b"\xff\xfe\xfd", NO_KIND),
        ("half.txt", codecs.BOM_UTF16_LE + b"h\0i", NO_KIND),
        ("song.mp3", codecs.BOM_UTF16_LE + b"\0\xd8\0\xd8" * 20, NO_KIND),
        ("a.png", b"\x89PNG\r\n\x1a\n\0\0", DAMAGED),
        ("wide.png", png(8_001, 1), TOO_WIDE),
        ("doc.pdf", PDF[:40], CUT_OFF),
    ],
)
def test_files_are_judged_by_content(name: str, data: bytes, expected: object) -> None:
    assert read_file(name, data) == expected


@pytest.mark.parametrize(("media_type", "data"), PICTURES)
def test_a_picture_is_known_by_its_bytes_with_its_size_and_brings_its_data(media_type: str, data: bytes) -> None:
    image = read_file("whatever.txt", data)

    assert image == Image("whatever.txt", media_type, 3, 2, len(data), sha256(data).hexdigest())
    assert isinstance(image, Image)
    assert image.data == data


def test_a_pdf_is_known_by_its_bytes_and_brings_its_data() -> None:
    pdf = read_file("paper", PDF)

    assert pdf == Pdf("paper", len(PDF), sha256(PDF).hexdigest())
    assert isinstance(pdf, Pdf)
    assert pdf.data == PDF


@pytest.mark.parametrize(("media_type", "data"), PICTURES)
def test_a_picture_that_is_cut_off_anywhere_is_none(media_type: str, data: bytes) -> None:
    # The end mark of a GIF may be missing: nothing that shows GIFs asks for it.
    most = len(data) - (1 if media_type == "image/gif" else 0)
    assert [end for end in range(most) if read_picture(data[:end]) is not None] == []


def test_a_png_with_an_altered_byte_is_none() -> None:
    whole = png(20, 4)
    altered = [whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :] for at in range(len(whole))]
    assert [at for at, data in enumerate(altered) if read_picture(data) is not None] == []


def test_what_follows_a_picture_does_not_matter() -> None:
    assert read_picture(JPEG + bytes(100)) == Picture("image/jpeg", 3, 2)
    assert read_picture(png() + b"more") == Picture("image/png", 3, 2)


@given(st.binary(max_size=300), st.sampled_from([data[:12] for _, data in PICTURES] + [b"", b"%PDF-", ZIP[:4]]))
def test_no_bytes_do_any_harm(data: bytes, start: bytes) -> None:
    read_file("x", start + data)


@given(st.binary(max_size=200), st.sampled_from([data for _, data in PICTURES]), st.integers(0, 300))
def test_a_damaged_picture_does_no_harm(noise: bytes, whole: bytes, at: int) -> None:
    read_file("x", whole[:at] + noise + whole[at + len(noise) :])


LEGIBLE = st.text(st.characters(exclude_categories=["Cs", "Cc"]))


@given(LEGIBLE, st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]))
def test_text_of_any_script_is_read_in_every_encoding_with_a_mark_and_in_utf_8(text: str, encoding: str) -> None:
    if encoding == "utf-8" and text.startswith("\ufeff"):
        text = text[1:]
    assert decode(text.encode(encoding)) == text


@given(st.text(st.characters(codec="cp1252", exclude_categories=["Cc"])))
def test_windows_text_is_never_refused(text: str) -> None:
    assert decode(text.encode("cp1252")) is not None


@given(st.binary())
def test_what_is_read_as_text_can_be_sent(data: bytes) -> None:
    text = decode(data)
    assert text is None or "\0" not in text
    assert text is None or text.encode().decode() == text


# What models are shown

SEES = ModelInfo("a/eye-1.0", "Eye", sees_images=True)
BLIND = ModelInfo("moonshotai/kimi-k2-thinking", "Kimi")
IMAGE = Image("a_b.png", "image/png", 3, 2, 70, "d" * 64)
DOCUMENT = Pdf("paper.pdf", 5_000, "e" * 64)


def turn(*parts: Text | TextFile | Image | Pdf) -> Turn:
    return Turn(1, 1, (Said(1, 7, "Ada", parts, 0.0),))


def test_a_model_that_nothing_is_known_of_is_shown_no_images() -> None:
    assert abilities(SEES, parses_pdfs=True) == Able(images=True, pdfs=True)
    assert abilities(BLIND, parses_pdfs=False) == abilities(None, parses_pdfs=False) == TEXT_ONLY


@pytest.mark.parametrize(
    ("parts", "info", "able", "sentences"),
    [
        ((Text("Hi"), IMAGE, DOCUMENT), SEES, Able(images=True, pdfs=True), ()),
        ((Text("Hi"), TextFile("a", "b")), BLIND, TEXT_ONLY, ()),
        ((IMAGE,), BLIND, TEXT_ONLY, (r"kimi-k2-thinking cannot see images, so I left out a\_b.png.",)),
        (
            (IMAGE, replace(IMAGE, name="c.png"), replace(IMAGE, name="d.gif"), IMAGE),
            BLIND,
            TEXT_ONLY,
            (r"kimi-k2-thinking cannot see images, so I left out a\_b.png, c.png and d.gif.",),
        ),
        (
            (IMAGE, DOCUMENT),
            None,
            TEXT_ONLY,
            (
                r"I do not know whether kimi-k2-thinking can see images, so I left out a\_b.png.",
                "The server of kimi-k2-thinking does not read PDFs, so I left out paper.pdf.",
            ),
        ),
    ],
)
def test_people_are_told_what_was_left_out(
    parts: tuple[Text | Image | Pdf, ...], info: ModelInfo | None, able: Able, sentences: tuple[str, ...]
) -> None:
    assert left_out(turn(*parts), BLIND.id, info, able) == sentences


def test_a_question_of_nothing_but_files_that_cannot_be_shown_says_nothing() -> None:
    assert says_nothing(turn(IMAGE, DOCUMENT), TEXT_ONLY)
    assert not says_nothing(turn(IMAGE, DOCUMENT), Able(pdfs=True))
    assert not says_nothing(turn(IMAGE, Text("look")), TEXT_ONLY)
    assert not says_nothing(turn(), TEXT_ONLY)


@given(st.text())
def test_a_files_name_stays_within_its_brackets(name: str) -> None:
    shown = label(name)
    assert 1 <= len(shown) <= 100
    assert not set("[]\n\r\u2028\u202e") & set(shown)
