/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loading libcurl brings some twenty libraries for protocols that are never spoken here (LDAP, Kerberos, RTMP). The
 * loader touches each of them, and the kernel maps sixteen pages for every one touched: 5 of 8 MiB, held for the whole
 * run unless given back.
 */
#include "base/footprint.h"

#include <link.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

static int release_object(struct dl_phdr_info *object, size_t size, void *ctx)
{
	const uintptr_t page = *(const uintptr_t *)ctx;
	(void)size;
	for (size_t i = 0; i < object->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
		/* A writable one holds relocations and data, which the file does not have. */
		if (segment->p_type != PT_LOAD || (segment->p_flags & PF_W) != 0)
			continue;
		uintptr_t begin = object->dlpi_addr + segment->p_vaddr;
		uintptr_t end = begin + segment->p_memsz;
		begin -= begin % page;
		/* The address is the loader's own: a number until here. */
		(void)madvise((void *)begin, end - begin, MADV_DONTNEED); // NOLINT(performance-no-int-to-ptr)
	}
	return 0;
}

void footprint_trim(void)
{
	long size = sysconf(_SC_PAGESIZE);
	uintptr_t page = size > 0 ? (uintptr_t)size : 0;
	if (page != 0)
		(void)dl_iterate_phdr(release_object, &page);
}
