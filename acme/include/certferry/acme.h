/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libcertferry-acme: an ACME (RFC 8555) engine for C programs. Fill in a `struct acme_port` (how to send a request, how
 * to wait, what time it is), make a key, open a session, register an account, obtain a certificate, check its chain:
 *
 *     acme_session_new → acme_account_register → acme_obtain_certificate → chain_parse → chain_verify
 *
 * and later, for an account, acme/keychange.h, and for a certificate, acme/revoke.h.
 *
 * docs/library.md says what is where; docs/example.c is a whole program.
 *
 * Every function that can fail returns false (or NULL) and says why in a `struct error`.
 */
#ifndef CERTFERRY_ACME_H
#define CERTFERRY_ACME_H

#include "acme/account.h"
#include "acme/account_orders.h"
#include "acme/ari.h"
#include "acme/chain.h"
#include "acme/csr.h"
#include "acme/eab.h"
#include "acme/flow.h"
#include "acme/key.h"
#include "acme/keychange.h"
#include "acme/persist.h"
#include "acme/port.h"
#include "acme/problem.h"
#include "acme/revoke.h"
#include "acme/session.h"
#include "base/log.h"

#endif
