# SPDX-License-Identifier: Apache-2.0
"""Debian's web servers started from the files of other systems: what the packages of Fedora, Alpine, openSUSE and FreeBSD have
where, in a view of the file system (a mount namespace) in which this is all that there is. SFTP and the commands that come in
over SSH get the same view. Needs root."""

import shutil
import subprocess
from pathlib import Path

from .processes import Child, listening
from .programs import Program
from .servers import NGINX, self_signed, write
from .sites import Sites

ETC = ("passwd", "group", "nsswitch.conf", "hosts", "mime.types", "ld.so.cache", "localtime", "ssl")  # of this machine
MODULES = "/usr/lib/apache2/modules"


TRUSTED = {"Fedora and RHEL": "/etc/pki/tls/certs/ca-bundle.crt", "Alpine": "/etc/ssl/certs/ca-certificates.crt",
           "openSUSE": "/etc/ssl/ca-bundle.pem", "FreeBSD": "/etc/ssl/cert.pem"}  # fmt: skip


def why_no_views():
    """Why no process can have a view of its own here; None where it can."""
    done = subprocess.run(["unshare", "-m", "true"], capture_output=True, text=True, check=False)
    return done.stderr.strip() if done.returncode else None


def load(*names):
    return "".join(f"LoadModule {name}_module {MODULES}/mod_{name}.so\n" for name in names)


NGINX_MAIN = """\
user www-data;
error_log {dir}/error.log notice;
pid {dir}/nginx.pid;
{outside}
events {{ worker_connections 64; }}
http {{
	access_log off;
	client_body_temp_path {dir}/tmp;
	proxy_temp_path {dir}/tmp;
	fastcgi_temp_path {dir}/tmp;
	uwsgi_temp_path {dir}/tmp;
	scgi_temp_path {dir}/tmp;
	server {{ listen 127.0.0.1:{plain} default_server; return 200; }}
{inside}
}}
"""

APACHE_MAIN = """\
ServerRoot {root}
{modules}
DefaultRuntimeDir {dir}
PidFile {dir}/apache.pid
ErrorLog {dir}/error.log
TypesConfig /etc/mime.types
ServerName main.invalid
User www-data
Group www-data
StartServers 1
Listen 127.0.0.1:{plain}
Listen 127.0.0.1:{http_port}
{inside}
"""

APACHE_BASE = ("mpm_event", "authz_core", "headers", "alias", "mime", "dir")
APACHE_PROXY = ("proxy", "proxy_http", "proxy_balancer", "lbmethod_byrequests", "slotmem_shm")

# As mod_ssl's package has it on Fedora and Alpine: a site of its own for whoever asks for no name.
SSL_CONF = """\
{modules}Listen 127.0.0.1:{port} https
<VirtualHost _default_:{port}>
SSLEngine on
SSLCertificateFile {self_signed}/fullchain.pem
SSLCertificateKeyFile {self_signed}/privkey.pem
</VirtualHost>
"""


class Layout(Sites):
    """One of LAYOUTS, by its name."""

    def __init__(self, name):
        self.name, self.layout = name, LAYOUTS[name]
        self.webserver = self.layout["webserver"]
        super().__init__("placeholder.invalid")

    def configure(self, live):
        self.tree = self.dir / "tree"
        for path in ("etc", "usr/local/etc"):
            (self.tree / path).mkdir(parents=True)
        for name in ETC:
            path = Path("/etc", name)
            if path.is_dir():
                shutil.copytree(path, self.tree / "etc" / name, symlinks=True, ignore=shutil.ignore_patterns("private"))
            elif path.exists():
                shutil.copy(path, self.tree / "etc" / name)
        self_signed(self.dir / "own", ["localhost"])
        self.trusted = TRUSTED[self.name.split(" on ")[1]]
        (self.tree / "etc/ssl/certs/ca-certificates.crt").unlink(missing_ok=True)
        (self.tree / "etc/ssl/cert.pem").unlink(missing_ok=True)
        write(self.at(self.trusted), (self.dir / "own/fullchain.pem").read_text())
        self.words = {"dir": self.dir, "port": self.port, "plain": self.plain, "http_port": self.http_port,
                      "self_signed": self.dir / "own"}  # fmt: skip
        for path in self.layout["folders"]:
            self.at(path).mkdir(parents=True, exist_ok=True)
        for path, text in self.layout["files"].items():
            write(self.at(path), text.format(**self.words))
        command = self.layout["command"].format(**self.words)
        self.argv = self.viewed(f"{command} {self.layout['foreground']}")
        self.test_command = self.viewed_line(f"{command} {self.layout['test']}")
        self.reload_command = self.viewed_line(f"{command} {self.layout['reload']}")
        self.sftp_server = write(self.dir / "sftp-server", f"#!/bin/sh\nexec {self.viewed_line('/usr/lib/openssh/sftp-server')}\n")
        self.sftp_server.chmod(0o755)

    def at(self, path):
        """Where PATH of its view is on this machine."""
        return self.tree / path.lstrip("/")

    def viewed(self, command):
        mounts = " && ".join(f"mount --bind {self.tree}{path} {path}" for path in ("/usr/local/etc", "/etc"))
        return ["unshare", "-m", "sh", "-c", f"{mounts} && exec {command}"]

    def viewed_line(self, command):
        *words, script = self.viewed(command)
        assert "'" not in script
        return " ".join(words) + f" '{script}'"

    def start(self):
        self.child = Child(self.name, self.argv, self.dir / "output.log")
        self.child.wait_ready(lambda: listening(self.plain), seconds=30)
        return self

    def entry(self, lab, **changes):
        return Program.entry(self, lab, **{"sftp_server": str(self.sftp_server), "vhosts": {"http_port": self.http_port}, **changes})

    def clear(self):
        """It has one site in all."""

    def place(self, cert):
        return self.layout["place"].format(cert=cert)


def nginx(main, inside, place, outside="", folders=(), command=f"{NGINX} -e stderr"):
    return {"webserver": "nginx", "folders": folders, "place": place, "command": f"{command} -c {main}",
            "foreground": '-g "daemon off;"', "test": "-t", "reload": "-s reload",
            "files": {main: NGINX_MAIN.replace("{inside}", inside).replace("{outside}", outside)}}  # fmt: skip


def apache(main, root, modules, inside, place, folders=(), files=()):
    text = APACHE_MAIN.replace("{root}", root).replace("{modules}", modules).replace("{inside}", inside)
    return {"webserver": "apache", "folders": folders, "place": place, "command": f"apache2 -d {root} -f {main}",
            "foreground": "-DFOREGROUND", "test": "-t", "reload": "-k graceful", "files": {main: text, **dict(files)}}  # fmt: skip


LISTEN = "Listen 127.0.0.1:{port}"

LAYOUTS = {
    "nginx on Fedora and RHEL": nginx(
        "/etc/nginx/nginx.conf", "\tinclude /etc/nginx/conf.d/*.conf;", "/etc/nginx/conf.d/{cert}.conf",
        folders=["/etc/nginx/conf.d", "/etc/nginx/default.d"]),
    "nginx on Alpine": nginx(
        "/etc/nginx/nginx.conf", "\tinclude /etc/nginx/http.d/*.conf;", "/etc/nginx/http.d/{cert}.conf",
        outside="include /etc/nginx/conf.d/*.conf;", folders=["/etc/nginx/conf.d", "/etc/nginx/http.d"]),
    "nginx on openSUSE": nginx(
        "/etc/nginx/nginx.conf", "\tinclude conf.d/*.conf;\n\tinclude vhosts.d/*.conf;", "/etc/nginx/vhosts.d/{cert}.conf",
        folders=["/etc/nginx/conf.d", "/etc/nginx/vhosts.d"]),
    "nginx on FreeBSD": nginx(
        "/usr/local/etc/nginx/nginx.conf", "\tinclude /usr/local/etc/nginx/conf.d/*.conf;",
        "/usr/local/etc/nginx/conf.d/{cert}.conf", folders=["/usr/local/etc/nginx/conf.d"]),
    "Apache on Fedora and RHEL": apache(
        "/etc/httpd/conf/httpd.conf", "/etc/httpd", "Include conf.modules.d/*.conf", "IncludeOptional conf.d/*.conf",
        "/etc/httpd/conf.d/{cert}.conf", folders=["/etc/httpd/conf.d", "/etc/httpd/conf.modules.d"],
        files={"/etc/httpd/conf.modules.d/00-base.conf": load(*APACHE_BASE),
               "/etc/httpd/conf.modules.d/00-proxy.conf": load(*APACHE_PROXY),
               "/etc/httpd/conf.modules.d/00-ssl.conf": load("ssl"),
               "/etc/httpd/conf.d/ssl.conf": SSL_CONF.replace("{modules}", "")}),
    "Apache on Alpine": apache(
        "/etc/apache2/httpd.conf", "/etc/apache2", load(*APACHE_BASE), "IncludeOptional /etc/apache2/conf.d/*.conf",
        "/etc/apache2/conf.d/vhost-{cert}.conf", folders=["/etc/apache2/conf.d"],
        files={"/etc/apache2/conf.d/proxy.conf": load(*APACHE_PROXY),
               "/etc/apache2/conf.d/ssl.conf": SSL_CONF.replace("{modules}", load("ssl"))}),
    "Apache on openSUSE": apache(
        "/etc/apache2/httpd.conf", "/etc/apache2", load(*APACHE_BASE, *APACHE_PROXY, "ssl") + LISTEN,
        "IncludeOptional conf.d/*.conf\nIncludeOptional vhosts.d/*.conf", "/etc/apache2/vhosts.d/{cert}.conf",
        folders=["/etc/apache2/conf.d", "/etc/apache2/vhosts.d"]),
    "Apache on FreeBSD": apache(
        "/usr/local/etc/apache24/httpd.conf", "/usr/local", load(*APACHE_BASE, *APACHE_PROXY, "ssl") + LISTEN,
        "Include /usr/local/etc/apache24/Includes/*.conf", "/usr/local/etc/apache24/Includes/{cert}.conf",
        files={"/usr/local/etc/apache24/Includes/no-accf.conf": "# which keeps the folder from being empty\n"}),
}  # fmt: skip
