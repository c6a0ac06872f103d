/* SPDX-License-Identifier: Apache-2.0 */
/* What a transcript's CA sends for @{chain} and @{other-chain}. */
#ifndef TESTS_ACME_SUPPORT_TRANSCRIPT_CHAINS_H
#define TESTS_ACME_SUPPORT_TRANSCRIPT_CHAINS_H

/* A leaf that nobody checks here. */
static const char chain_pem[] = "-----BEGIN CERTIFICATE-----\n"
				"MIIBQzCB66ADAgECAgUAh2VDITAKBggqhkjOPQQDAjAVMRMwEQYDVQQDEwpFeGFt\n"
				"cGxlIENBMCIYDzAwMDEwMTAxMDAwMDAwWhgPMDAwMTAxMDEwMDAwMDBaMBYxFDAS\n"
				"BgNVBAMTC2V4YW1wbGUuY29tMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEeBZu\n"
				"7cbpAYNXZLbbh8rNIzuOoqOOtmxA1v7cRm//AwyMwWxyHz4zfwmBhcSrf47NUAFf\n"
				"qzLQ2PPQxdTXREYEnKMjMCEwHwYDVR0jBBgwFoAUaYhba4dGQEHhs3uEe6CuLN4B\n"
				"yNQwCgYIKoZIzj0EAwIDRwAwRAIge09+S5TZAlw5tgtiVvuERV6cT4mfutXIlwTb\n"
				"+FYN/8oCIClDsqBklhB9KAelFiYt9+6FDj3z4KGVelYM5MdsO3pK\n"
				"-----END CERTIFICATE-----\n";

/* Another one, of "Other CA". */
static const char other_chain_pem[] = "-----BEGIN CERTIFICATE-----\n"
				      "MIIBEjCBuQIBTTAKBggqhkjOPQQDAjATMREwDwYDVQQDDAhPdGhlciBDQTAgFw0y\n"
				      "NjExMjUwMDU0MThaGA8yMTA5MDExMzAwNTQxOFowFjEUMBIGA1UEAwwLZXhhbXBs\n"
				      "ZS5jb20wWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAARe/MvcwCnqmGNIfUTnlOZR\n"
				      "5UZChZpcVKbyHZNlBDQY7PFxJ068mH+lmlHn3T2s6I//cp9vHG57V8GyTA+9Lhav\n"
				      "MAoGCCqGSM49BAMCA0gAMEUCIEW76ZUngaFz7UOqJXgXOhEfpqih2UgPBnL4/CMy\n"
				      "v5GFAiEA7Am7OrUI4LfxIoXi8JX54MzhIVTeH9U6D7t0UdmY+Wc=\n"
				      "-----END CERTIFICATE-----\n";

const char *const transcript_chain_pem = chain_pem;

#endif
