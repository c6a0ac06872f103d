/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a harness over every file of its corpus, under any compiler: the ordinary test run replays what fuzzing found.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay(const char *path)
{
	FILE *file = fopen(path, "rb");
	if (file == NULL) {
		perror(path);
		return 1;
	}
	/* Exactly as large as the content, so that a sanitizer sees the first byte read behind it. */
	size_t cap = 1 << 20, len = 0;
	unsigned char *data = malloc(cap);
	if (data != NULL)
		len = fread(data, 1, cap, file);
	(void)fclose(file);
	unsigned char *exact = malloc(len ? len : 1);
	if (data == NULL || exact == NULL)
		return 1;
	memcpy(exact, data, len);
	free(data);
	(void)LLVMFuzzerTestOneInput(exact, len);
	free(exact);
	return 0;
}

int main(int argc, char **argv)
{
	int failed = 0, run = 0;
	for (int i = 1; i < argc; i++) {
		DIR *dir = opendir(argv[i]);
		if (dir == NULL) {
			failed += replay(argv[i]);
			run++;
			continue;
		}
		for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
			char path[4096];
			if (entry->d_name[0] == '.')
				continue;
			(void)snprintf(path, sizeof(path), "%s/%s", argv[i], entry->d_name);
			failed += replay(path);
			run++;
		}
		(void)closedir(dir);
	}
	printf("%d passed, %d failed\n", run - failed, failed);
	return failed != 0 || run == 0;
}
