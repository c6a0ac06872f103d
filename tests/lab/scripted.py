# SPDX-License-Identifier: Apache-2.0
"""A small laboratory around the scripted ACME server: no DNS, no servers to deploy to, one web root.

    with Scripted() as lab:
        lab.server.cue(Fault(...))
        product = lab.product(["www.ferry.test"])
        print(product.run("apply"))
"""

import shutil
import tempfile
from pathlib import Path

from fakes.acme_server import AcmeServer, seen_in

from .product import Product


class Scripted:
    def __init__(self):
        self.dir = Path(tempfile.mkdtemp(prefix="certferry-scripted-"))
        self.webroot = self.dir / "www"
        self.webroot.mkdir()
        self.server = AcmeServer(self.dir / "acme", validate=seen_in(self.webroot))
        self.products, self.keep_folder = 0, False

    def __enter__(self):
        self.server.start()
        return self

    def __exit__(self, *_):
        self.server.stop()
        if not self.keep_folder:
            shutil.rmtree(self.dir, ignore_errors=True)

    def config(self, names, **more):
        """One http-01 certificate for NAMES, called as the first of them; MORE are further keys of the config."""
        domain = {"name": names[0], "type": "standard", "webroot": str(self.webroot)}
        if len(names) > 1:
            domain["aliases"] = list(names[1:])
        provider = {"url": self.server.url, "ca_bundle": str(self.server.ca_bundle)}
        return {"ssl": {"email": "admin@ferry.test", "provider": provider, "state_dir": "state", "domains": [domain],
                        **more}}  # fmt: skip

    def product(self, names=("www.ferry.test", "ferry.test"), **more):
        """certferry with nothing stored, and a config of NAMES. The resolver answers to nobody."""
        self.products += 1
        product = Product(self.dir / f"product-{self.products}", "127.0.0.1:9", {})
        product.write_config(self.config(names, **more))
        return product

    def challenge_files(self):
        """What lies in the web root now."""
        return [path for path in self.webroot.rglob("*") if not path.is_dir()]
