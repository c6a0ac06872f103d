/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process's resident memory.
 */
#ifndef BASE_FOOTPRINT_H
#define BASE_FOOTPRINT_H

/*
 * Give back the pages of program and libraries that only starting up has touched. They are clean pages of files: what
 * is needed after all is mapped again when it is. Call once, early in main(). Cannot fail: where the kernel does not
 * help, the pages stay.
 */
void footprint_trim(void);

#endif
