#include "dataspace/catalog_offset.h"

#include <stdlib.h>

struct place {
	unsigned char series[OFFSET_SERIES];
	size_t offset; /* 0: free */
	char dataset[DS_DATASET_MAX + 1];
};

struct offsets {
	pthread_mutex_t lock;
	size_t next; /* the oldest */
	struct place place[OFFSETS_KEPT];
};

enum err offsets_open(struct offsets **ret)
{
	struct offsets *o = calloc(1, sizeof *o);

	if (!o) return ERR_NO_MEMORY;
	must(!pthread_mutex_init(&o->lock, NULL));
	*ret = o;
	return ERR_OK;
}

void offsets_close(struct offsets *o)
{
	if (!o) return;
	pthread_mutex_destroy(&o->lock);
	free(o);
}

static bool of_series(const struct place *p, const unsigned char series[OFFSET_SERIES])
{
	return p->offset && !memcmp(p->series, series, OFFSET_SERIES);
}

void offsets_keep(struct offsets *o, const unsigned char series[OFFSET_SERIES], size_t offset,
		  struct str dataset)
{
	struct place *p = NULL;

	if (!offset || !dataset.n || dataset.n > DS_DATASET_MAX) return;
	pthread_mutex_lock(&o->lock);
	for (size_t i = 0; !p && i < OFFSETS_KEPT; i++)
		if (of_series(&o->place[i], series) && o->place[i].offset == offset) p = &o->place[i];
	if (!p) p = &o->place[o->next++ % OFFSETS_KEPT];
	memcpy(p->series, series, OFFSET_SERIES);
	p->offset = offset;
	memcpy(p->dataset, dataset.p, dataset.n);
	p->dataset[dataset.n] = 0;
	pthread_mutex_unlock(&o->lock);
}

size_t offsets_find(struct offsets *o, const unsigned char series[OFFSET_SERIES], size_t offset,
		    char out[DS_DATASET_MAX + 1])
{
	size_t best = 0;

	pthread_mutex_lock(&o->lock);
	for (size_t i = 0; i < OFFSETS_KEPT; i++) {
		const struct place *p = &o->place[i];

		if (!of_series(p, series) || p->offset > offset || p->offset <= best) continue;
		best = p->offset;
		memcpy(out, p->dataset, sizeof p->dataset);
	}
	pthread_mutex_unlock(&o->lock);
	return best;
}
