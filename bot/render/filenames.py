"""Chooses the file name of a code block: what the model called it, else one made from its language.

Names come from a model, so they are reduced to a harmless base name. This
module knows nothing of how blocks are found, and nothing of attachments.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

LONGEST_NAME = 100
"""Characters of a file name, its extension included."""

_LANGUAGES = """
ada adb ads: adb ads
applescript osascript: applescript
asm assembly nasm x86asm armasm: asm s
awk gawk: awk
bash sh shell zsh ksh: sh bash zsh ksh
bat batch cmd dos: bat cmd
c h: c h
c# csharp cs: cs csx
c++ cpp cc cxx hpp: cpp cc cxx hpp hh hxx h ino
clojure clj cljs: clj cljs cljc edn
cmake: cmake txt
cobol: cob cbl
coffeescript coffee: coffee
common-lisp lisp elisp emacs-lisp: lisp el
crystal cr: cr
css: css
csv: csv
cuda cu: cu cuh
d dlang: d
dart: dart
delphi pascal objectpascal: pas pp dpr
diff patch: diff patch
dockerfile docker containerfile: dockerfile
elixir ex exs: ex exs
elm: elm
erlang erl: erl hrl
f# fsharp fs: fs fsx fsi
fortran f90: f90 f f95
gdscript gd: gd
glsl: glsl vert frag
go golang: go mod
graphql gql: graphql gql
groovy gradle: groovy gradle
haskell hs: hs
hcl terraform tf: tf tfvars hcl
html htm xhtml: html htm
ini cfg conf properties dotenv: ini cfg conf properties env
java: java
javascript js node node.js mjs cjs: js mjs cjs jsx
jinja jinja2 j2: j2 jinja
json json5 jsonc: json json5 jsonc
jsx react: jsx js
julia jl: jl
kotlin kt kts: kt kts
latex tex: tex sty cls
less: less
lua luau: lua luau
makefile make mk: mk
markdown md mdx: md mdx
matlab octave: m
mermaid mmd: mmd
nim: nim
nginx: conf
nix: nix
objective-c objectivec objc obj-c: m h mm
ocaml ml: ml mli
perl pl: pl pm
php: php
plsql sql mysql postgresql postgres pgsql sqlite tsql: sql
powershell ps1 pwsh ps: ps1 psm1 psd1
prolog: pro pl
protobuf proto: proto
python py python3 py3: py pyi pyw
r rlang: r rmd
racket rkt: rkt
ruby rb: rb rake gemspec
rust rs: rs
sass: sass
scala: scala sc sbt
scheme scm: scm
scss: scss
solidity sol: sol
svelte: svelte
svg: svg
swift: swift
systemd: service timer
toml: toml lock
tsx: tsx ts
typescript ts mts cts: ts mts cts tsx
v vlang: v
vb vbnet vb.net visualbasic vba: vb bas vbs
verilog systemverilog sv: v sv svh
vhdl vhd: vhd vhdl
vim viml vimscript: vim
vue vue.js: vue
wgsl: wgsl
xml xsd xslt plist xaml: xml xsd xsl plist xaml csproj
yaml yml: yaml yml
zig: zig
"""
"""One language a line: what fences call it, and its files' extensions, the usual one first."""

_EXTENSIONS = {
    tag: tuple(extensions.split())
    for tags, _, extensions in (line.partition(":") for line in _LANGUAGES.strip().splitlines())
    for tag in tags.split()
}
_DOTFILES = frozenset({"env", "gitignore", "dockerignore", "editorconfig"})
_OTHERS = frozenset({"txt", "log", "tsv", "lock", "sum", "rst", "bib", "ipynb"})
_KNOWN_EXTENSIONS = _DOTFILES | _OTHERS | {extension for known in _EXTENSIONS.values() for extension in known}
_WHOLE_NAMES = {
    "dockerfile": "Dockerfile",
    "containerfile": "Containerfile",
    "docker": "Dockerfile",
    "makefile": "Makefile",
    "make": "Makefile",
    "cmake": "CMakeLists.txt",
    "gemfile": "Gemfile",
    "rakefile": "Rakefile",
    "procfile": "Procfile",
    "jenkinsfile": "Jenkinsfile",
    "vagrantfile": "Vagrantfile",
    "justfile": "justfile",
}
"""Files that are known by a whole name; they are also the names of blocks in these languages."""

_MOST_READ = 300
"""Characters of a line in which a name is looked for; the patterns below never see more."""
_PATH = r"[\w.@+$\[\]()/\\~-]{1,200}"
_ATTRIBUTE = re.compile(
    r"""\b(?:title|file_?name|file|name|path)\s*[=:]\s*(?:"([^"]+)"|'([^']+)'|([^\s,}]+))""", re.IGNORECASE
)
_NOTHING_ELSE = re.compile(
    rf"""\s*(?:[#>*+-]{{1,6}}\s+)?(?:\d{{1,3}}[.)]\s+)?(?:\*\*)?(?:file(?:\s?name)?\s*:\s*)?"""
    rf"""[*_`"']{{0,4}}(?P<name>{_PATH})[*_`"']{{0,4}}\s*:?[*_]{{0,3}}:?\s*""",
    re.IGNORECASE,
)
_MARKED = re.compile(rf"`(?P<code>{_PATH})`|\*\*(?P<bold>{_PATH})\*\*")
_SAYS_WHERE = re.compile(r":\W*$|\b(?:save|create|put|paste|name|named|call|called|file|write)\b", re.IGNORECASE)
_COMMENT = re.compile(
    rf"\s*(?:#|//|--|;{{1,3}}|%|/\*{{1,2}}|<!--|\{{/\*|\(\*|REM)\s*(?:file(?:\s?name)?\s*:\s*)?"
    rf"(?P<name>{_PATH})\s*(?:\*/\}}?|-->|\*\))?\s*",
    re.IGNORECASE,
)
_BEFORE_COMMENT = re.compile(r"(?:#!|<\?php|<!doctype)", re.IGNORECASE)
_UNSAFE = re.compile(r"[^A-Za-z0-9._+-]+")
_HIDING = re.compile(r"(?:\.|SPOILER_)+")
"""What hides a file: on a disk, or on Discord."""


def name_of_code(info: str, before: str, code: str) -> str | None:
    """What the model called a block of code, as a harmless file name; None when it gave no name.

    `info` is the text behind the opening fence, `before` the last line before
    it. A name in prose or in a comment counts only if it fits the language.
    """
    tag = _tag(info)
    for name in _given_names(info[:_MOST_READ], before[:_MOST_READ], code, tag):
        if safe := _safe(name):
            return safe
    return None


def name_for_language(info: str, number: int) -> str:
    """A name for a block that has none: `code-2.py`, `Dockerfile`, or `code-1.txt` where the language is unknown."""
    tag = _tag(info)
    if tag in _WHOLE_NAMES:
        return _WHOLE_NAMES[tag]
    return f"code-{number}.{_EXTENSIONS.get(tag, ('txt',))[0]}"


def unique(name: str, taken: set[str]) -> str:
    """`name`, numbered if a file is called so already, in capitals or not; adds it to `taken`."""
    stem, dot, extension = name.rpartition(".") if "." in name else (name, "", "")
    candidate, number = name, 1
    while candidate.casefold() in taken:
        number += 1
        ending = f"-{number}{dot}{extension}"
        candidate = stem[: LONGEST_NAME - len(ending)] + ending
    taken.add(candidate.casefold())
    return candidate


def _given_names(info: str, before: str, code: str, tag: str) -> Iterator[str]:
    """The names for a block, the surest first."""
    attribute = _ATTRIBUTE.search(info)
    if attribute and _is_name(given := attribute[1] or attribute[2] or attribute[3]):
        yield given
    words = info.split()
    first = words[0].strip("{}.") if words else ""
    for word in ([] if first.lower() in _EXTENSIONS else [first.partition(":")[2], first]) + words[1:]:
        if _is_name(word):
            yield word
    whole = _NOTHING_ELSE.fullmatch(before)
    if whole and _fits(whole["name"], tag):
        yield whole["name"]
    first_lines = code[: 3 * _MOST_READ].split("\n", 3)[:2]
    if first_lines and _BEFORE_COMMENT.match(first_lines[0]):
        del first_lines[0]
    comment = _COMMENT.fullmatch(first_lines[0][:_MOST_READ]) if first_lines else None
    if comment and _fits(comment["name"], tag):
        yield comment["name"]
    if _SAYS_WHERE.search(before):
        marked = {match["code"] or match["bold"] for match in _MARKED.finditer(before)}
        fitting = [name for name in marked if _fits(name, tag)]
        if len(fitting) == 1:
            yield fitting[0]


def _tag(info: str) -> str:
    """The language of an info string, as the table knows it."""
    first = info.split(maxsplit=1)[0].strip("{}.").lower() if info.strip() else ""
    if first in _EXTENSIONS or first in _WHOLE_NAMES:
        return first
    before_path = first.partition(":")[0]
    return before_path if before_path in _EXTENSIONS else _tag_of_name(first)


def _tag_of_name(name: str) -> str:
    """The language that a file's name tells, for `src/app.py` in place of a language."""
    extension = _extension(name)
    return extension if extension in _EXTENSIONS else ""


def _is_name(text: str) -> bool:
    return _extension(text) in _KNOWN_EXTENSIONS or _base(text).lower() in _WHOLE_NAMES


def _fits(name: str, tag: str) -> bool:
    """Whether a name that stands near a block can be that of a file in its language."""
    whole_name = _WHOLE_NAMES.get(_base(name).lower())
    if tag in _WHOLE_NAMES and whole_name == _WHOLE_NAMES[tag]:
        return True
    if tag in _EXTENSIONS:
        return _extension(name) in _EXTENSIONS[tag]
    return whole_name is not None or _extension(name) in _KNOWN_EXTENSIONS


def _base(path: str) -> str:
    return path.replace("\\", "/").rsplit("/", 1)[-1]


def _extension(path: str) -> str:
    stem, _, extension = _base(path).lower().rpartition(".")
    return extension if stem or extension in _DOTFILES else ""


def _safe(name: str) -> str:
    """The base name in plain letters: without path, leading dots or Discord's `SPOILER_`; empty if nothing is left."""
    base = _base(name)
    safe = _UNSAFE.sub("_", unicodedata.normalize("NFKD", base).encode("ascii", "ignore").decode())
    if safe.startswith(".") and not base.startswith("."):
        return ""  # nothing but the extension is left
    if hiding := _HIDING.match(safe):
        safe = safe[hiding.end() :]
    if len(safe) > LONGEST_NAME:
        stem, _, extension = safe.rpartition(".")
        safe = f"{stem[: LONGEST_NAME - 1 - len(extension)]}.{extension}" if stem else safe[:LONGEST_NAME]
    return safe if safe.strip("._-") else ""
