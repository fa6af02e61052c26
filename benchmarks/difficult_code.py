"""Lines of code as models write them, in many languages, with what Discord's Markdown would stumble over.

This module knows nothing of the answers that the code stands in.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

_SHARED = (
    "# * a _ b || c ~~ d",
    "a * b ** c",
    "x = `tick` + ``two``",
    "> not a quote",
    "1. not a list",
    "$$ cost_of_it $$",
)
_LONG = 'message = "{0}"'


@dataclass(frozen=True, slots=True)
class Language:
    """`tag` as a model writes it, `shown_tag` as Discord takes it; a {0} in a line becomes a number."""

    tag: str
    lines: tuple[str, ...]
    indent: str = "    "
    shown_tag: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "shown_tag", self.shown_tag or self.tag)


LANGUAGES = (
    Language("python", ("def __init__(self, *args{0}, **kwargs):", "return [x_{0} for _ in a]", "'''doc {0}'''")),
    Language("py", ("for _ in items[{0}:]:", "print(f'{{a_b}} {0} naïve 日本語')", "@decorator_{0}(a=1)")),
    Language("js", ("const f_{0} = (a, b) => a || b;", "`template ${{x_{0}}} text`", "if (a || c) {{ {0} }}"), "  "),
    Language("c++", ("std::vector<int> v_{0};", "int *p_{0} = &x; // *p", "#include <vector{0}>", "a->b[{0}]++;")),
    Language("objective-c", ("NSString *s_{0} = @\"x\";", "[obj_{0} doIt:@\"*\"];")),
    Language("f#", ("let f_{0} x = x |> id", "| Some x_{0} -> x"), shown_tag="fsharp"),
    Language("rust", ("fn f_{0}<'a>(x: &'a mut [u8]) -> u8 {{", "match x {{ {0} | 2 => *y, _ => 1 }}")),
    Language("html", ("<b id=\"{0}\">*bold*</b>", "<!-- __x{0}__ -->"), "  "),
    Language("sh", ("echo \"${{HOME}}/{0}\" | grep -v '^#' || true", "for f in *.py; do cat \"$f\"; done # {0}")),
    Language("sql", ("SELECT * FROM t_{0} WHERE a_b = '||';", "-- ~~{0}~~"), "  "),
    Language("json", ("\"key_{0}\": [\"*\", \"_\", \"||\"],", "\"n\": {0},"), "  "),
    Language("diff", ("+ a_{0}", "- b_{0}", "@@ -{0},7 +{0},7 @@"), ""),
    Language("go", ("func f_{0}(a *int) error {{", "x_{0} := <-ch"), "\t"),
    Language("makefile", ("all_{0}: ## *help*", "@echo $@ {0}"), "\t"),
    Language("", ("| a | {0} |", "|---|---|", "* item_{0}", "~~~", "__x{0}__")),
)  # fmt: skip


def written(random: Random, language: Language, count: int) -> Iterator[str]:
    """So many lines; the first and the last have something to see, and one in seventy is very long."""
    for number in range(count):
        is_inside = 0 < number < count - 1
        if is_inside and random.random() < 0.12:
            yield ""
        elif random.random() < 0.015:
            yield _LONG.format(" ".join(f"w{n}*_|" for n in range(random.choice([30, 120, 300]))))
        else:
            indent = language.indent * (random.randint(0, 4) if is_inside else 0)
            line = random.choice(_SHARED) if random.random() < 0.15 else random.choice(language.lines)
            yield indent + line.replace("{0}", str(random.randint(1, 9999))).replace("{{", "{").replace("}}", "}")
