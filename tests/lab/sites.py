# SPDX-License-Identifier: Apache-2.0
"""Web servers without a site yet: what `vhost --install` works on, each the distribution's own program in the foreground, with
the layout of its package in a folder of its own."""

import base64
import hashlib
import http.client
import http.server
import shutil
import socket
import socketserver
import ssl
import threading
import warnings

from .processes import Child, free_port, listening
from .programs import Program
from .servers import NGINX, self_signed, write


WEBSOCKET = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 section 1.3


def empty(folder):
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


class Sites(Program):
    """One of them: sites in AVAILABLE, links to them in ENABLED (None: none)."""

    link_folder, ending = "sites-enabled", ""

    def __init__(self, cert):
        self.http_port, self.plain = free_port(), free_port()
        super().__init__(cert)
        self.root = self.dir / "www"
        write(self.root / "index.html", "a file\n")
        write(self.root / ".well-known/acme-challenge/token", "the answer\n")
        (self.root / ".well-known/acme-challenge").chmod(0o755)

    def folders(self):
        home = self.dir / "slots/site"  # as fakes/sftp_server.py knows whose plan is meant
        self.available = home / ("sites-available" if self.link_folder else "conf.d")
        self.enabled = home / self.link_folder if self.link_folder else None
        for folder in filter(None, (self.available, self.enabled)):
            folder.mkdir(parents=True)

    def bring_certificate(self, lab, product, names, **changes):
        """NAMES' certificate on the server "web" of PRODUCT's config, whose keys CHANGES are, and no virtual host there."""
        self.clear()
        domain = {"name": names[0], "aliases": names[1:], "servers": ["web"]}
        entry = self.entry(lab, **changes)
        # By DNS, since the CA looks elsewhere than at this web server.
        cheap = {**entry, "test_command": "true", "reload_command": "true", "verify": False}
        product.write_config(lab.config([{**domain, "dns_provider": "cloudflare"}], servers={"web": cheap}))
        run = product.run("apply")
        assert run.code == 0, run
        self.configure_product(lab, product, names, **changes)

    def configure_product(self, lab, product, names, **changes):
        domain = {"name": names[0], "aliases": names[1:], "servers": ["web"], "webroot": str(self.root)}
        product.write_config(lab.config([domain], servers={"web": self.entry(lab, **changes)}))

    def start(self):
        self.child = Child(self.webserver, self.argv, self.dir / "output.log")
        self.child.wait_ready(lambda: listening(self.plain), seconds=30)
        return self

    def file(self, cert):
        return self.available / f"{cert}{self.ending}"

    def link(self, cert):
        return self.enabled / f"{cert}{self.ending}" if self.enabled else None

    def clear(self):
        for folder in filter(None, (self.available, self.enabled)):
            empty(folder)
        self.mend_config()

    def entry(self, lab, **changes):
        vhosts = {"available": str(self.available), "http_port": self.http_port}
        if self.enabled:
            vhosts["enabled"] = str(self.enabled)
        return super().entry(lab, **{"vhosts": vhosts, **changes})

    # What a client sees.

    def request(self, name, path="/", tls=True, headers=(), method="GET", body=None):
        """(status, headers, body) of one request for NAME."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port if tls else self.http_port, timeout=5)
        if tls:
            raw = socket.create_connection(("127.0.0.1", self.port), timeout=5)
            connection.sock = ssl._create_unverified_context().wrap_socket(raw, server_hostname=name)
        try:
            connection.request(method, path, body, headers={"Host": name, **dict(headers)})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read().decode()
        finally:
            connection.close()

    def handshake(self, name, oldest=None, newest=None, protocols=()):
        """(version, application protocol) agreed on, by a client of no more than these abilities."""
        context = ssl._create_unverified_context()
        context.set_ciphers("ALL:@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of old versions, which are tried on purpose
            if oldest:
                context.minimum_version = oldest
            if newest:
                context.maximum_version = newest
        if protocols:
            context.set_alpn_protocols(protocols)
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as raw:
            with context.wrap_socket(raw, server_hostname=name) as tls:
                return tls.version(), tls.selected_alpn_protocol()


class NginxSites(Sites):
    webserver, packages, broken = "nginx", (), "this_is_no_directive on;"

    def configure(self, live):
        self.folders()
        self.config = write(self.dir / "nginx.conf", f"""\
daemon off;
user www-data;
error_log {self.dir}/error.log notice;
pid {self.dir}/nginx.pid;
events {{ worker_connections 64; }}
http {{
	access_log off;
	client_body_temp_path {self.dir}/tmp;
	proxy_temp_path {self.dir}/tmp;
	fastcgi_temp_path {self.dir}/tmp;
	uwsgi_temp_path {self.dir}/tmp;
	scgi_temp_path {self.dir}/tmp;
	server {{ listen 127.0.0.1:{self.plain}; return 200; }}
	include {self.enabled}/*;
}}
""")  # fmt: skip
        command = f"{NGINX} -p {self.dir}/ -e error.log -c nginx.conf"
        self.argv = command.split()
        self.test_command, self.reload_command = f"{command} -t", f"{command} -s reload"


class ApacheSites(Sites):
    webserver, packages, broken, ending = "apache", ("apache2",), "ThisIsNoDirective on", ".conf"

    def configure(self, live):
        self.folders()
        modules = "".join(f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n"
                          for name in ("mpm_event", "authz_core", "ssl", "headers", "alias", "mime", "dir", "http2",
                                       "proxy", "proxy_http", "proxy_balancer", "lbmethod_byrequests",
                                       "slotmem_shm"))  # fmt: skip
        self.config = write(self.dir / "apache.conf", f"""\
{modules}ServerRoot {self.dir}
DefaultRuntimeDir {self.dir}
PidFile {self.dir}/apache.pid
ErrorLog {self.dir}/error.log
TypesConfig /etc/mime.types
ServerName main.invalid
User www-data
Group www-data
StartServers 1
Listen 127.0.0.1:{self.plain}
Listen 127.0.0.1:{self.http_port}
Listen 127.0.0.1:{self.port}
IncludeOptional {self.enabled}/*.conf
""")  # fmt: skip
        command = f"apache2 -d {self.dir} -f {self.config}"
        self.argv = [*command.split(), "-DFOREGROUND"]
        self.test_command, self.reload_command = f"{command} -t", f"{command} -k graceful"


class HaproxySites(Sites):
    webserver, packages, broken, combined = "haproxy", ("haproxy",), "thisisnokeyword", True
    link_folder, ending = None, ".cfg"

    def configure(self, live):
        self.folders()
        self.config = write(self.dir / "haproxy.cfg", f"""\
defaults
	mode http
	timeout connect 5s
	timeout client 5s
	timeout server 5s
frontend plain
	bind 127.0.0.1:{self.plain}
	http-request return status 200
""")  # fmt: skip
        pid = self.dir / "pid"
        files = f"-f {self.config} -f {self.available}"
        self.argv = ["haproxy", "-W", *files.split(), "-p", str(pid)]
        self.test_command, self.reload_command = f"haproxy -c {files}", f"kill -USR2 $(cat {pid})"


SITES = {kind.webserver: kind for kind in (NginxSites, ApacheSites, HaproxySites)}


class Upstream:
    """What is behind a web server: answers with the request it got; upgrades to a protocol that echoes one line. With FOLDER it
    has a certificate for "localhost" of its own there, and TLS; with SOCKET_PATH it is at that path instead of at a port."""

    def __init__(self, folder=None, socket_path=None):
        upstream = self
        self.count = 0
        self.server_names = set()

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                upstream.count += 1
                if self.headers.get("Upgrade") == "websocket" and "upgrade" in self.headers.get("Connection", "").lower():
                    self.send_response(101)
                    self.send_header("Upgrade", "websocket")
                    self.send_header("Connection", "Upgrade")
                    accept = hashlib.sha1((self.headers["Sec-WebSocket-Key"] + WEBSOCKET).encode())
                    self.send_header("Sec-WebSocket-Accept", base64.b64encode(accept.digest()).decode())
                    self.end_headers()
                    self.wfile.write(self.rfile.readline())
                    self.close_connection = True
                    return
                body = f"{self.path}\n{self.headers}".encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                pass

            def do_POST(self):
                body = f"{len(self.rfile.read(int(self.headers['Content-Length'])))} bytes\n".encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        class Server(http.server.ThreadingHTTPServer):
            address_family = socket.AF_UNIX if socket_path else socket.AF_INET6  # "localhost" may be either

            def server_bind(self):
                if socket_path:
                    socketserver.TCPServer.server_bind(self)
                    return
                self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
                super().server_bind()

        self.server = Server(str(socket_path) if socket_path else ("::", 0), Handler)
        self.server.handle_error = lambda *args: None  # a connection that was cut is nobody's trouble
        if socket_path:
            socket_path.chmod(0o666)
            self.url = f"unix:{socket_path}"
        else:
            self.url = f"http://127.0.0.1:{self.server.server_port}"
        if folder:
            self_signed(folder, ["localhost"])
            self.ca = folder / "fullchain.pem"
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.ca, folder / "privkey.pem")
            context.sni_callback = lambda tls, name, context: self.server_names.add(name)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
            self.url = f"https://localhost:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
