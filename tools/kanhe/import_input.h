/* Input of an import: the octets of a file or pipe, as they are or with their records brought in order.
 *
 * Purpose: sorting happens here and not at the node: packed records go into runs of bounded memory, runs
 * that do not fit into one temporary file, and are merged while they are sent. What comes out depends on
 * the input alone, so that an import of a sorted input is continued like any other. Ownership: an input
 * owns its file and runs. Threads: the main thread. Invariant: records of one identifier keep their order.
 */
#ifndef TOOLS_KANHE_IMPORT_INPUT_H
#define TOOLS_KANHE_IMPORT_INPUT_H

#include "proto/bulk/bulk.h"
#include "tools/kanhe/command.h"

struct sorted;

struct input {
	int fd;
	uint64_t size;       /* octets to come, for the progress bar; 0: unknown */
	unsigned char first; /* octet of a file; 0 when unknown */
	struct sorted *sorted;
};

/* "-" is standard input. */
int input_open(struct cli *c, const char *path, struct input *ret);
void input_close(struct input *in);
/* *ret_n is 0 at the end. ERR_IO with errno. */
enum err input_read(struct input *in, char *p, size_t n, size_t *ret_n) MUST_USE;

struct sort_wish {
	enum bulk_form form;
	size_t memory;      /* octets of a run */
	const char *folder; /* for the temporary file */
	/* A line that cannot be sent, with its number. */
	void (*refused)(void *arg, uint64_t line, struct str id, const struct flaw *f);
	void *arg;
};

/* Reads all of the input; what it gives from now on is its records in order of their keys, as protobuf. */
int input_sort(struct cli *c, const struct sort_wish *w, struct input *in, uint64_t *ret_records);

/* import_sort.c for import_input.c */
enum err sorted_read(struct sorted *s, char *p, size_t n, size_t *ret_n) MUST_USE;
void sorted_free(struct sorted *s);

#endif
