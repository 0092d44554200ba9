/* What else an owner says about a dataset, checked at publication, and its form in catalogs.
 *
 * Members of a publication (all optional; null takes one away): title and description as a text or as
 * {"en": …, "zh": …}; keywords, conforms_to, theme, language (arrays of texts); license, creator,
 * publisher, version, spatial, type, landing_page (texts; IRIs where catalogs want IRIs); temporal {start,
 * end}; issued (a date); properties {name: text or number}. Stored as JCS of these members. Catalogs get
 * them under their DCAT and Dublin Core names, with the prefixes that the protocol's context declares.
 * Pure. Threads: any. */
#ifndef DATASPACE_DATASET_META_H
#define DATASPACE_DATASET_META_H

#include "dataspace/space.h"

enum {
	META_TEXT_MAX = 4096,
	META_ITEMS_MAX = 100, /* keywords, languages, properties: as many as a person reads */
	META_MAX = 64 << 10,  /* octets in all of one dataset */
};

/* The members of body that belong here, checked, kept by the arena; an empty object when there are none.
 * ERR_BAD_MESSAGE with the member. */
enum err meta_read(struct arena *a, json_t *body, struct flaw *f, json_t **ret) MUST_USE;
/* old: as stored ("" allowed); the merged form to store, "" when nothing is left. */
enum err meta_merge(struct arena *a, const char *old, json_t *more, struct flaw *f,
		    struct str *ret) MUST_USE;
/* As an object kept by the arena; empty when there is nothing. NULL without memory. */
json_t *meta_open(struct arena *a, const Ds__Dataset *s);
/* Puts the catalog's members (dct:…, dcat:…, kanhe:properties) of the dataset into out, title, description,
 * dates and identifier among them. */
void meta_write(json_t *out, const Ds__Dataset *s, json_t *meta);
/* One text in each language of by_language; without any (NULL allowed), the plain one, unless it is "". */
void meta_write_texts(json_t *out, const char *name, const char *plain, json_t *by_language);

#endif
