/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A profile's `credential_process`: a program that prints keys (IAM Roles Anywhere, password managers, single sign-on
 * of a company's own). Source: https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html
 */
#ifndef DNS_PROVIDERS_AWS_PROCESS_H
#define DNS_PROVIDERS_AWS_PROCESS_H

#include "base/str.h"
#include "dns-providers/aws_message.h"

/*
 * The words of LINE as AWS's own tools take it apart: blanks separate, quotes of both kinds hold together, a backslash
 * takes what follows as it is (within '' it is itself). No shell looks at it. False, ERROR_CONFIG, for a quote without
 * its end or no word at all.
 */
MUST_CHECK bool aws_process_split(const char *line, struct str_list *ret_words, struct error *err);

/*
 * Run LINE, the credential_process of PROFILE, and read its keys. The program is named by its absolute path, gets HOME
 * and AWS's variables that say where files and which region, and nothing else of our environment. What it printed is in
 * no error.
 */
MUST_CHECK bool aws_process_keys(const char *profile, const char *line, struct deadline deadline, struct aws_keys *ret,
				 struct error *err);

#endif
