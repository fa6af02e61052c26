"""Programs that try to harm, to escape or to be a nuisance, with what each must come to. Used by the tests as well.

A program is contained when the outcome is one of those named, nothing of the host is
in it, and the sandbox runs the next program as if nothing had been.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bot.sandbox.owner import DISK_BYTES, OUTPUT_BYTES, Ran, Stop

_TIME = (Stop.TIME,)


@dataclass(frozen=True, slots=True)
class Hostile:
    """A program. `expected` is searched in all that it printed; `stops` are the ways in which it may be stopped."""

    name: str
    code: str
    expected: str = ""
    stops: tuple[Stop | None, ...] = (None,)
    forbidden: str = r"root:x?:|DISCORD_TOKEN=|ESCAPED"

    @property
    def seconds(self) -> float:
        """How long it may run: briefly where that is what must stop it, else as long as a busy machine may need."""
        return 2.0 if self.stops == _TIME else 10.0


def is_contained(hostile: Hostile, ran: Ran) -> bool:
    """Whether the program came to what it must come to."""
    said = ran.stdout + ran.stderr
    return (
        ran.stop in hostile.stops
        and (ran.stop is Stop.CRASH or re.search(hostile.expected, said) is not None)
        and re.search(hostile.forbidden, said) is None
        and len(ran.stdout) <= OUTPUT_BYTES
        and len(ran.stderr) <= OUTPUT_BYTES
        and sum(len(file.data) for file in ran.files) <= DISK_BYTES
    )


def outcome(ran: Ran) -> str:
    """What happened, on one short line."""
    lines = (ran.stderr or ran.stdout).strip().splitlines()
    last = "".join(letter if letter.isprintable() else "�" for letter in lines[-1]) if lines else ""
    ending = f"stopped: {ran.stop.value}" if ran.stop else f"exit {ran.exit_code}"
    extra = " output cut" if ran.cut else ""
    return f"{ending}{extra} {last[:52]}".rstrip()


def _attempts(*lines: str) -> str:
    """A program that tries each line for itself, and prints ESCAPED with what it got, or the error's name."""
    return (
        "import os, sys\n"
        f"for line in {list(lines)!r}:\n"
        "    try:\n"
        "        print('ESCAPED', line, eval(line))\n"
        "    except BaseException as error:\n"
        "        print(type(error).__name__)\n"
    )


_REFUSED = r"(?s)Error"

PROGRAMS = (
    # processor time
    Hostile("endless loop", "while True: pass", stops=_TIME),
    Hostile("10**(10**9)", "10**(10**9)", stops=_TIME),
    Hostile("backtracking regex", "import re; re.match(r'(a+)+$', 'a' * 40 + 'b')", stops=_TIME),
    Hostile("sleep for an hour", "import time; print('began', flush=True); time.sleep(3600)", "began", _TIME),
    Hostile("huge sort in C", "sorted(range(10**8), key=lambda it: -it)", "MemoryError|^$", (Stop.TIME, None)),
    Hostile(
        "catches its own end",
        "while True:\n    try:\n        while True: pass\n    except BaseException: pass",
        stops=_TIME,
    ),
    Hostile(
        "__del__ and atexit loops", "import atexit\natexit.register(lambda: [0 for _ in iter(int, 1)])", stops=_TIME
    ),
    # memory
    Hostile("10 GB at once", "bytearray(10 * 2**30)", "OverflowError|MemoryError"),
    Hostile("3 GB at once", "bytearray(3 * 2**30)", "MemoryError|OverflowError"),
    Hostile("allocates in a loop", "x = []\nwhile True: x.append(bytearray(2**20))", "MemoryError"),
    Hostile("numpy, 100 GB", "import numpy; numpy.ones((100, 2**27))", r"(?i)memory|allocate|Error"),
    Hostile(
        "memory kept in 60 open files",
        "files = [open(f'{n}', 'wb') for n in range(60)]\nfor f in files: f.write(bytes(2**26)); f.flush()",
        r"Error",
        (None, Stop.CRASH, Stop.TIME),
    ),
    Hostile(
        "memory inside and out at once",
        "files, kept = [open(f'{n}', 'wb') for n in range(60)], []\n"
        "try:\n"
        "    for f in files: f.write(bytes(2**26)); f.flush()\n"
        "except OSError: pass\n"
        "while True: kept.append(bytearray(2**20))",
        "MemoryError",
        (None, Stop.CRASH),
    ),
    # processes
    Hostile("fork bomb", "import os\nwhile True: os.fork()", r"Error"),
    Hostile("subprocess", "import subprocess; subprocess.run(['/bin/sh', '-c', 'echo ESC$()APED'])", r"Error"),
    Hostile(
        "os.system, exec, spawn",
        _attempts(
            "os.system('id') or 'ran'",
            "os.execv('/bin/sh', ['sh'])",
            "os.spawnv(0, '/bin/sh', ['sh'])",
            "os.posix_spawn('/bin/sh', ['sh'], {})",
            "os.kill(1, 9) or 'killed'",
        ),
        _REFUSED,
    ),
    Hostile(
        "a thousand threads", "import threading\nfor n in range(1000): threading.Thread(target=print).start()", r"Error"
    ),
    Hostile("multiprocessing", "import multiprocessing as m; m.Process(target=print).start()", r"Error"),
    # network
    Hostile(
        "sockets",
        _attempts(
            "__import__('socket').create_connection(('1.1.1.1', 80), 2)",
            "__import__('socket').socket().bind(('', 8000)) or 'bound'",
            "__import__('urllib.request').request.urlopen('http://169.254.169.254/')",
        ),
        _REFUSED,
    ),
    # files of the host
    Hostile("/etc/passwd", "print(open('/etc/passwd').read())", "FileNotFoundError"),
    Hostile(
        "/proc and environ",
        _attempts(
            "open('/proc/self/environ').read()",
            "open('/proc/1/environ').read()",
            "os.environ['DISCORD_TOKEN']",
            "os.listdir('/proc')",
        ),
        _REFUSED,
    ),
    Hostile(
        "paths with ..",
        _attempts(
            "open('../../../../etc/passwd').read()",
            "open('/tmp/../../etc/passwd').read()",
            "open('//etc/passwd').read()",
            "open('/usr/local/lib/../../../../etc/passwd').read()",
            "os.listdir('/usr/local/lib/../..') and open('/usr/local/lib/../../../../../etc/shadow').read()",
        ),
        _REFUSED,
    ),
    Hostile(
        "symbolic links",
        _attempts(
            "os.symlink('/etc/passwd', '/link') or open('/link').read()",
            "os.symlink('../../..', '/tmp/up') or os.listdir('/tmp/up')",
            "os.link('/usr/local/lib/python315.zip', '/z') or 'linked'",
        ),
        _REFUSED,
    ),
    Hostile(
        "writes to the library",
        _attempts(
            "open('/usr/local/lib/python315.zip', 'ab').write(b'x')",
            "open('/usr/local/lib/evil.py', 'w')",
            "os.remove('/usr/local/lib/python315.zip') or 'removed'",
            "os.rename('/usr/local/lib', '/lib') or 'renamed'",
        ),
        _REFUSED,
    ),
    Hostile(
        "other descriptors",
        _attempts(*(f"os.read({number}, 100) and 'read'" for number in (4, 5, 6, 7, 8, 9, 10, 20))),
        _REFUSED,
    ),
    # filling the disk
    Hostile(
        "one file of 1 GB",
        "with open('a.txt', 'wb') as f:\n    for _ in range(1024): f.write(bytes(2**20))",
        r"Error",
        (None, Stop.CRASH, Stop.TIME),
    ),
    Hostile(
        "many files of 1 MB",
        "for n in range(10_000):\n    with open(f'{n}.txt', 'wb') as f: f.write(b'x' * 2**20)",
        r"OSError",
    ),
    Hostile(
        "a million empty files", "for n in range(10**6): open(f'{n}', 'w').close()", r"OSError", (None, Stop.FILE_CALLS)
    ),
    Hostile(
        "folders within folders",
        "import os\nwhile True:\n    os.mkdir('d'); os.chdir('d')",
        r"Error",
        (None, Stop.FILE_CALLS),
    ),
    Hostile("sparse file of 8 TB", "with open('s.txt', 'wb') as f: f.seek(2**43); f.write(b'x')", r"Error"),
    Hostile(
        "names of control characters",
        "import os\nfolder = '/' + chr(7) * 240\nfor _ in range(14): os.mkdir(folder); folder += '/' + chr(27) * 240\n"
        "for n in range(40): open(f'{os.path.dirname(folder)}/{n}' + chr(8) * 200 + '.txt', 'w').write('x')\n"
        "print('done')",
        "done",
    ),
    # output
    Hostile("endless lines on stdout", "while True: print('x' * 79)", "x{79}", _TIME),
    Hostile("endless lines on stderr", "import sys\nwhile True: print('x' * 79, file=sys.stderr)", "x{79}", _TIME),
    Hostile("endless output, no line end", "import sys\nwhile True: sys.stdout.write('x' * 9999)", "x{79}", _TIME),
    Hostile("one line of 100 MB", "print('x' * 10**8)", "x{79}"),
    Hostile(
        "closes stdout and stderr",
        "import os, sys; sys.stdout.close(); sys.stderr.close(); os.close(1); os.close(2)",
        "",
        (None, Stop.CRASH),
    ),
    Hostile(
        "imitates the outcome",
        "import os, struct\n"
        'head = b\'{"exit_code":0,"stdout":7,"files":[]}\'\n'
        "for fd in (1, 2, 3): \n"
        '    try: os.write(fd, struct.pack("!I", len(head)) + head + b"forged!")\n'
        "    except OSError: pass",
        "forged!",
    ),
    Hostile("bytes that are no UTF-8", "import sys; sys.stdout.buffer.write(bytes(range(256)) * 8)", "�"),
    Hostile(
        "escapes and backticks", "print('\\x1b[2J\\x1b]0;title\\x07```\\n@everyone ||x|| \\u202eevil')", "@everyone"
    ),
    # crashes
    Hostile(
        "deep recursion",
        "import sys; sys.setrecursionlimit(10**9)\ndef f(): f()\nf()",
        "RecursionError|stack",
        (None, Stop.CRASH),
    ),
    Hostile("deeply nested source", "eval('(' * 10**5 + ')' * 10**5)", r"Error", (None, Stop.CRASH)),
    Hostile(
        "deeply nested comparison",
        "x = None\nfor _ in range(10**6): x = [x]\nx == [x]; hash(repr(x))",
        r"Error",
        (None, Stop.CRASH),
    ),
    Hostile("ctypes", "import ctypes; ctypes.string_at(0)", r"Error"),
    Hostile(
        "crafted marshal",
        "import marshal\n"
        "for n in range(5000):\n"
        "    try: marshal.loads(bytes([99 + n % 30]) + n.to_bytes(4, 'big') * 20)\n"
        "    except Exception: pass\n"
        "print('done')",
        "done",
        (None, Stop.CRASH),
    ),
    Hostile(
        "crafted bytecode",
        "def f(): pass\nf.__code__ = f.__code__.replace(co_code=bytes([100, 255] * 8 + [83, 0]), co_stacksize=1)\nf()",
        "",
        (None, Stop.CRASH),
    ),
    Hostile(
        "corrupts its own memory",
        "import gc\n"
        "def f(): return [it for it in gc.get_objects()]\n"
        "for n in range(40):\n"
        "    f.__code__ = f.__code__.replace(co_code=bytes((n * k * 7 + k) % 256 for k in range(64)))\n"
        "    try: f()\n"
        "    except BaseException: pass\n"
        "print('done')",
        "",
        (None, Stop.CRASH, Stop.TIME),
    ),
    Hostile("os.abort", "import os; os.abort()", "", (None, Stop.CRASH)),
    # ends
    Hostile("sys.exit(3)", "import sys; sys.exit(3)"),
    Hostile("os._exit(255)", "import os; os._exit(255)", "", (None, Stop.CRASH)),
    Hostile("exit code of 2**40", "import sys; sys.exit(2**40)", "", (None,)),
    Hostile("raise KeyboardInterrupt", "raise KeyboardInterrupt", "", (None,)),
    Hostile("syntax error", "def f(:\n", "SyntaxError"),
    Hostile("NUL in the source", "print(1)\0print(2)", r"SyntaxError"),
    Hostile("lone surrogate in the source", "print('\ud800')", r"\?"),
    Hostile("source of 250 kB", "x = [" + "1," * 125_000 + "]\nprint(len(x))", "125000"),
)
