/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A harness that is wrong on purpose: it reads behind the input once that begins with "bad". `./dev fuzz` runs it first
 * and gives up unless it is reported, so that silence from the other harnesses means something. Not a parser of ours.
 */
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t behind = 0;
	if (size >= 3 && data[0] == 'b' && data[1] == 'a' && data[2] == 'd')
		behind = *(const volatile uint8_t *)(data + size);
	(void)behind;
	return 0;
}
