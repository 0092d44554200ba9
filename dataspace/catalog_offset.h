/* Where an offset lies in a catalog, for askers that count instead of following links (EDC).
 *
 * The memory of a node: after each page its end is remembered as (series, offset) → dataset, where a series
 * is one asker's question at one participant, whatever its offset. The next offset of the same series
 * begins there, so that its cost does not grow with the offset; another one begins at the nearest that is
 * remembered below it. What comes and goes meanwhile neither repeats nor hides another dataset of the pages
 * that follow. Threads: any (a lock of its own). */
#ifndef DATASPACE_CATALOG_OFFSET_H
#define DATASPACE_CATALOG_OFFSET_H

#include "dataspace/space.h"

enum {
	OFFSET_SERIES = 8,  /* octets */
	OFFSETS_KEPT = 2048 /* the oldest goes: 300 KiB; EDC's crawlers need one each */
};

struct offsets;
enum err offsets_open(struct offsets **ret) MUST_USE;
void offsets_close(struct offsets *o); /* NULL is allowed */
void offsets_keep(struct offsets *o, const unsigned char series[OFFSET_SERIES], size_t offset,
		  struct str dataset);
/* The nearest at or below offset; 0 when there is none. The text goes to out. */
size_t offsets_find(struct offsets *o, const unsigned char series[OFFSET_SERIES], size_t offset,
		    char out[DS_DATASET_MAX + 1]);

#endif
