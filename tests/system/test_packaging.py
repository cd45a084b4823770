#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What an administrator gets: the unit, the man pages, the default configuration, the package.

    test_packaging.py BINARY [DEB]

DEB is what script/deb built; without it the parts about the package are skipped, and so is what
needs a program that is not installed. Expectations come from the Debian policy manual, from
systemd's own judgement, and from what the program says of itself in its help.
"""
import ipaddress
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from run import Tally

TOP = Path(__file__).resolve().parents[2]
CONTRIB, MAN = TOP / "contrib", TOP / "man"
UNIT = CONTRIB / "systemd" / "stripwatch.service"
LOOKUPS = CONTRIB / "systemd" / "lookups.conf"
# Of an Internet that is open to look-ups: no network of the operator's (systemd's own words for two).
INSIDE = ("0.0.0.1 10.1.2.3 100.64.0.1 169.254.169.254 172.16.0.1 172.31.255.255 192.168.1.1 198.18.0.1 224.0.0.1 "
          "255.255.255.255 fd00::1 fe80::1 ff02::1 64:ff9b:1::a01:203").split()
OUTSIDE = "9.9.9.9 172.32.0.1 100.128.0.1 192.169.0.1 2001:4860::1 64:ff9b::808:808".split()
WORDS = {"link-local": ("169.254.0.0/16", "fe80::/64"), "multicast": ("224.0.0.0/4", "ff00::/8")}
CONFIG = CONTRIB / "debian" / "stripwatch.yaml"
EXPOSURE = 15  # tenths, of systemd-analyze security: 1.5 at most

# What the package must hold: path, mode as dpkg-deb shows it.
HOLDS = {
    "./usr/bin/stripwatch": "-rwxr-xr-x",
    "./usr/libexec/stripwatch/stripwatch-fetch": "-rwxr-xr-x",
    "./usr/libexec/stripwatch/stripwatch-feed": "-rwxr-xr-x",
    "./lib/systemd/system/stripwatch.service": "-rw-r--r--",
    "./usr/lib/sysusers.d/stripwatch.conf": "-rw-r--r--",
    "./usr/lib/tmpfiles.d/stripwatch.conf": "-rw-r--r--",
    "./etc/logrotate.d/stripwatch": "-rw-r--r--",
    "./etc/stripwatch/stripwatch.yaml": "-rw-r--r--",
    "./etc/stripwatch/conf.d/": "drwxr-xr-x",
    "./usr/share/man/man1/stripwatch.1.gz": "-rw-r--r--",
    "./usr/share/man/man5/stripwatch.yaml.5.gz": "-rw-r--r--",
    "./usr/share/man/man7/stripwatch.7.gz": "-rw-r--r--",
    "./usr/share/doc/stripwatch/copyright": "-rw-r--r--",
    "./usr/share/doc/stripwatch/changelog.gz": "-rw-r--r--",
    "./usr/share/doc/stripwatch/README.md": "-rw-r--r--",
    "./usr/share/doc/stripwatch/deploy.md": "-rw-r--r--",
    "./usr/share/doc/stripwatch/privacy.md": "-rw-r--r--",
    "./usr/share/doc/stripwatch/examples/stripwatch.yaml": "-rw-r--r--",
    "./usr/share/doc/stripwatch/examples/grafana/stripwatch.json": "-rw-r--r--",
    "./usr/share/doc/stripwatch/examples/prometheus/stripwatch.rules.yml": "-rw-r--r--",
    "./usr/share/doc/stripwatch/examples/systemd/lookups.conf": "-rw-r--r--",
    "./usr/share/doc/stripwatch/examples/systemd/outputs.conf": "-rw-r--r--",
    "./usr/share/doc/stripwatch/examples/wazuh/stripwatch_rules.xml": "-rw-r--r--",
    "./usr/share/doc/stripwatch/examples/receiver/receive.py": "-rw-r--r--",
    "./usr/share/doc/stripwatch/ecs.schema.json": "-rw-r--r--",
}
# The libraries of README.md's table, as Debian 12 names them.
NEEDS = ("libc6", "libpcap0.8", "libssl3", "zlib1g", "libzstd1", "liblz4-1", "libjansson4",
         "libsqlite3-0", "libhiredis0.14", "libpsl5", "libmaxminddb0", "libseccomp2", "libyaml-0-2")


def run(*words, **more):
    return subprocess.run([str(word) for word in words], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=300, **more)


def has(tally, program, what):
    if shutil.which(program):
        return True
    tally.skip("%s: %s is not installed" % (what, program))
    return False


# --- man pages ---

def shown(path):
    """The page as a reader sees it, without bold and hyphenation."""
    text = run("mandoc", "-Tutf8", "-Owidth=400", path).stdout
    return re.sub(".\b", "", text).replace("\u2010", "-")


def section(text, name, indent):
    """The lines below a heading, up to the next one."""
    out, inside = [], False
    for line in text.splitlines():
        if re.match(r"^ {0,%d}\S" % indent, line):
            inside = line.strip() == name
        elif inside:
            out.append(line)
    return out


def options_of_page(lines):
    found = set()
    for line in lines:
        match = re.match(r"^ {5}(?:-(\w), )?--([\w-]+)(?: (\S+))?(?:\s|$)", line)
        if match:
            found.add((match[1], match[2]))
    return found


def options_of_help(text):
    return {(match[1], match[2]) for match in
            re.finditer(r"^  (?:-(\w), |    )--([\w-]+)", text, re.MULTILINE)}


def options(tally, binary):
    page = shown(MAN / "stripwatch.1")
    for name in ("read", "watch", "check", "report", "policy", "status", "rules", "version"):
        told = options_of_help(run(binary, name, "--help").stdout)
        tally.check(len(told) > 0, "man " + name, "the help has no options")
        tally.equal("man " + name, "options", options_of_page(section(page, name, 3)), told)


def keys(tally, binary):
    page = shown(MAN / "stripwatch.yaml.5")
    told = re.findall(r"^\| `([\w.]+)`", run(binary, "check", "--keys").stdout, re.MULTILINE)
    found = [line.strip() for line in section(page, "KEYS", 0) if re.match(r"^ {5}\w+\.[\w.]+$", line)]
    tally.check(len(told) > 30, "man 5", "the table of keys is empty")
    tally.equal("man 5", "keys", found, told)


def rules(tally, binary):
    page = shown(MAN / "stripwatch.7")
    told = [line.split()[:2] for line in run(binary, "rules", "list").stdout.splitlines()[1:]]
    found = re.findall(r"^ {5}([a-z0-9-]+) \((\d{7})\)$", page, re.MULTILINE)
    tally.equal("man 7", "rules", [list(row) for row in found], told)


def man_pages(tally, binary):
    fresh = run("/usr/bin/python3", TOP / "tests/tools/man_pages.py", binary, "--check")
    tally.check(fresh.returncode == 0, "man", fresh.stdout)
    for page in sorted(MAN.iterdir()):
        if shutil.which("groff"):
            done = run("groff", "-ww", "-mandoc", "-Tutf8", "-z", page)
            tally.check(not done.stdout, "groff " + page.name, done.stdout)
    if not has(tally, "mandoc", "what the man pages show"):
        return
    for page in sorted(MAN.iterdir()):
        done = run("mandoc", "-Tlint", "-W", "warning", page)
        tally.check(done.returncode == 0, "mandoc " + page.name, done.stdout)
    options(tally, binary)
    keys(tally, binary)
    rules(tally, binary)


# --- systemd ---

def verify(tally, binary, folder):
    """The unit is without fault where the program is: nothing of this machine is touched."""
    unit = folder / "stripwatch.service"
    unit.write_text(UNIT.read_text().replace("/usr/bin/stripwatch", str(Path(binary).resolve())))
    for beside in (None, LOOKUPS):
        if beside:
            (folder / "stripwatch.service.d").mkdir()
            shutil.copy(beside, folder / "stripwatch.service.d")
        done = run("systemd-analyze", "verify", "--man=no", unit)
        ours = [line for line in done.stdout.splitlines() if "stripwatch" in line]
        tally.check(not ours, "systemd-analyze verify", "\n".join(ours))


def lookups(tally):
    """Look-ups reach the Internet and nothing inside."""
    values = re.findall(r"^IPAddressDeny=(.*)$", LOOKUPS.read_text(), re.MULTILINE)
    tally.equal("lookups.conf", "first", values[0], "")  # `any` of the unit is taken back
    nets = [ipaddress.ip_network(net) for value in values for word in value.split() for net in WORDS.get(word, (word,))]
    for text in INSIDE + OUTSIDE:
        address = ipaddress.ip_address(text)
        denied = any(address in net for net in nets if net.version == address.version)
        tally.equal("lookups.conf", "denied is %s" % text, denied, text in INSIDE)


def security(tally):
    done = run("systemd-analyze", "security", "--offline=yes", "--threshold=%d" % EXPOSURE, UNIT)
    overall = re.search(r"exposure level .*: ([\d.]+)", done.stdout)
    if not overall:
        tally.skip("systemd-analyze security: %s" % done.stdout.strip()[:120])
        return
    tally.check(done.returncode == 0, "systemd-analyze security", overall[0])


def made(tally, folder):
    """The user and the directories, below a folder."""
    (folder / "etc").mkdir()
    done = run("systemd-sysusers", "--root=%s" % folder, CONTRIB / "sysusers" / "stripwatch.conf")
    users = (folder / "etc/passwd").read_text() if done.returncode == 0 else done.stdout
    tally.check(re.search(r"^stripwatch:[^:]*:\d+:\d+:.*:/var/lib/stripwatch:/usr/sbin/nologin$", users,
                          re.MULTILINE), "sysusers", users)
    if os.geteuid() != 0:
        tally.skip("tmpfiles: only root can give directories away")
        return
    done = run("systemd-tmpfiles", "--create", "--root=%s" % folder,
               CONTRIB / "tmpfiles" / "stripwatch.conf")
    tally.check(done.returncode == 0, "tmpfiles", done.stdout)
    for name in ("run/stripwatch", "var/lib/stripwatch", "var/log/stripwatch"):
        tally.equal("tmpfiles", name, oct((folder / name).stat().st_mode & 0o777), "0o750")


def systemd(tally, binary):
    if not has(tally, "systemd-analyze", "the unit"):
        return
    with tempfile.TemporaryDirectory() as name:
        verify(tally, binary, Path(name))
        made(tally, Path(name))
    security(tally)
    lookups(tally)


# --- settings ---

def settings(tally, binary):
    done = run(binary, "check", "-c", CONFIG)
    tally.check(done.returncode == 0, "default configuration", done.stdout)
    done = run(binary, "watch", "-c", CONFIG)
    tally.equal("nothing to watch", "exit code", done.returncode, 2)
    tally.check("no interface given" in done.stdout, "nothing to watch", done.stdout)
    unit, config = UNIT.read_text(), CONFIG.read_text()
    writes = re.findall(r"(?:state|path|dir|socket): (/\S+)", config)
    homes = {"StateDirectory": "/var/lib/", "LogsDirectory": "/var/log/", "RuntimeDirectory": "/run/"}
    allowed = [home + re.search(r"^%s=(\S+)$" % key, unit, re.MULTILINE)[1] + "/"
               for key, home in homes.items()]
    tally.equal("default configuration", "paths", len(writes), 4)
    for path in writes:
        tally.check(any(path.startswith(home) for home in allowed), "default configuration",
                    "%s cannot be written under the unit" % path)
    if has(tally, "logrotate", "the logrotate file"):
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder, "stripwatch")
            text = (CONTRIB / "logrotate" / "stripwatch").read_text()
            copy.write_text(text.replace("su stripwatch stripwatch", "su root root"))
            done = run("logrotate", "-d", "-s", Path(folder, "state"), copy)
        tally.check(done.returncode == 0 and "error:" not in done.stdout, "logrotate", done.stdout)


# --- the package ---

def listing(deb):
    """path -> (mode, owner)"""
    out = {}
    for line in run("dpkg-deb", "-c", deb).stdout.splitlines():
        mode, owner, _, _, _, path = line.split(None, 5)
        out[path] = (mode, owner)
    return out


def content(tally, deb):
    files = listing(deb)
    for path, mode in HOLDS.items():
        tally.equal("package", path, files.get(path), (mode, "root/root"))
    odd = [path for path, (_, owner) in files.items() if owner != "root/root"]
    tally.check(not odd, "package", "not of root: %s" % odd)
    strange = [path for path in files if not path.startswith(("./usr/", "./etc/", "./lib/"))
               and path not in ("./", "./usr/", "./etc/", "./lib/")]
    tally.check(not strange, "package", "in odd places: %s" % strange)


def control(tally, deb):
    fields = run("dpkg-deb", "-f", deb).stdout
    depends = re.search(r"^Depends: (.*)$", fields, re.MULTILINE)[1]
    for name in NEEDS:
        tally.check(re.search(r"(^|, )%s( |,|$)" % re.escape(name), depends), "package",
                    "does not depend on %s: %s" % (name, depends))
    tally.check("systemd | systemd-sysusers" in depends, "package", depends)
    with tempfile.TemporaryDirectory() as folder:
        run("dpkg-deb", "-e", deb, folder)
        conffiles = Path(folder, "conffiles").read_text().split()
        tally.equal("package", "conffiles", sorted(conffiles),
                    ["/etc/logrotate.d/stripwatch", "/etc/stripwatch/stripwatch.yaml"])
        for script in ("postinst", "prerm", "postrm"):
            path = Path(folder, script)
            tally.check(os.access(path, os.X_OK), "package", "%s cannot be executed" % script)
            tally.check(run("sh", "-n", path).returncode == 0, "package", "%s is no script" % script)
        starts = re.findall(r"^.*\b(?:start|enable)\b.*$", Path(folder, "postinst").read_text(),
                            re.MULTILINE)
        tally.check(all("try-restart" in line or "echo" in line or line.startswith("#")
                        for line in starts), "package", "postinst starts something: %s" % starts)


def lintian(tally, deb):
    if not has(tally, "lintian", "lintian"):
        return
    done = run("lintian", "--fail-on", "error", "--allow-root", deb)
    errors = [line for line in done.stdout.splitlines() if line.startswith("E:")]
    tally.check(done.returncode == 0 and not errors, "lintian", "\n".join(errors) or done.stdout)


def package(tally, deb):
    if deb is None:
        tally.skip("the package: none given (script/deb builds it)")
        return
    if not has(tally, "dpkg-deb", "the package"):
        return
    content(tally, deb)
    control(tally, deb)
    lintian(tally, deb)


def main():
    tally = Tally()
    binary = sys.argv[1]
    man_pages(tally, binary)
    systemd(tally, binary)
    settings(tally, binary)
    package(tally, sys.argv[2] if len(sys.argv) > 2 else None)
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main())
