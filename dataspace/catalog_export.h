/* A dataset as other catalogs want it: the protocol's own form, Croissant 1.1, DCAT-AP 3.0.1 (JSON-LD).
 *
 * Croissant and DCAT-AP name where the data is to be had: the dataset's resource under the participant's
 * DSP endpoint, from where a contract leads to it; digest and size are those of the content.
 * Pure. Threads: any. Results are new references (NULL without memory). */
#ifndef DATASPACE_CATALOG_EXPORT_H
#define DATASPACE_CATALOG_EXPORT_H

#include "dataspace/space.h"

enum catalog_format { CATALOG_DSP, CATALOG_CROISSANT, CATALOG_DCAT_AP };

/* "", "dsp", "croissant", "dcat-ap". ERR_BAD_INPUT at "format". */
enum err catalog_format_parse(struct str s, struct flaw *f, enum catalog_format *ret) MUST_USE;
const char *catalog_format_type(enum catalog_format f); /* its media type */

/* One dataset without the catalog's frame; alone: with its @context. a: for work. */
json_t *catalog_dataset(struct arena *a, enum catalog_format f, const struct ds_self *self,
			const Ds__Dataset *s, bool alone);
/* The frame around `datasets` (taken): a catalog with the participant's name and service. */
json_t *catalog_frame(struct arena *a, enum catalog_format f, const struct ds_self *self, json_t *datasets);

/* export_croissant.c, export_dcat.c */
json_t *croissant_dataset(struct arena *a, const struct ds_self *self, const Ds__Dataset *s, json_t *meta);
json_t *croissant_context(void);
json_t *dcat_dataset(struct arena *a, const struct ds_self *self, const Ds__Dataset *s, json_t *meta);
json_t *dcat_context(void);
json_t *dcat_catalog(struct arena *a, const struct ds_self *self, json_t *datasets);
/* URL of the dataset's resource under the participant's DSP endpoint, in the arena (export_dcat.c). */
struct str export_url(struct arena *a, const struct ds_self *self, const char *dataset);

#endif
