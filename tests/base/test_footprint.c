/* SPDX-License-Identifier: Apache-2.0 */
#include "base/footprint.h"

#include "tests/support/test.h"

#include <stdio.h>

/* Resident pages, by the kernel's account; 0 where it does not say. */
static long resident_pages(void)
{
	long size = 0, resident = 0;
	FILE *file = fopen("/proc/self/statm", "re");
	if (file == NULL)
		return 0;
	if (fscanf(file, "%ld %ld", &size, &resident) != 2)
		resident = 0;
	(void)fclose(file);
	return resident;
}

TEST(gives_back_pages_and_everything_still_works)
{
	static const char text[] = "certferry";
	long before = resident_pages();
	footprint_trim();
	long after = resident_pages();
	CHECK_STR(text, "certferry"); /* constant data and code are read from their files again */
	CHECK(before == 0 || after < before);
}

TEST_MAIN()
