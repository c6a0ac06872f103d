/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every limit on what an outsider can make us do, in one place, each with its reason. Tested at the cap and one above.
 */
#ifndef BASE_LIMITS_H
#define BASE_LIMITS_H

enum {
	/* HTTP: a CA's answers are a few KiB; these leave room for a hundred names and stop a bomb. */
	LIMIT_HTTP_HEADERS_TOTAL = 64 * 1024,
	LIMIT_HTTP_HEADER = 16 * 1024,
	LIMIT_HTTP_HEADER_COUNT = 100,
	LIMIT_HTTP_REDIRECTS = 3,
	LIMIT_URL = 2048,
	LIMIT_TRUST_BUNDLE = 8 * 1024 * 1024, /* a system's CA bundle is a quarter of a MiB */
	LIMIT_HTTP_HOST_CACHE = 32,           /* hosts whose addresses one client remembers */

	/* JSON: jansson recurses, so depth is capped before it sees the text. */
	LIMIT_JSON_BODY = 256 * 1024,
	LIMIT_JSON_DEPTH = 16,
	LIMIT_JSON_ARRAY = 1000,
	LIMIT_JSON_STRING = 64 * 1024,

	/* ACME */
	LIMIT_CHAIN_BODY = 256 * 1024,
	LIMIT_CHAIN_CERTIFICATES = 10,
	LIMIT_CSR =
		32 * 1024,    /* DER: a hundred names are 5 KiB; as base64url it has to fit a renewal record's string */
	LIMIT_ALTERNATES = 8, /* chains looked at for a preferred one; CAs offer one or two */
	LIMIT_IDENTIFIERS = 1000,     /* names in one order: far above every CA's own limit of 100 */
	LIMIT_POLLS_PER_ORDER = 120,  /* and the deadline, whichever comes first */
	LIMIT_BAD_NONCE_RETRIES = 16, /* at a CA that rejects every second nonce: one request in 130,000 fails */
	LIMIT_ORDER_PAGES = 50,       /* of an account's list of orders, which is only counted */
	LIMIT_NONCE = 512,
	LIMIT_NONCE_POOL = 32,
	LIMIT_PROFILES = 64,      /* a CA offers a handful */
	LIMIT_PROFILE_NAME = 255, /* what a renewal record holds */
	LIMIT_TOKEN_MIN = 16,
	LIMIT_TOKEN_MAX = 128,
	LIMIT_PARALLEL_REQUESTS = 8,            /* reads and posts of one order that are in flight together */
	LIMIT_RETRY_AFTER_FAILURE = 24 * 3600,  /* longest wait honoured across runs after a failure, seconds */
	LIMIT_RETRY_AFTER_RATE = 7 * 24 * 3600, /* the same for 429 and 503 */
	LIMIT_ARI_RETRY_LEAST = 60,             /* RFC 9773 section 4.3.2: what Retry-After may ask for, seconds */
	LIMIT_ARI_RETRY_MOST = 24 * 3600,
	LIMIT_ARI_RETRY_LATER = 6 * 3600,        /* section 4.3.3: after a lasting failure, or without Retry-After */
	LIMIT_ARI_OFFERED_LATER = 7 * 24 * 3600, /* until a CA without renewal information is looked at again */
	LIMIT_ARI_EXPLANATION = 2047,            /* of the CA's reason, bytes */
	LIMIT_ORDERS_PER_DAY =
		10, /* that runs place for one certificate; five of one set of names a week is one CA's limit */
	LIMIT_REFUSALS_PER_HOUR = 5,      /* failed validations of one certificate: what one CA allows */
	LIMIT_ACCOUNTS_PER_DAY = 2,       /* made at one CA: ten in three hours from one address is one CA's limit */
	LIMIT_WAIT_SANE = 30 * 24 * 3600, /* a stored time to wait for that is further off comes of a wrong clock */
	LIMIT_CLOCK_WARNING = 300,        /* seconds of difference to the CA's clock that are worth a warning */
	LIMIT_CLOCK_OFFSET = 3600, /* seconds that our clock and the CA's may differ by before every failure says so */

	/* DNS */
	LIMIT_DNS_MESSAGE = 64 * 1024,
	LIMIT_DNS_CNAME_HOPS = 8,
	LIMIT_DNS_NAMESERVERS = 16,
	LIMIT_DNS_TXT_STRINGS = 256,
	LIMIT_SSH_HOPS = 8,          /* jump hosts before one server */
	LIMIT_SSH_KEYS = 8,          /* tried for one login: servers cut off after six, by default */
	LIMIT_SSH_CERTIFICATES = 16, /* one named and one beside it for each key */
	LIMIT_KNOWN_HOSTS_FILES = 8, /* the user's, and as many of the system's */
	LIMIT_HOST_ADDRESSES = 32,   /* of one server: each gets its share of the time to connect */
	LIMIT_ISSUE_VALUE = 4096,    /* of CAA and dns-persist-01 records: a name and two URLs are some 500 bytes */
	LIMIT_ISSUE_PARAMETERS = 32, /* three are defined */
	LIMIT_PERSIST_ISSUERS = 10,  /* the drafts' own limit */
	LIMIT_CAA_QUESTIONS = 1024,  /* names looked at for one certificate: a hundred names have some 250 above them */
	LIMIT_CAA_IDENTITIES = 32,   /* names a CA says it goes by; the rest is passed over */

	/* Responders of our own, which the whole Internet may talk to: a CA needs a dozen short connections at once */
	LIMIT_RESPONDER_CONNECTIONS = 256,
	LIMIT_RESPONDER_MS = 5000,           /* one connection, from its first byte to its last */
	LIMIT_RESPONDER_REQUEST = 8 * 1024,  /* the head of an HTTP request */
	LIMIT_RESPONDER_IGNORED = 64 * 1024, /* bytes read and dropped behind an answer, so that it arrives */
	LIMIT_RESPONDER_ANSWERS = 10 * 1000, /* names being validated at once: ten orders of the largest size */

	/* SSH, SFTP and the courier's messages */
	LIMIT_REMOTE_OUTPUT = 64 * 1024,
	LIMIT_REMOTE_COMMAND = 20 * 1024, /* a command of the config, quoted for a shell */
	LIMIT_SFTP_PACKET = 256 * 1024,
	LIMIT_REMOTE_FILE = 1024 * 1024, /* a PEM file read back from a server */
	LIMIT_REMOTE_NAMES = 4096,       /* entries of one remote directory that are looked at */
	LIMIT_IPC_MESSAGE = 512 * 1024,
	LIMIT_IPC_FRAME = 64 * 1024,          /* one datagram; the kernel's default socket buffer holds some 200 KiB */
	LIMIT_LOOKS = 64,                     /* handshakes at once, to see what servers serve */
	LIMIT_LOOK_UPS = 128,                 /* names that the system looks up, waited for or not any more */
	LIMIT_LOOK_MS = 3000,                 /* one of them: whoever looks is waiting for it */
	LIMIT_PARALLEL_SERVERS = 200,         /* that may be deployed to at once: three descriptors and 2 MiB each */
	LIMIT_COURIERS = 26,                  /* at once, with those that are waited for, unless `parallel` is more */
	LIMIT_COURIER_JOB = 64 * 1024 * 1024, /* a job or report in its frames: thousands of certificates */
	LIMIT_COURIER_CERTIFICATES = 10 * 1000,
	LIMIT_COURIER_PLACES = 16,   /* where a virtual host may go */
	LIMIT_COURIER_SIGHTS = 256,  /* handshakes that one courier makes for whoever looks */
	LIMIT_COURIER_COPIES = 16,   /* extra copies of one certificate's files */
	LIMIT_PKCS12 = 512 * 1024,   /* key and chain in one; their own limits leave less */
	LIMIT_PUBLISHED_FILE = 1024, /* a key authorization has 172 bytes at most */

	/* What is said before TLS begins: a list of capabilities is one long line, or a dozen short ones */
	LIMIT_STARTTLS_LINE = 2048,
	LIMIT_STARTTLS_LINES = 100,
	LIMIT_STARTTLS_WORDS = 512, /* ours: a stream's beginning with a host's name */

	/* The user's own programs: what they say goes into errors and logs, where nobody reads more */
	LIMIT_EXEC_OUTPUT = 64 * 1024,
	LIMIT_HOOK_LINE = 16 * 1024,    /* a shell line that a renewal record keeps */
	LIMIT_HOOK_OUTPUT = 4 * 1024,   /* of a hook's output in a result */
	LIMIT_HOOK_FOLDER = 100,        /* hooks in one folder */
	LIMIT_HOOK_DOMAINS = 16 * 1000, /* bytes of names in one variable: certbot's own limit */

	/* Files of ours and the user's */
	LIMIT_CONFIG_FILE = 4 * 1024 * 1024,
	LIMIT_CONFIG_DEPTH = 16,                   /* the vocabulary nests six deep */
	LIMIT_CONFIG_NODES = 1000 * 1000,          /* values after aliases are resolved: some 100,000 domains */
	LIMIT_CONFIG_TEXT = 2 * LIMIT_CONFIG_FILE, /* bytes of all values, escapes and ${…} resolved */
	LIMIT_CONFIG_VALUE = 256 * 1024,           /* one value, ${…} resolved */
	LIMIT_CONFIG_ANCHORS = 1000,
	LIMIT_CONFIG_ISSUES = 1000,          /* more than anybody reads; the total is still told */
	LIMIT_STATE_FILE = 10 * 1024 * 1024, /* a certificate of 1000 servers that all failed: 8 KiB each at the most */
	LIMIT_KEY_FILE = 64 * 1024,
	LIMIT_CREDENTIAL_FILE = 64 * 1024,
	LIMIT_PATH = 4096,

	/* DNS providers: a zone's page of records is larger than a CA's answer */
	LIMIT_PROVIDER_BODY = 1024 * 1024,
	LIMIT_PROVIDER_PAGES = 200,

	/* XML of AWS: six deep; a page of a hundred zones has some thousand elements */
	LIMIT_XML_DEPTH = 16,
	LIMIT_XML_ELEMENTS = 20 * 1000,
	LIMIT_XML_PATH = 1024,
	LIMIT_XML_TEXT = 128 * 1024, /* all open elements; a record set has 32,000 characters */
};

#endif
