/* A disk that fails, put between a program and the C library by LD_PRELOAD (disk_fault.c).
 *
 * Counts the calls that write or flush the files of a store from the moment that the program arms it,
 * and at the n-th does what FAULT says. It also keeps the images that a disk would have after the
 * power failed at that moment: of each file all that was flushed, and of what was written since, some
 * sectors and others not.
 *
 * Environment: FAULT  "exit"    ends the process before the n-th call (n = 0: never)
 *                     "ENOSPC"  fails the n-th call and FAULT_MORE further ones so; also "EIO"
 *                     "short"   writes half of the n-th (a flush fails with EIO)
 *              FAULT_AT n, FAULT_MORE, FAULT_SEED of the choice of sectors,
 *              FAULT_IMAGE the folder to keep the images in, or none. */
#ifndef TESTS_BASE_DISK_FAULT_H
#define TESTS_BASE_DISK_FAULT_H

#define DISK_FILES                                                                                         \
	{                                                                                                  \
		"data.mdb", "journal.0", "journal.1"                                                       \
	}
enum { DISK_FILES_N = 3 };

/* Weak: absent when nothing is preloaded. */
__attribute__((weak)) void disk_fault_arm(const char *folder);
__attribute__((weak)) void disk_fault_heal(void);      /* fails no more, and counts no more */
__attribute__((weak)) unsigned disk_fault_calls(void); /* counted */

enum { DISK_FAULT_EXIT = 99 };

#endif
