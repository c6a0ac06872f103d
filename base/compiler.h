/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compiler attributes and the two guard macros of this project. Everything else is plain C.
 */
#ifndef BASE_COMPILER_H
#define BASE_COMPILER_H

#include <stddef.h>
#include <stdlib.h>

/* The result says whether the call worked: ignoring it does not compile. */
#define MUST_CHECK __attribute__((warn_unused_result))

/* Argument FMT is a printf format for the arguments from ARGS on (both counted from 1). */
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

#define UNUSED __attribute__((unused))

/* Run FN on the address of the local when it leaves its scope. */
#define CLEANUP(fn) __attribute__((cleanup(fn)))

/* A local `char *` (or any malloc'd pointer) that is freed when it leaves its scope. */
#define AUTO_FREE CLEANUP(cleanup_free)

/* Ownership leaves this variable: its value, and the variable becomes NULL. */
#define STEAL(pointer)                                   \
	__extension__({                                  \
		__typeof__(pointer) stolen_ = (pointer); \
		(pointer) = NULL;                        \
		stolen_;                                 \
	})

/*
 * A header that belongs to libcertferry-acme has its declarations between these two: they are exported, and C++ can
 * call them. Everything else stays inside the library.
 */
#ifdef __cplusplus
#define API_BEGIN                                          \
	_Pragma("GCC visibility push(default)") extern "C" \
	{
#define API_END \
	}       \
	_Pragma("GCC visibility pop")
#else
#define API_BEGIN _Pragma("GCC visibility push(default)")
#define API_END _Pragma("GCC visibility pop")
#endif

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

/* Defines NAME_freep(TYPE **), for CLEANUP on a local pointer released by FREE_FN. */
#define DEFINE_FREEP(name, type, free_fn)       \
	static inline void name(type **pointer) \
	{                                       \
		free_fn(*pointer);              \
		*pointer = NULL;                \
	}

static inline void cleanup_free(void *pointer)
{
	/* The address of a pointer of any type: copied through memory, so that no aliasing rule is bent. */
	void *memory = NULL;
	__builtin_memcpy(&memory, pointer, sizeof(memory));
	free(memory);
}

#endif
