from __future__ import annotations

import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from orbitloom.processing.apps import Context
from orbitloom.processing.byo import load_app
from orbitloom.processing.l2 import NO_DATA
from orbitloom.processing.sandbox import run
from orbitloom.testing.app import AppContract, sample_tile

HEAD = """
import orbitloom
@orbitloom.app(bands=("red", "nir"), event="greening", seconds=1, memory_mb=512)
def detect(bands, mask, info):
"""
GOOD = "red, nir = bands['red'], bands['nir']\nreturn (nir - red) / (nir + red) > 0.3"
HERE = Context(target="Here")

only_linux = pytest.mark.skipif(sys.platform != "linux", reason="a wall of the Linux kernel")


@pytest.fixture
def bring(tmp_path):
    """Return a function that makes an application of a function's body."""

    def make(body, name="mine", seconds=1):
        file = tmp_path / f"{name}.py"
        head = HEAD.replace("seconds=1", f"seconds={seconds}")
        file.write_text(head + textwrap.indent(textwrap.dedent(body), "    "), encoding="utf-8")
        return load_app(file)

    return make


class TestADetectorKeepsTheContract(AppContract):
    @pytest.fixture
    def app(self, bring):
        return bring(GOOD)


# What is stopped --------------------------------------------------------------------------------

HOSTILE = {
    "an endless loop": ("while True: pass", "time"),
    "a loop that swallows errors": (
        """
        import signal
        signal.signal(signal.SIGXCPU, signal.SIG_IGN)
        while True:
            try:
                while True: pass
            except BaseException: pass
        """,
        "time",
    ),
    "20 GB": ("import numpy as np\nreturn np.ones((50_000, 50_000)) > 0", "memory"),
    "a growing list": ("a = []\nwhile True: a.append(bytes(1 << 24))", "memory"),
    "a socket": (
        "import socket\nsocket.create_connection(('127.0.0.1', 9), timeout=1)",
        "network",
    ),
    "a name looked up": ("import socket\nsocket.getaddrinfo('localhost', 80)", "network"),
    "a swallowed socket": (
        "import socket\ntry: socket.socket()\nexcept BaseException: pass\nreturn mask > 200",
        "network",
    ),
    "a key": (
        f"open({str(Path.home() / '.ssh/id_ed25519')!r})",
        "files",
    ),
    "another's folder": ("import os\nos.listdir('/tmp')", "files"),
    "a system file": ("open('/etc/passwd')", "files"),
    "a file outside": ("open('../outside.txt', 'w')", "files"),
    "a link out": ("import os\nos.symlink('/', 'link')\nopen('link/outside.txt', 'w')", "files"),
    "a library overwritten": ("import os\nopen(os.__file__, 'a')", "files"),
    "a folder filled": (
        """
        number = 0
        while True:
            with open(str(number), 'wb') as file: file.write(bytes(1 << 24))
            number += 1
        """,
        "files",
    ),
    "many files": (
        "number = 0\nwhile True:\n    open(str(number), 'w').close()\n    number += 1",
        "files",
    ),
    "a folder in a folder": (
        "import os\nwhile True:\n    os.mkdir('deeper')\n    os.chdir('deeper')",
        "files",
    ),
    "a large file": (
        "with open('large', 'wb') as file:\n    while True: file.write(bytes(1 << 24))",
        "files",
    ),
    "a fork bomb": ("import os\nwhile True: os.fork()", "process"),
    "a program": ("import subprocess\nsubprocess.run(['true'])", "process"),
    "a thread": ("import threading\nthreading.Thread(target=print).start()", "crash"),
    "a signal": ("import os\nos.kill(os.getppid(), 9)", "process"),
    "native code": ("import ctypes\nctypes.CDLL(None).getpid()", "process"),
    "its limits": (
        "import resource\nresource.setrlimit(resource.RLIMIT_CPU, (9, 9))",
        "process",
    ),
    "a way out": ("import os\nos._exit(0)", "crash"),
    "sys.exit": ("import sys\nsys.exit()", "crash"),
    "an error": ("return bands['nir'] / unknown", "crash"),
    "bad memory": ("import os\nos.abort()", "crash"),
    "1 GB printed": ("while True: print('x' * 1000)", "output"),
    "a little too much printed": ("print('x' * 70_000)\nreturn mask > 200", "output"),
    "a wrong shape": ("return mask[:5] > 200", "output"),
    "a huge result": ("import numpy as np\nreturn np.zeros((9_000, 9_000), bool)", "output"),
    "NaN": ("return bands['nir'] * float('nan')", "output"),
    "scores that are none": ("return bands['nir'] * 100", "output"),
    "whole numbers": ("return mask", "output"),
    "text": ("return 'a flood'", "output"),
    "a point outside": ("return [{'row': 1, 'column': 200}]", "output"),
    "a point of NaN": ("return [{'row': 1, 'column': float('nan')}]", "output"),
    "a point of much": ("return [{'row': 1, 'column': 2, 'name': 'x' * 200}]", "output"),
    "a point whose score is text": (
        "return [{'row': 1, 'column': 2, 'score': 'high'}]",
        "output",
    ),
    "a point of half a character": (
        "return [{'row': 1, 'column': 2, chr(0xD800): 1}]",
        "output",
    ),
    "many points": ("return [{'row': 1, 'column': 2}] * 3000", "output"),
    "endless points": ("return [{'row': 1, 'column': 2, 'a': 'x' * 99}] * 99_999", "output"),
    "a forged answer": (
        """
        import os
        for fd in range(3, 9):
            try: os.write(fd, b'{[')
            except OSError: pass
        return mask > 200
        """,
        "output",
    ),
    "a patched answer": (
        "import json\njson.dumps = lambda *a, **k: '{\"points\": [{}]}'\nreturn mask > 200",
        "output",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", HOSTILE)
def test_a_breach_ends_the_application_with_its_cause(bring, what):
    body, cause = HOSTILE[what]
    app = bring(body)
    finding = app.analyse(sample_tile("land"), HERE)

    assert (finding.reason, finding.cause) == ("app", cause)
    assert finding.evidence is None
    assert finding.area is None


def test_a_sleeper_is_woken(bring):
    app = bring("import time\ntime.sleep(1e6)")
    outcome = run(app.code, app.detector, sample_tile("land"), {}, wall_s=1.0)

    assert outcome.cause == "time"


def test_what_is_said_of_a_crash_is_the_same_every_time(bring):
    app = bring("raise ValueError(f'at {object()}')")
    first, second = (app.look(sample_tile("land"), HERE) for _ in range(2))

    assert (first.cause, first.detail) == ("crash", "ValueError in line 5")
    assert (second.cause, second.detail) == (first.cause, first.detail)


def test_what_is_printed_is_kept(bring):
    app = bring("import sys\nprint('seen')\nprint('heard', file=sys.stderr)\nreturn mask > 200")

    assert sorted(app.look(sample_tile("land"), HERE).printed.split()) == ["heard", "seen"]


def test_it_is_told_nothing_of_its_surroundings(bring, monkeypatch):
    monkeypatch.setenv("A_SECRET", "hush")
    app = bring("import os\nprint('A_SECRET' in os.environ, len(os.listdir()))\nreturn mask > 200")

    assert app.look(sample_tile("land"), HERE).printed.split() == ["False", "0"]


def test_it_has_a_folder_of_its_own_which_goes_with_it(bring):
    app = bring(
        """
        import os
        from pathlib import Path
        Path('one.txt').write_text('mine')
        Path('one.txt').rename('two.txt')
        assert Path('two.txt').read_text() == 'mine'
        print(os.getcwd())
        return mask > 200
        """
    )
    first, second = (app.look(sample_tile("land"), HERE) for _ in range(2))

    assert (first.cause, second.cause) == (None, None)
    assert first.printed != second.printed
    assert not Path(first.printed.strip()).exists()


def test_libraries_can_be_used(bring):
    app = bring(
        """
        from scipy import ndimage, optimize, stats
        import dataclasses, random, tempfile
        smooth = ndimage.uniform_filter(bands["nir"], 5)
        with tempfile.TemporaryFile() as file:
            file.write(b"x")
        return smooth > 0.2
        """,
        seconds=20,
    )
    outcome = app.look(sample_tile("land"), HERE)

    assert outcome.cause is None, outcome
    assert outcome.scores.all()


def test_nothing_lives_on_from_look_to_look(bring):
    app = bring(
        """
        import numpy
        assert not hasattr(numpy, "mine")
        numpy.mine = 1
        return mask > 200
        """
    )

    assert [app.look(sample_tile("land"), HERE).cause for _ in range(2)] == [None, None]


def test_hash_order_and_random_numbers_do_not_differ(bring):
    app = bring("print(list({str(n) for n in range(50)}))\nreturn mask > 200")

    assert len({app.look(sample_tile("land"), HERE).printed for _ in range(3)}) == 1


def test_an_answer_is_the_same_beside_a_hostile_application(bring):
    good, bad = bring(GOOD), bring("import numpy as np\nreturn np.ones((90_000, 90_000))", "bad")
    tile = sample_tile("land")
    numbers = tile.numbers.copy()
    numbers[3, 50:90, 50:90] = 300
    tile = replace(tile, numbers=numbers)
    before = good.analyse(tile, HERE)
    assert bad.analyse(tile, HERE).cause == "memory"
    after = good.analyse(tile, HERE)

    assert before.area.tobytes() == after.area.tobytes()
    assert (before.evidence, before.headline) == (after.evidence, after.headline)


def test_threads_may_look_at_once(bring):
    app = bring(GOOD)
    with ThreadPoolExecutor(4) as pool:
        looks = list(pool.map(lambda _: app.look(sample_tile("land"), HERE), range(4)))

    assert [look.cause for look in looks] == [None] * 4
    assert all(np.array_equal(look.scores, looks[0].scores) for look in looks)


def test_no_data_is_nan_to_it_and_nothing_to_us(bring):
    tile = sample_tile("land")
    mask = tile.mask.copy()
    mask[:100] = NO_DATA
    app = bring(
        "import numpy as np\nassert np.isnan(bands['nir'][:100]).all()\nreturn bands['nir']"
    )
    outcome = app.look(replace(tile, mask=mask), HERE)

    assert outcome.cause is None
    assert np.array_equal(outcome.scores[:100], np.zeros((100, 200)))
    assert outcome.scores[100:] == pytest.approx(0.26, abs=1e-6)


# The kernel's walls, without the hook that names what was tried ----------------------------------

_BEHIND = """
import ctypes, os, resource, socket, subprocess, sys, threading
from pathlib import Path
from orbitloom.processing.runner import main
from orbitloom.processing.walls import raise_walls
libc = ctypes.CDLL(None, use_errno=True)
library = Path(ctypes.__file__).parent
print(*raise_walls(Path.cwd(), (library,), seconds=5, memory_bytes=1 << 28), sep=", ")
Path("mine").write_text("mine")
open(library / "__init__.py").read(9)
TRIED = {
    "socket": lambda: socket.socket(),
    "unix socket": lambda: socket.socket(socket.AF_UNIX),
    "pair": lambda: socket.socketpair(),
    "read": lambda: open(OUTSIDE).read(),
    "write": lambda: open(OUTSIDE, "a"),
    "remove": lambda: os.remove(OUTSIDE),
    "mode": lambda: os.chmod(OUTSIDE, 0o777),
    "time": lambda: os.utime(OUTSIDE),
    "list": lambda: os.listdir("/"),
    "folder": lambda: os.mkdir("deeper"),
    "link": lambda: os.link(OUTSIDE, "linked"),
    "fork": lambda: os.fork(),
    "program": lambda: subprocess.run(["true"]),
    "exec": lambda: os.execv(sys.executable, ["python"]),
    "thread": lambda: threading.Thread(target=print).start(),
    "signal": lambda: os.kill(os.getppid(), 0),
    "limits": lambda: resource.setrlimit(resource.RLIMIT_CPU, (99, 99)),
    "prlimit": lambda: resource.prlimit(0, resource.RLIMIT_CPU, (99, 99)),
    "memory": lambda: bytes(1 << 29),
    "memfd": lambda: os.memfd_create("x"),
    "large file": lambda: open("large", "wb").truncate(1 << 30),
    "ptrace": lambda: _native("ptrace", 16, os.getppid(), 0, 0),
    "namespace": lambda: _native("unshare", 0x10000000),
    "io_uring": lambda: _native("syscall", 425, 8, 0),
    "clone3": lambda: _native("syscall", 435, 0, 0),
    "unknown": lambda: _native("syscall", 900, 0),
    "shm": lambda: _native("shmget", 0, 4096, 0o1600),
}
def _native(name, *arguments):
    if getattr(libc, name)(*arguments) < 0:
        raise OSError(ctypes.get_errno(), name)
for name, attempt in TRIED.items():
    try:
        attempt()
    except (OSError, MemoryError, RuntimeError, ValueError):
        continue
    print("passed:", name)
assert resource.getrlimit(resource.RLIMIT_CPU)[0] <= 6
"""


@only_linux
def test_the_kernel_holds_what_the_hook_would_let_pass(tmp_path):
    (tmp_path / "inside").mkdir()
    outside = tmp_path / "outside.txt"
    outside.write_text("hands off")
    done = subprocess.run(
        [sys.executable, "-B", "-c", f"OUTSIDE = {str(outside)!r}\n{_BEHIND}"],
        cwd=tmp_path / "inside",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    walls, *passed = done.stdout.splitlines()
    if not {"landlock", "seccomp"} <= set(walls.split(", ")):
        pytest.skip(f"this kernel has only: {walls}")
    assert passed == []
    assert outside.read_text() == "hands off"
    assert oct(outside.stat().st_mode & 0o777) != oct(0o777)
