# SPDX-License-Identifier: Apache-2.0
"""The other kinds of servers that certificates are deployed to: each the distribution's own program, in the foreground, with
a config, ports and data in a folder of its own. They need root, as their packages do: most of them give up their rights.
"""

import hashlib
import imaplib
import os
import poplib
import shutil
import smtplib
import socket
import ssl
import subprocess
import tempfile
import time
from pathlib import Path

from .processes import Child, free_port, listening, run
from .servers import self_signed, write

PGBIN = max(Path("/usr/lib/postgresql").glob("*/bin"), default=Path("/usr/lib/postgresql"))


def connect(port):
    return socket.create_connection(("127.0.0.1", port), timeout=5)


def leaf(tls):
    return hashlib.sha256(tls.getpeercert(binary_form=True)).hexdigest()


class Program:
    """One of them, serving CERT, which is in a folder of its own or in LIVE. The word for it in the config is `webserver`;
    breaking its config makes its own test fail and say BROKEN."""

    webserver, packages, broken, combined = None, (), None, False

    def __init__(self, cert, live=None):
        # Not below the laboratory's folder: programs that give up their rights could not enter it.
        self.dir = Path(tempfile.mkdtemp(prefix=f"certferry-{self.webserver}-"))
        self.dir.chmod(0o755)
        self.cert, self.live, self.port, self.child = cert, live or self.dir / "live", free_port(), None
        if live is None:
            self_signed(self.live / cert, [cert])
        if self.combined:
            text = "".join((self.live / cert / name).read_text() for name in ("fullchain.pem", "privkey.pem"))
            write(self.live / cert / "combined.pem", text, 0o600)
        self.configure(self.live / cert)

    def entry(self, lab, **changes):
        """Its entry under servers:, reached by the sshd of the laboratory's first server."""
        entry = lab.server_entry(next(iter(lab.servers.values())))
        entry.update(webserver=self.webserver, dir=str(self.live), test_command=self.test_command,
                     reload_command=self.reload_command, verify={"address": "127.0.0.1", **self.verify})  # fmt: skip
        entry.update(changes)
        return {key: value for key, value in entry.items() if value is not None}

    @property
    def verify(self):
        return {"port": self.port}

    def start(self):
        self.child = Child(self.webserver, self.argv, self.dir / "output.log")
        self.child.wait_ready(lambda: listening(self.port), seconds=30)
        return self

    def stop(self):
        if self.child:
            self.child.stop()
        shutil.rmtree(self.dir, ignore_errors=True)

    def break_config(self):
        with open(self.config, "a", encoding="utf-8") as file:
            file.write(f"\n{self.broken}\n")

    def mend_config(self):
        self.config.write_text(self.config.read_text().replace(f"\n{self.broken}\n", ""))

    def ways(self):
        """Each way of seeing its certificate: what `verify` says, and a client that looks by itself."""
        return [(self.verify, self.fingerprint)]

    def speak(self, raw):
        """What is said before TLS."""

    def fingerprint(self):
        """SHA-256 of the leaf that a client of its protocol sees."""
        with connect(self.port) as raw:
            self.speak(raw)
            return self.over_tls(raw)

    def over_tls(self, raw):
        context = ssl._create_unverified_context()
        with context.wrap_socket(raw, server_hostname=self.cert) as tls:
            return leaf(tls)

    def settled(self, wanted, seconds=5):
        """Whether WANTED is served, at the latest when a reload that is only a signal was acted on."""
        end = time.monotonic() + seconds
        while self.fingerprint() != wanted and time.monotonic() < end:
            time.sleep(0.05)
        return self.fingerprint() == wanted


class Apache(Program):
    webserver, packages, broken = "apache", ("apache2",), "ThisIsNoDirective on"

    def configure(self, live):
        modules = "".join(f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n"
                          for name in ("mpm_event", "authz_core", "ssl"))  # fmt: skip
        self.config = write(self.dir / "apache.conf", f"""\
{modules}ServerRoot {self.dir}
DefaultRuntimeDir {self.dir}
PidFile {self.dir}/apache.pid
ErrorLog {self.dir}/error.log
ServerName {self.cert}
User www-data
Group www-data
StartServers 1
Listen 127.0.0.1:{self.port}
SSLEngine on
SSLCertificateFile {live}/fullchain.pem
SSLCertificateKeyFile {live}/privkey.pem
""")  # fmt: skip
        command = f"apache2 -d {self.dir} -f {self.config}"
        self.argv = [*command.split(), "-DFOREGROUND"]
        self.test_command, self.reload_command = f"{command} -t", f"{command} -k graceful"


class Haproxy(Program):
    webserver, packages, broken, combined = "haproxy", ("haproxy",), "thisisnokeyword", True

    def configure(self, live):
        self.config = write(self.dir / "haproxy.cfg", f"""\
defaults
	mode http
	timeout connect 5s
	timeout client 5s
	timeout server 5s
frontend tls
	bind 127.0.0.1:{self.port} ssl crt {live}/combined.pem
	http-request return status 200
""")  # fmt: skip
        pid = self.dir / "pid"
        self.argv = ["haproxy", "-W", "-f", str(self.config), "-p", str(pid)]
        self.test_command, self.reload_command = f"haproxy -c -f {self.config}", f"kill -USR2 $(cat {pid})"


class Postfix(Program):
    webserver, packages, broken = "postfix", ("postfix",), "inet_protocols = nonsense"

    def configure(self, live):
        self.smtps = free_port()
        (self.dir / "queue").mkdir()
        (self.dir / "data").mkdir()
        shutil.chown(self.dir / "data", "postfix")
        write(self.dir / "etc/master.cf", f"""\
127.0.0.1:{self.port} inet n - n - - smtpd
127.0.0.1:{self.smtps} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
tlsmgr unix - - n 1000? 1 tlsmgr
anvil unix - - n - 1 anvil
proxymap unix - - n - - proxymap
postlog unix-dgram n - n - 1 postlogd
""")  # fmt: skip
        self.config = write(self.dir / "etc/main.cf", f"""\
compatibility_level = 3.6
queue_directory = {self.dir}/queue
data_directory = {self.dir}/data
maillog_file = {self.dir}/mail.log
maillog_file_prefixes = {self.dir}
myhostname = {self.cert}
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
smtpd_tls_security_level = may
smtpd_tls_chain_files = {live}/privkey.pem, {live}/fullchain.pem
""")  # fmt: skip
        command = f"postfix -c {self.dir}/etc"
        self.argv = [*command.split(), "start-fg"]
        self.test_command, self.reload_command = f"{command} check", f"{command} reload"

    def fingerprint(self):
        with smtplib.SMTP("127.0.0.1", self.port, timeout=5) as smtp:
            smtp.starttls(context=ssl._create_unverified_context())
            return leaf(smtp.sock)

    def over_smtps(self):
        with connect(self.smtps) as raw:
            return self.over_tls(raw)

    def ways(self):
        return [*super().ways(), ({"port": self.smtps, "starttls": "none"}, self.over_smtps)]


class Dovecot(Program):
    webserver, packages, broken = "dovecot", ("dovecot-imapd", "dovecot-pop3d"), "this_is_no_setting = yes"

    def configure(self, live):
        self.imap, self.pop3 = free_port(), free_port()
        self.config = write(self.dir / "dovecot.conf", f"""\
base_dir = {self.dir}/run
log_path = {self.dir}/dovecot.log
listen = 127.0.0.1
protocols = imap pop3
ssl = yes
ssl_cert = <{live}/fullchain.pem
ssl_key = <{live}/privkey.pem
service imap-login {{
  inet_listener imap {{
    port = {self.imap}
  }}
  inet_listener imaps {{
    port = {self.port}
  }}
}}
service pop3-login {{
  inet_listener pop3 {{
    port = {self.pop3}
  }}
  inet_listener pop3s {{
    port = 0
  }}
}}
passdb {{
  driver = static
  args = nopassword=y
}}
userdb {{
  driver = static
  args = uid=nobody gid=nogroup home=/nonexistent
}}
""")  # fmt: skip
        self.argv = ["dovecot", "-F", "-c", str(self.config)]
        self.test_command, self.reload_command = f"doveconf -c {self.config} -n", f"doveadm -c {self.config} reload"

    def over_imap(self):
        with imaplib.IMAP4("127.0.0.1", self.imap) as imap:
            imap.starttls(ssl._create_unverified_context())
            return leaf(imap.sock)

    def over_pop3(self):
        pop3 = poplib.POP3("127.0.0.1", self.pop3, timeout=5)
        try:
            pop3.stls(ssl._create_unverified_context())
            return leaf(pop3.sock)
        finally:
            pop3.close()

    def ways(self):
        return [
            *super().ways(),
            ({"port": self.imap, "starttls": "imap"}, self.over_imap),
            ({"port": self.pop3, "starttls": "pop3"}, self.over_pop3),
        ]


class Postgresql(Program):
    webserver, packages, broken = "postgresql", ("postgresql",), "this_is_no_parameter = on"

    def configure(self, live):
        data = self.dir / "data"
        for folder in (data, self.live):
            folder.mkdir(exist_ok=True)
            shutil.chown(folder, "postgres", "postgres")
        for path in live.iterdir():
            shutil.chown(path, "postgres", "postgres")
        as_postgres = "runuser -u postgres --"
        run([*as_postgres.split(), PGBIN / "initdb", "-D", data, "-A", "trust", "--no-sync"], cwd="/")
        self.config = data / "postgresql.conf"
        with open(self.config, "a", encoding="utf-8") as file:
            file.write(f"""
listen_addresses = '127.0.0.1'
port = {self.port}
unix_socket_directories = '{data}'
fsync = off
ssl = on
ssl_cert_file = '{live}/fullchain.pem'
ssl_key_file = '{live}/privkey.pem'
""")  # fmt: skip
        # Another user's process is not told of our death unless it asks for it again.
        become = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--pdeathsig=TERM"]
        self.argv = [*become, str(PGBIN / "postgres"), "-D", str(data)]
        self.test_command = None
        self.reload_command = f"{as_postgres} {PGBIN}/pg_ctl -D {data} reload"

    def speak(self, raw):
        raw.sendall(b"\0\0\0\x08\x04\xd2\x16\x2f")
        assert raw.recv(1) == b"S"


class Slapd(Program):
    """OpenLDAP's. It reads its certificate when it starts, so that it is started again for the next one."""

    webserver, packages, broken, starttls = "custom", ("slapd",), "thisisnodirective on", "ldap"

    @property
    def verify(self):
        return {"port": self.port, "starttls": self.starttls, "server_name": self.cert}

    def configure(self, live):
        pid = self.dir / "pid"
        self.config = write(self.dir / "slapd.conf", f"""\
include /etc/ldap/schema/core.schema
pidfile {pid}
TLSCertificateFile {live}/fullchain.pem
TLSCertificateKeyFile {live}/privkey.pem
""")  # fmt: skip
        command = f"/usr/sbin/slapd -d 0 -f {self.config} -h ldap://127.0.0.1:{self.port}"
        self.argv = ["sh", "-c", f"while {command}; do :; done"]
        self.test_command = f"/usr/sbin/slaptest -u -f {self.config}"
        # Until the next one has written its own number.
        still_there = f'[ "$(cat {pid} 2>/dev/null || echo $old)" = "$old" ]'
        self.reload_command = f"old=$(cat {pid}) && kill $old && while {still_there}; do sleep 0.02; done"

    def fingerprint(self):
        """As OpenSSL's own client, which speaks these protocols, sees it."""
        options = ["-starttls", self.starttls, "-xmpphost", self.cert, "-servername", self.cert]
        seen = run(["openssl", "s_client", *options, "-connect", f"127.0.0.1:{self.port}"], stdin=subprocess.DEVNULL)
        begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
        der = ssl.PEM_cert_to_DER_cert(seen[seen.index(begin) : seen.index(end) + len(end)])
        return hashlib.sha256(der).hexdigest()


class Prosody(Slapd):
    """An XMPP server."""

    packages, broken, starttls = ("prosody",), "this_is_no_setting(", "xmpp"

    def configure(self, live):
        pid = self.dir / "pid"
        (self.dir / "data").mkdir()
        (self.dir / "certs").mkdir()
        self.config = write(self.dir / "prosody.cfg.lua", f"""\
run_as_root = true
pidfile = "{pid}"
data_path = "{self.dir}/data"
certificates = "{self.dir}/certs"
interfaces = {{ "127.0.0.1" }}
c2s_ports = {{ {self.port} }}
s2s_ports, http_ports, https_ports = {{}}, {{}}, {{}}
modules_enabled = {{ "tls", "saslauth" }}
modules_disabled = {{ "s2s" }}
c2s_require_encryption = true
log = {{ info = "{self.dir}/prosody.log" }}
VirtualHost "{self.cert}"
	ssl = {{ certificate = "{live}/fullchain.pem", key = "{live}/privkey.pem" }}
""")  # fmt: skip
        self.argv = ["/usr/bin/prosody", "-F", "--config", str(self.config)]
        self.test_command = f"/usr/bin/prosodyctl --config {self.config} check config"
        self.reload_command = f"kill -HUP $(cat {pid})"


# By what they are called, which is not always how the config calls their kind.
PROGRAMS = {kind.__name__.lower(): kind for kind in (Apache, Haproxy, Postfix, Dovecot, Postgresql, Slapd, Prosody)}


def missing_packages():
    """What is not installed, and whether we are root."""
    found = {"apache2": "/usr/sbin/apache2", "haproxy": "/usr/sbin/haproxy", "postfix": "/usr/sbin/postfix",
             "dovecot-imapd": "/usr/lib/dovecot/imap-login", "dovecot-pop3d": "/usr/lib/dovecot/pop3-login",
             "postgresql": PGBIN / "initdb", "slapd": "/usr/sbin/slapd", "prosody": "/usr/bin/prosody"}  # fmt: skip
    return [name for name, path in found.items() if not os.access(path, os.X_OK)]
