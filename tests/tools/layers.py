# SPDX-License-Identifier: Apache-2.0
"""The layers and their arrows, as docs/layers.md draws them: written down a second time on purpose, so that an arrow added
to CMake alone is noticed.
"""

# Folder -> folders whose headers it may include, besides its own.
MAY_INCLUDE = {
    "base": [],
    "acme": ["base"],
    "config": ["base"],
    "store": ["base", "acme"],
    "transport": ["base"],
    "dns-providers": ["transport", "base"],
    "service": ["dns-providers", "transport", "store", "config", "acme", "base"],
    "cli": ["service", "dns-providers", "transport", "store", "config", "acme", "base"],
}

# CMake target -> folder, where they differ.
FOLDER_OF_TARGET = {"dns_providers": "dns-providers", "certferry": "cli"}

# A third-party library's headers -> the files that may include them (glob patterns).
LIBRARIES = {
    "curl/": ["transport/http*"],
    "ares.h": ["transport/dns*"],
    "libssh/": ["transport/ssh*.[ch]"],
    "yaml.h": ["config/yaml.c"],
    "jansson.h": ["base/json.[ch]", "acme/*"],
    "expat.h": ["dns-providers/xml.c"],
    "openssl/": ["acme/*", "base/secret.c", "transport/tls_probe.c", "transport/alpn01.c", "transport/dns_tsig.c",
                 "transport/http*", "transport/known_hosts.c", "dns-providers/sigv4.c", "dns-providers/jwt.c"],
}


def allowed(folder):
    return {folder, *MAY_INCLUDE[folder]}
