# SPDX-License-Identifier: Apache-2.0
"""The servers of the laboratory: each a real sshd and a real nginx on high ports of loopback, in a folder of its own."""

import getpass
import hashlib
import os
import re
import shutil
import socket
import ssl
import time

from .processes import Child, LabError, descendants, free_port, listening, run

NGINX, SSHD = "/usr/sbin/nginx", "/usr/sbin/sshd"

NGINX_CONF = """\
# The laboratory's nginx. A line that breaks it on purpose goes into conf.d/.
daemon off;
{user}worker_processes 1;
error_log {dir}/error.log notice;
pid {dir}/nginx.pid;
events {{ worker_connections 256; }}
http {{
	access_log {dir}/access.log;
	client_body_temp_path {dir}/tmp;
	proxy_temp_path {dir}/tmp;
	fastcgi_temp_path {dir}/tmp;
	uwsgi_temp_path {dir}/tmp;
	scgi_temp_path {dir}/tmp;
	server_names_hash_bucket_size 128;
	include {dir}/vhosts/*.conf;
	include {dir}/conf.d/*.conf;
}}
"""

TLS_VHOST = """\
server {{
	listen 127.0.0.1:{port} ssl;
	server_name {names};
	ssl_certificate {live}/fullchain.pem;
	ssl_certificate_key {live}/privkey.pem;
	location / {{ return 200 "{cert} on {server}\\n"; }}
}}
"""

PLAIN_VHOST = """\
server {{
	listen 127.0.0.1:{port} default_server;
	root {root};
}}
"""

SSHD_CONF = """\
Port {port}
ListenAddress 127.0.0.1
HostKey {dir}/host_key
PidFile {dir}/sshd.pid
AuthorizedKeysFile {authorized}
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
Subsystem sftp {sftp}
LogLevel VERBOSE
MaxStartups 200
MaxSessions 50
PrintMotd no
SetEnv HOME={dir}
"""


def write(path, text, mode=0o644):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


def self_signed(folder, names, key="privkey.pem", cert="fullchain.pem", days=30):
    """A new key and a certificate for NAMES signed by itself, with openssl."""
    kinds = ("IP" if name.replace(".", "").isdigit() else "DNS" for name in names)
    alternatives = ",".join(f"{kind}:{name}" for kind, name in zip(kinds, names))
    folder.mkdir(parents=True, exist_ok=True)
    run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
         "-keyout", folder / key, "-out", folder / cert, "-days", str(days), "-subj", f"/CN={names[0].lstrip('*.')}",
         "-addext", f"subjectAltName={alternatives}"])  # fmt: skip
    (folder / key).chmod(0o600)


class Nginx:
    def __init__(self, folder):
        self.dir, self.port, self.child = folder, free_port(), None
        for name in ("vhosts", "conf.d", "tmp"):
            (folder / name).mkdir(parents=True)
        # Workers as root too: they read below a folder that only its owner may enter.
        user = "user root root;\n" if os.geteuid() == 0 else ""
        write(folder / "nginx.conf", NGINX_CONF.format(dir=folder, user=user))

    def command(self, *more):
        return [NGINX, "-p", f"{self.dir}/", "-e", "error.log", "-c", "nginx.conf", *more]

    @property
    def test_command(self):
        return " ".join(self.command("-t"))

    @property
    def reload_command(self):
        return " ".join(self.command("-s", "reload"))

    def start(self):
        self.child = Child("nginx", self.command(), self.dir / "output.log")
        self.child.wait_ready(lambda: (self.dir / "nginx.pid").exists() and listening(self.port))

    def reload(self):
        run(self.command("-s", "reload"))
        self.settle()

    def settle(self, seconds=2):
        """A reload is only a signal: wait until it was acted on and no worker of before is left to answer."""

        def settled():
            log = (self.dir / "error.log").read_text(errors="replace")
            sent, taken = log.count("signal process started"), log.count(", reconfiguring")
            workers = len(re.findall(r"start worker process \d", log))
            return sent == taken == workers - 1 and len(descendants(self.child.process.pid)) == 1

        end = time.monotonic() + seconds
        while not settled() and time.monotonic() < end:
            time.sleep(0.01)

    def stop(self):
        if self.child:
            self.child.stop()


class Web(Nginx):
    """Serves one folder over plain HTTP: where the CA looks for http-01 files."""

    def __init__(self, folder, root):
        super().__init__(folder)
        root.mkdir(parents=True)
        self.root = root
        write(folder / "vhosts/web.conf", PLAIN_VHOST.format(port=self.port, root=root))


class Server(Nginx):
    """One deployment target."""

    def __init__(self, name, folder, client_key):
        super().__init__(folder / "nginx")
        self.name, self.home, self.live, self.sshd = name, folder, folder / "live", None
        self.ssh_port, self.user = free_port(), getpass.getuser()
        self.names = {}  # certificate -> names served with it
        ssh = folder / "sshd"
        ssh.mkdir()
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", ssh / "host_key"])
        shutil.copy(f"{client_key}.pub", ssh / "authorized_keys")
        self.ssh_dir = ssh
        self.write_sshd_config("internal-sftp")

    def serve(self, cert, names):
        """A TLS virtual host for NAMES with the certificate CERT, for now one signed by itself. Reloads if running."""
        folder = self.live / cert
        if not folder.exists():
            self_signed(folder, names)
            shutil.copy(folder / "fullchain.pem", folder / "cert.pem")
            write(folder / "chain.pem", "")
        self.names[cert] = names
        text = TLS_VHOST.format(port=self.port, names=" ".join(names), live=folder, cert=cert, server=self.name)
        write(self.dir / f"vhosts/{cert}.conf", text)
        if self.child:
            self.reload()

    def forget(self, cert):
        """No virtual host and no files of CERT any more, as on a new server."""
        self.names.pop(cert, None)
        (self.dir / f"vhosts/{cert}.conf").unlink(missing_ok=True)
        shutil.rmtree(self.live / cert, ignore_errors=True)
        if self.child and self.names:
            self.reload()

    def known_hosts_line(self):
        kind, key = (self.ssh_dir / "host_key.pub").read_text().split()[:2]
        return f"[127.0.0.1]:{self.ssh_port} {kind} {key}\n"

    def write_sshd_config(self, sftp, more=""):
        text = SSHD_CONF.format(port=self.ssh_port, dir=self.ssh_dir, authorized=self.ssh_dir / "authorized_keys", sftp=sftp)
        # sshd takes what it reads first: what MORE says for everybody goes in place of the laboratory's own.
        said = {line.split()[0] for line in more.partition("Match ")[0].splitlines() if line.strip()}
        own = [line for line in text.splitlines(keepends=True) if line.split()[0] not in said]
        write(self.ssh_dir / "sshd_config", "".join(own) + more)

    def use_sftp(self, command):
        """From now on COMMAND is the SFTP server."""
        self.write_sshd_config(command)
        if self.sshd:
            self.stop_ssh()
            self.start_ssh()

    def rule_ssh(self, rules=""):
        """From now on these lines of sshd_config, which may begin with Match, hold beside the laboratory's own."""
        self.stop_ssh()
        self.write_sshd_config("internal-sftp", rules)
        self.start_ssh()

    def start_ssh(self):
        if os.geteuid() == 0:
            os.makedirs("/run/sshd", mode=0o755, exist_ok=True)  # sshd insists on its privilege separation folder
        argv = [SSHD, "-D", "-e", "-f", str(self.ssh_dir / "sshd_config")]
        self.sshd = Child(f"sshd of {self.name}", argv, self.ssh_dir / "sshd.log")
        self.sshd.wait_ready(lambda: listening(self.ssh_port))

    def stop_ssh(self):
        if self.sshd:
            self.sshd.stop()
            self.sshd = None

    def start(self):
        self.live.mkdir(exist_ok=True)
        if not self.names:
            self.serve("placeholder.invalid", ["placeholder.invalid"])
        super().start()
        self.start_ssh()

    def stop(self):
        self.stop_ssh()
        super().stop()

    def break_nginx(self, text="this_is_no_directive on;"):
        """From now on `nginx -t` fails here, and says this."""
        write(self.dir / "conf.d/broken.conf", text + "\n")

    def mend_nginx(self):
        (self.dir / "conf.d/broken.conf").unlink(missing_ok=True)

    def tree(self):
        """Each path below live/ with what any write would change: to tell that nothing was touched."""
        found = {}
        for folder, folders, files in os.walk(self.live):
            for name in [".", *folders, *files]:
                path = os.path.join(folder, name)
                info = os.lstat(path)
                found[path] = (info.st_ino, info.st_mode, info.st_size, info.st_mtime_ns, info.st_ctime_ns)
        return found

    def give_to(self, name):
        """The folder of live files and everything in it belongs to the user NAME."""
        for folder, folders, files in os.walk(self.live):
            for path in [folder, *(os.path.join(folder, inside) for inside in [*folders, *files])]:
                if not os.path.islink(path):
                    shutil.chown(path, name, name)

    # What a client sees.

    def handshake(self, server_name, root=None):
        """The leaf (DER) seen by an independent TLS handshake; with ROOT (a PEM file) the chain and name are verified."""
        self.settle()
        context = ssl.create_default_context(cafile=root) if root else ssl._create_unverified_context()
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as raw:
            with context.wrap_socket(raw, server_hostname=server_name) as tls:
                return tls.getpeercert(binary_form=True)

    def fingerprint(self, server_name):
        return hashlib.sha256(self.handshake(server_name)).hexdigest()

    def ssh_sessions(self):
        """How often somebody logged in here."""
        return (self.ssh_dir / "sshd.log").read_text(errors="replace").count("Accepted publickey")


def need_programs():
    missing = [path for path in (NGINX, SSHD) if not os.access(path, os.X_OK)]
    missing += [name for name in ("pebble", "openssl", "ssh-keygen") if shutil.which(name) is None]
    if missing:
        raise LabError(f"not installed: {', '.join(missing)} (packages pebble, nginx, openssh-server, openssl)")
