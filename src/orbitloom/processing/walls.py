"""Walls around code that is not ours: what a process does to itself before it runs that code.

Kernel walls come first and hold against native code too: resource limits, Landlock (files and TCP;
Linux 5.13), seccomp (sockets, processes, other processes' memory, clocks, owners and modes of
files; Linux on x86-64 and ARM64), an empty network namespace, and no capabilities. An audit hook
(PEP 578) is a second wall, which names what was tried and ends the process; native code could pass
it. What a system lacks is left out, and `raise_walls` says which walls stand.

None of it withstands a fault in the kernel itself.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__ = ["audit_wall", "raise_walls"]

_PR_SET_NO_NEW_PRIVS = 38
_LARGEST_FILE = 64 << 20
_OPEN_FILES = 64

# Landlock (linux/landlock.h): rights by the version of its interface that brought them.
_READ = (1 << 2) | (1 << 3)
_READ_FILE = 1 << 2
_WRITE = _READ | (1 << 1) | (1 << 5) | (1 << 8)  # write, remove and make files; no folders
_FILE_RIGHTS = {1: (1 << 13) - 1, 2: 1 << 13, 3: 1 << 14, 5: 1 << 15}
_TRUNCATE = 1 << 14
_TCP = 0b11
_SCOPES = 0b11
_LANDLOCK = (444, 445, 446)

# What seccomp refuses: name: number on x86-64, on ARM64 (asm/unistd.h); None where it is not there.
_REFUSED: dict[str, tuple[int | None, int | None]] = {
    # Network.
    "socket": (41, 198), "socketpair": (53, 199), "connect": (42, 203), "bind": (49, 200),
    "listen": (50, 201), "accept": (43, 202), "accept4": (288, 242), "sendto": (44, 206),
    "sendmsg": (46, 211), "sendmmsg": (307, 269),
    # Processes, threads, signals, other processes' memory.
    "execve": (59, 221), "execveat": (322, 281), "fork": (57, None), "vfork": (58, None),
    "clone": (56, 220), "kill": (62, 129), "tkill": (200, 130), "tgkill": (234, 131),
    "rt_sigqueueinfo": (129, 138), "rt_tgsigqueueinfo": (297, 240), "pidfd_open": (434, 434),
    "pidfd_send_signal": (424, 424), "pidfd_getfd": (438, 438), "ptrace": (101, 117),
    "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "process_madvise": (440, 440), "kcmp": (312, 272),
    # Its own limits and standing.
    "setrlimit": (160, 164), "setpriority": (141, 140), "sched_setscheduler": (144, 119),
    "sched_setattr": (314, 274), "sched_setparam": (142, 118), "ioprio_set": (251, 30),
    "setuid": (105, 146), "setgid": (106, 144), "setreuid": (113, 145), "setregid": (114, 143),
    "setresuid": (117, 147), "setresgid": (119, 149), "setgroups": (116, 159),
    "setfsuid": (122, 151), "setfsgid": (123, 152), "capset": (126, 91), "personality": (135, 92),
    "setsid": (112, 157), "setpgid": (109, 154),
    # What Landlock lets pass of the file system.
    "chmod": (90, None), "fchmod": (91, 52), "fchmodat": (268, 53), "fchmodat2": (452, 452),
    "chown": (92, None), "fchown": (93, 55), "lchown": (94, None), "fchownat": (260, 54),
    "utime": (132, None), "utimes": (235, None), "utimensat": (280, 88), "futimesat": (261, None),
    "setxattr": (188, 5), "lsetxattr": (189, 6), "fsetxattr": (190, 7), "removexattr": (197, 14),
    "lremovexattr": (198, 15), "fremovexattr": (199, 16), "mknod": (133, None),
    "mknodat": (259, 33), "open_by_handle_at": (304, 265), "name_to_handle_at": (303, 264),
    "ioctl": (16, 29), "inotify_init": (253, None), "inotify_init1": (294, 26),
    "fanotify_init": (300, 262),
    # Memory that the limit on address space does not count; memory shared with others.
    "memfd_create": (319, 279), "memfd_secret": (447, 447), "shmget": (29, 194),
    "shmat": (30, 196), "shmctl": (31, 195), "semget": (64, 190), "semctl": (66, 191),
    "semop": (65, 193), "msgget": (68, 186), "msgctl": (71, 187), "msgsnd": (69, 189),
    "msgrcv": (70, 188), "mq_open": (240, 180), "mq_unlink": (241, 181),
    # Ways round a filter, and the system as a whole.
    "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427),
    "io_setup": (206, 0), "bpf": (321, 280), "perf_event_open": (298, 241),
    "userfaultfd": (323, 282), "seccomp": (317, 277), "add_key": (248, 217),
    "request_key": (249, 218), "keyctl": (250, 219), "unshare": (272, 97), "setns": (308, 268),
    "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51),
    "open_tree": (428, 428), "move_mount": (429, 429), "fsopen": (430, 430),
    "fsconfig": (431, 431), "fsmount": (432, 432), "fspick": (433, 433),
    "mount_setattr": (442, 442), "reboot": (169, 142), "kexec_load": (246, 104),
    "kexec_file_load": (320, 294), "init_module": (175, 105), "finit_module": (313, 273),
    "delete_module": (176, 106), "swapon": (167, 224), "swapoff": (168, 225), "acct": (163, 89),
    "quotactl": (179, 60), "quotactl_fd": (443, 443), "syslog": (103, 116),
    "settimeofday": (164, 170), "clock_settime": (227, 112), "clock_adjtime": (305, 266),
    "adjtimex": (159, 171), "sethostname": (170, 161), "setdomainname": (171, 162),
    "vhangup": (153, 58), "iopl": (172, None), "ioperm": (173, None), "modify_ldt": (154, None),
}  # fmt: skip
_CLONE3 = 435  # refused as unknown, so that the C library falls back to `clone`
_NEWEST = 462  # calls that came later are refused as unknown
_PRLIMIT = (302, 261)
_MACHINES = {"x86_64": (0xC000003E, 0, 317), "aarch64": (0xC00000B7, 1, 277)}
_X32 = 0x40000000
_EACCES, _ENOSYS = 13, 38  # with EPERM, Python takes a refused `ioctl` for a fault of its own

_NETWORK = ("socket.", "urllib.", "http.", "ftplib.", "smtplib.", "imaplib.", "poplib.", "nntplib.")
_PROCESS = (
    "os.system", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.startfile",
    "os.kill", "os.killpg", "subprocess.Popen", "pty.spawn", "signal.pthread_kill",
    "ctypes.", "resource.",
    "syslog.", "winreg.", "msvcrt.", "os.setns", "os.unshare",
)  # fmt: skip
_FILES = (
    "os.rename", "os.remove", "os.link", "os.symlink", "os.truncate", "os.chmod", "os.chown",
    "os.lchmod", "os.lchown", "os.chflags", "os.lockf", "os.utime", "os.setxattr",
    "os.removexattr", "os.chdir", "sqlite3.connect",
)  # fmt: skip
_SYSTEM = ("/proc", "/sys", "/etc")
_DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom", "/dev/random")
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def raise_walls(
    folder: Path, readable: tuple[Path, ...], *, seconds: float, memory_bytes: int
) -> tuple[str, ...]:
    """Raise the kernel's walls around this process and return the names of those that stand.

    Parameters
    ----------
    folder
        The one place where files may be made.
    readable
        Folders and files that may be read: libraries.
    seconds
        CPU time from now on; the kernel counts whole seconds, so it is rounded up.
    memory_bytes
        Address space from now on.
    """
    stand = list(_limits(seconds, memory_bytes))
    if sys.platform != "linux":
        return tuple(stand)
    library = ctypes.CDLL(None, use_errno=True)
    library.syscall.restype = ctypes.c_long
    if library.unshare(0x40000000) == 0 or library.unshare(0x50000000) == 0:
        stand.append("network namespace")
    if library.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return tuple(stand)
    if _landlock(library, folder, readable):
        stand.append("landlock")
    if _no_capabilities(library):
        stand.append("no capabilities")
    if _seccomp(library):
        stand.append("seccomp")
    return tuple(stand)


def _limits(seconds: float, memory_bytes: int) -> tuple[str, ...]:
    try:
        import resource
    except ImportError:  # Windows
        return ()
    used = resource.getrusage(resource.RUSAGE_SELF)
    cpu = int(-((used.ru_utime + used.ru_stime + seconds) // -1))
    wanted = [
        ("RLIMIT_CPU", cpu, cpu + 1),
        ("RLIMIT_FSIZE", _LARGEST_FILE, _LARGEST_FILE),
        ("RLIMIT_NOFILE", _OPEN_FILES, _OPEN_FILES),
        ("RLIMIT_NPROC", 0, 0),
        ("RLIMIT_CORE", 0, 0),
    ]
    if sys.platform == "linux":  # elsewhere it is not kept, or cannot be known
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        space = pages * resource.getpagesize() + memory_bytes
        wanted.append(("RLIMIT_AS", space, space))
    for name, soft, hard in wanted:
        resource.setrlimit(getattr(resource, name), (soft, hard))
    names = ("cpu limit", "file limit", "memory limit")
    return names if sys.platform == "linux" else names[:2]


def _landlock(library: ctypes.CDLL, folder: Path, readable: tuple[Path, ...]) -> bool:
    create, add, restrict = _LANDLOCK
    version = library.syscall(create, None, ctypes.c_size_t(0), 1)
    if version < 1:
        return False
    rights = sum(right for since, right in _FILE_RIGHTS.items() if version >= since)
    values = [rights, _TCP if version >= 4 else 0, _SCOPES if version >= 6 else 0]
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    attributes = struct.pack("=QQQ", *values)[:size]
    rules = library.syscall(create, attributes, ctypes.c_size_t(size), 0)
    if rules < 0:
        return False
    allowed = [(folder, _WRITE | (_TRUNCATE & rights))]
    allowed += [(place, _READ if os.path.isdir(place) else _READ_FILE) for place in readable]
    allowed += [(Path(device), _READ_FILE) for device in _DEVICES]
    allowed.append((Path("/dev/null"), _READ_FILE | (1 << 1)))
    for place, right in allowed:
        try:
            handle = os.open(place, os.O_PATH | os.O_CLOEXEC)
        except OSError:  # not there, or not ours to read anyway
            continue
        rule = struct.pack("=Qi", right & rights, handle)
        library.syscall(add, rules, 1, rule, 0)
        os.close(handle)
    held = library.syscall(restrict, rules, 0) == 0
    os.close(rules)
    return bool(held)


def _no_capabilities(library: ctypes.CDLL) -> bool:
    return bool(library.capset(struct.pack("=Ii", 0x20080522, 0), bytes(24)) == 0)


def _seccomp(library: ctypes.CDLL) -> bool:
    machine = _MACHINES.get(platform.machine())
    if machine is None or sys.maxsize < 2**32:
        return False
    architecture, column, call = machine
    program = _filter(architecture, column)
    code = b"".join(struct.pack("=HBBI", *line) for line in program)
    lines = ctypes.create_string_buffer(code, len(code))
    head = struct.pack("@HxxxxxxP", len(program), ctypes.addressof(lines))
    return bool(library.syscall(call, 1, 1, head) == 0)  # SET_MODE_FILTER, in every thread


def _filter(architecture: int, column: int) -> list[tuple[int, int, int, int]]:
    """Return the filter as classic BPF: (code, steps if true, steps if false, value)."""
    load, equal, at_least, give = 0x20, 0x15, 0x35, 0x06
    refuse, unknown = (give, 0, 0, 0x00050000 | _EACCES), (give, 0, 0, 0x00050000 | _ENOSYS)
    program = [
        (load, 0, 0, 4),
        (equal, 1, 0, architecture),
        refuse,
        (load, 0, 0, 0),
        (at_least, 0, 1, _X32),
        refuse,
        (at_least, 0, 1, _NEWEST + 1),
        unknown,
        (equal, 0, 1, _CLONE3),
        unknown,
    ]
    for numbers in _REFUSED.values():
        number = numbers[column]
        if number is not None:
            program += [(equal, 0, 1, number), refuse]
    # `prlimit64` may read (its third argument is null) but not set.
    program += [
        (equal, 0, 5, _PRLIMIT[column]),
        (load, 0, 0, 32),
        (equal, 0, 2, 0),
        (load, 0, 0, 36),
        (equal, 1, 0, 0),
        refuse,
        (give, 0, 0, 0x7FFF0000),
    ]
    return program


def audit_wall(folder: Path, readable: tuple[Path, ...], end: Callable[[str, str], None]) -> None:
    """Add a hook that calls `end` with the cause and what was tried, where Python code may not.

    What libraries look up in the system's own folders (``/proc``, ``/sys``, ``/etc``) is refused
    without ending: they cope. Whoever passes the hook by native code still meets the kernel.
    """
    inside = os.path.realpath(folder)
    roots = tuple(os.path.realpath(place) for place in readable) + _DEVICES
    realpath, network, process, files = os.path.realpath, _NETWORK, _PROCESS, _FILES

    def within(path: str, places: tuple[str, ...]) -> bool:
        return any(path == place or path.startswith(place + os.sep) for place in places)

    def check(path: Any, writing: bool) -> None:
        if isinstance(path, int) or path is None:
            return
        there = realpath(os.fsdecode(path))
        if within(there, (inside,)) or (not writing and within(there, roots)):
            return
        if there == "/dev/null":
            return
        if within(there, _SYSTEM):
            raise PermissionError(13, "outside of the application's folder", there)
        end("files", there)

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, mode, flags = arguments
            check(path, bool(flags & _WRITING) or (isinstance(mode, str) and mode[0] in "wax"))
        elif event in ("os.listdir", "os.scandir", "os.getxattr", "os.listxattr"):
            check(arguments[0] if arguments[0] is not None else ".", writing=False)
        elif event in ("os.mkdir", "os.rmdir"):
            end("files", event)
        elif event.startswith(network):
            end("network", event)
        elif event.startswith(process):
            end("process", event)
        elif event in files:
            for path in arguments:
                if isinstance(path, str | bytes | os.PathLike):
                    check(path, writing=True)

    sys.addaudithook(hook)
