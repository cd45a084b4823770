#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""docs/deploy.md and "Deploy" of README.md, word for word, on a fresh Debian: installs, watches, alerts, is removed.

    test_deploy.py DEB [--root DIR] [--keep]

Makes a root file system with debootstrap (or takes DIR, which debootstrap made before with the packages of
BASE), installs DEB in it, reads a capture, boots it once for each way to deploy, with a network interface
whose other end is here, runs the blocks of the page, and sends a stripped session past it. Needs root and
a mirror of Debian; whatever cannot be had is skipped with a line that says so.
"""
import argparse
import ctypes
import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from run import PCAPS, Tally

TOP = Path(__file__).resolve().parents[2]
PAGE = TOP / "docs" / "deploy.md"
README = TOP / "README.md"
SUITE = "bookworm"
MIRROR = "http://deb.debian.org/debian"
BASE = "systemd,systemd-sysv,dbus,iproute2,ethtool,curl,ca-certificates"
STRIPPED = "starttls-garbled-x8-postfix"  # by its label: one downgraded session, starttls-garbled
ANOTHER = "lab-garble-x8"  # likewise, of other hosts
MACHINE = "sw-try"
# Which page, which part of it, the interface that it names, and whether the page sets that up.
PLACES = ((README, "Deploy", "eth1", False), (PAGE, "On a SPAN port", "eth1", True),
          (PAGE, "On the mail server itself", "eth0", False))
# systemd-nspawn of Debian 12 keeps these from whom it boots; the unit must not.
LANDLOCK = ("landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self")
PATIENCE = 90  # seconds for a boot and all that is done in it

# Done in the machine that is booted: what the page says, and a look behind it. `said` is asked below.
DRIVER = """#!/bin/bash
exec >/root/try/log 2>&1
cd /root
said() {{ printf '%s\\n' "$2" >"/root/try/$1"; }}
wait_for() {{ for i in $(seq 300); do [ -e "/root/try/$1" ] && return; sleep 0.1; done; }}
ip link set host0 name {interface}
{up}
printf 'log:\\n  level: debug\\n' >/etc/stripwatch/conf.d/walls.yaml
systemctl is-enabled stripwatch >/root/try/enabled-before
systemctl is-active stripwatch >/root/try/active-before
for part in {before}; do bash -ex "/root/try/$part"; said "$part.code" $?; done
touch /root/try/ready
wait_for sent
for i in $(seq 50); do grep -qs '"event_type":"smtp"' /var/log/stripwatch/eve.json && break; sleep 0.1; done
for part in {after}; do bash -ex "/root/try/$part" >"/root/try/$part.out"; said "$part.code" $?; done
journalctl -u stripwatch --no-pager >/root/try/journal
main=$(systemctl show -P MainPID stripwatch)
for pid in $main $(cat /proc/$main/task/*/children); do
    echo "$(tr '\\0' ' ' </proc/$pid/cmdline): $(grep -E '^(Uid|CapEff|NoNewPrivs|Seccomp):' /proc/$pid/status | tr '\\n\\t' '  ')"
done >/root/try/processes
mv /var/log/stripwatch/eve.json /var/log/stripwatch/eve.json.1
systemctl reload stripwatch; said reload.code $?
touch /root/try/reloaded
for i in $(seq 100); do [ -e /var/log/stripwatch/eve.json ] && break; sleep 0.1; done
said reopened "$(stat -c '%a %U' /var/log/stripwatch/eve.json)"
for child in $(cat /proc/$main/task/*/children); do
    kill -9 $child
    for i in $(seq 50); do [ "$(wc -w </proc/$main/task/$main/children)" = {children} ] && break; sleep 0.1; done
done
said after-kill "$(systemctl is-active stripwatch) $(systemctl show -P NRestarts stripwatch)"
systemctl stop stripwatch; said stop.code $?
said result "$(systemctl show -P Result stripwatch)"
systemctl disable stripwatch
rm -rf /etc/systemd/system/stripwatch.service.d /etc/stripwatch/conf.d/*
touch /root/try/done
systemctl poweroff
"""

SERVICE = """[Unit]
After=multi-user.target
[Service]
ExecStart=/bin/bash /root/try/driver
[Install]
WantedBy=multi-user.target
"""


def run(*words, **more):
    return subprocess.run([str(word) for word in words], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, stdin=subprocess.DEVNULL, **more)


def blocks(page, heading):
    """The ```sh blocks below a heading of a page."""
    text = re.search(r"^## %s\n(.*?)(?=^## |\Z)" % re.escape(heading), page.read_text(),
                     re.MULTILINE | re.DOTALL)[1]
    return re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


class Root:
    """A root file system, with what chroot(8) needs in it."""

    def __init__(self, folder):
        self.folder = folder

    def __enter__(self):
        run("mount", "-t", "proc", "proc", self.folder / "proc", check=True)
        return self

    def __exit__(self, *_):
        run("umount", self.folder / "proc")

    def shell(self, script):
        env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive",
               "LC_ALL": "C.UTF-8", "HOME": "/root"}
        return run("chroot", self.folder, "/bin/bash", "-exc", "cd /root; " + script, env=env,
                   timeout=600)

    def files(self):
        """Every path but what changes with each installation of anything."""
        out = set()
        for path, folders, names in os.walk(self.folder):
            at = os.path.normpath("/" + os.path.relpath(path, self.folder))
            folders[:] = [name for name in folders if os.path.join(at, name) not in
                          ("/proc", "/sys", "/var/cache", "/var/lib/apt", "/root")]
            out.update(os.path.normpath(os.path.join(at, name)) for name in folders + names)
        return out


def make_root(tally, folder):
    done = run("debootstrap", "--variant=minbase", "--include=" + BASE, SUITE, folder, MIRROR)
    if done.returncode == 0:
        return True
    tally.skip("all of it: debootstrap could not make a root: " +
               (done.stdout.strip().splitlines() or ["?"])[-1])
    return False


# --- installed, and not started ---

def install(tally, root, deb):
    shutil.copy("/etc/resolv.conf", root.folder / "etc/resolv.conf")
    for old in (root.folder / "root").glob("*.deb"):
        old.unlink()
    shutil.copy(deb, root.folder / "root")
    done = root.shell("apt-get update -qq")
    if done.returncode:
        tally.skip("all of it: apt-get update: " + done.stdout.strip()[-200:])
        return False
    for block in blocks(PAGE, "Install"):
        done = root.shell(block)
        tally.check(done.returncode == 0, "install", done.stdout[-2000:])
    links = list((root.folder / "etc/systemd/system").rglob("stripwatch*"))
    tally.check(not links, "install", "it is enabled: %s" % links)
    return done.returncode == 0


def use(tally, root):
    done = root.shell("stripwatch check -c /etc/stripwatch/stripwatch.yaml")
    tally.check(done.returncode == 0, "check", done.stdout)
    done = root.shell("stripwatch watch -c /etc/stripwatch/stripwatch.yaml")
    tally.check(done.returncode == 2 and "no interface given" in done.stdout, "watch", done.stdout)
    shutil.copy(PCAPS / STRIPPED / "input.pcap", root.folder / "root")
    done = root.shell("stripwatch read input.pcap")
    tally.equal("read", "exit code", done.returncode, 1)
    tally.check("starttls-garbled" in done.stdout, "read", done.stdout)


# --- booted ---

def frames(path):
    """Of a pcap file with microseconds, little-endian."""
    data = path.read_bytes()
    at = 24
    while at < len(data):
        length = struct.unpack_from("<I", data, at + 8)[0]
        yield data[at + 16:at + 16 + length]
        at += 16 + length


def send(interface, case):
    link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    link.bind((interface, 0))
    for frame in frames(PCAPS / case / "input.pcap"):
        link.send(frame)
        time.sleep(0.005)
    link.close()


def prepare(root, page, heading, interface, is_set_up):
    """The first blocks set up; the last one looks for alerts, when there is something to find."""
    shelf = root.folder / "root/try"
    shutil.rmtree(shelf, ignore_errors=True)
    shelf.mkdir()
    parts = ["%d.sh" % i for i in range(len(blocks(page, heading)))]
    for name, block in zip(parts, blocks(page, heading)):
        (shelf / name).write_text(block)
    up = "" if is_set_up else "ip link set %s up" % interface
    (shelf / "driver").write_text(DRIVER.format(interface=interface, up=up, children=4,
                                                before=" ".join(parts[:-1]), after=parts[-1]))
    units = root.folder / "etc/systemd/system"
    (units / "try.service").write_text(SERVICE)
    wants = units / "multi-user.target.wants"
    wants.mkdir(exist_ok=True)
    if not (wants / "try.service").is_symlink():
        (wants / "try.service").symlink_to("/etc/systemd/system/try.service")
    return shelf, parts


def wait_for(path, machine, seconds):
    until = time.monotonic() + seconds
    while not path.exists() and time.monotonic() < until and machine.poll() is None:
        time.sleep(0.1)
    return path.exists()


def boot(root, log):
    return subprocess.Popen(
        ["systemd-nspawn", "--quiet", "--directory=%s" % root.folder, "--machine=" + MACHINE,
         "--register=no", "--keep-unit", "--network-veth", "--boot",
         "--system-call-filter=" + " ".join(LANDLOCK)],
        stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)


def drive(shelf, machine):
    """False: it did not even boot."""
    if not wait_for(shelf / "ready", machine, PATIENCE):
        return False
    outer = "ve-" + MACHINE
    run("ip", "link", "set", outer, "up")
    time.sleep(1)  # a link takes that long to be up at both ends
    send(outer, STRIPPED)
    (shelf / "sent").touch()
    if wait_for(shelf / "reloaded", machine, PATIENCE):
        send(outer, ANOTHER)  # a line for the new file
    return wait_for(shelf / "done", machine, PATIENCE)


def end(machine, powers_off):
    """Killed at once it would leave all behind that runs in it."""
    try:
        if not powers_off:
            machine.terminate()
        machine.wait(timeout=30)
    except subprocess.TimeoutExpired:
        machine.kill()
        machine.wait()


def text(shelf, name):
    path = shelf / name
    return path.read_text().strip() if path.exists() else "(nothing)"


def kernel_landlock():
    """The version of its interface; below 1: the kernel has none."""
    return ctypes.CDLL(None).syscall(444, None, 0, 1)


def judge(tally, shelf, parts, heading):
    log = text(shelf, "log")
    tally.equal(heading, "enabled before", text(shelf, "enabled-before"), "disabled")
    tally.equal(heading, "active before", text(shelf, "active-before"), "inactive")
    for part in parts:
        tally.check(text(shelf, part + ".code") == "0", heading, "block %s\n%s" % (part, log[:4000]))
    found = text(shelf, parts[-1] + ".out")
    tally.check('"rule":["starttls-garbled"]' in found, heading, "no alert: " + found[:2000])
    processes = text(shelf, "processes").splitlines()
    tally.equal(heading, "processes", len(processes), 5)
    for line in processes:
        child = "--child" in line
        tally.check(not re.search(r"Uid: 0\b", line), heading, "root: " + line)
        tally.check("NoNewPrivs: 1" in line and "Seccomp: 2" in line, heading, "no walls: " + line)
        tally.check(not child or re.search(r"CapEff: 0{16}\b", line), heading, "capable: " + line)
    landlock = re.findall(r"ready: seccomp, Landlock (\d+)", text(shelf, "journal"))
    tally.check(len(landlock) >= 4, heading, "not all are ready: %s" % landlock)
    tally.check(kernel_landlock() < 1 or "0" not in landlock, heading, "Landlock: %s" % landlock)
    tally.equal(heading, "reload", text(shelf, "reload.code"), "0")
    tally.equal(heading, "file after the reload", text(shelf, "reopened"), "600 stripwatch")
    tally.equal(heading, "after kill -9 of each child", text(shelf, "after-kill"), "active 0")
    tally.equal(heading, "stop", text(shelf, "stop.code"), "0")
    tally.equal(heading, "result", text(shelf, "result"), "success")


def deploy(tally, root, page, heading, interface, is_set_up):
    shelf, parts = prepare(root, page, heading, interface, is_set_up)
    log = tempfile.TemporaryFile("w+", errors="replace")
    machine = boot(root, log)
    try:
        good = drive(shelf, machine)
    finally:
        end(machine, powers_off=(shelf / "done").exists())
    if not good and not (shelf / "enabled-before").exists():
        log.seek(0)
        tally.skip("%s: systemd-nspawn cannot boot here: %s" % (heading, log.read()[-300:]))
        return
    tally.check(good, heading, "did not come to its end\n" + text(shelf, "log")[-2000:])
    judge(tally, shelf, parts, heading)


# --- removed ---

def remove(tally, root, before):
    done = root.shell("apt-get remove -y stripwatch")
    tally.check(done.returncode == 0, "remove", done.stdout[-1000:])
    tally.check((root.folder / "etc/stripwatch/stripwatch.yaml").exists(), "remove",
                "the configuration is gone")
    tally.check(not (root.folder / "usr/bin/stripwatch").exists(), "remove", "the program is there")
    for block in blocks(PAGE, "Remove"):
        done = root.shell(block)
        tally.check(done.returncode == 0, "purge", done.stdout[-1000:])
    left = sorted(path for path in root.files() - before if "stripwatch" in path)
    tally.check(not left, "purge", "left behind: %s" % left)
    tally.check(re.search(r"^stripwatch:", (root.folder / "etc/passwd").read_text(), re.MULTILINE),
                "purge", "the user is gone")


def try_all(tally, folder, deb):
    with Root(folder) as root:
        before = root.files()
        if not install(tally, root, deb):
            return
        use(tally, root)
    for place in PLACES:
        if shutil.which("systemd-nspawn"):
            deploy(tally, root, *place)
        else:
            tally.skip("%s: systemd-nspawn is not installed" % place[1])
    with Root(folder) as root:
        remove(tally, root, before)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("deb")
    parser.add_argument("--root", type=Path)
    parser.add_argument("--keep", action="store_true")
    args = parser.parse_args()
    tally = Tally()
    folder = args.root or Path(tempfile.mkdtemp(prefix="stripwatch-root-"))
    folder.chmod(0o755)  # or nobody but root finds its way in it
    if os.geteuid() != 0 or not shutil.which("debootstrap"):
        tally.skip("all of it: needs root and debootstrap")
    elif args.root or make_root(tally, folder):
        try_all(tally, folder, args.deb)
    if not args.root and not args.keep:
        shutil.rmtree(folder, ignore_errors=True)
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main())
