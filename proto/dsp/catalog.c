#include "proto/dsp/catalog.h"

#include "proto/dsp/fields.h"

/* CatalogRequestMessage (catalog-request-message-schema.json). */
enum err dsp_catalog_request_parse(json_t *j, struct flaw *f, struct dsp_catalog_request *ret)
{
	struct dsp_in in = dsp__root(j, DSP_CATALOG_REQUEST, f);
	struct dsp_catalog_request m = {.root = j};
	m.filter = dsp__array_opt(&in, "filter", 0, DSP_ITEMS_MAX);
	if (!in.err) *ret = m;
	return in.err;
}

json_t *dsp_catalog_request_write(struct arena *a, const struct dsp_catalog_request *m)
{
	json_t *j = dsp__begin(DSP_CATALOG_REQUEST);
	dsp__put_json(j, "filter", m->filter);
	return dsp__end(a, j, m->extra);
}

/* DatasetRequestMessage (dataset-request-message-schema.json). */
enum err dsp_dataset_request_parse(json_t *j, struct flaw *f, struct dsp_dataset_request *ret)
{
	struct dsp_in in = dsp__root(j, DSP_DATASET_REQUEST, f);
	struct dsp_dataset_request m = {.root = j};
	m.dataset = dsp__text(&in, "dataset");
	if (!in.err) *ret = m;
	return in.err;
}

json_t *dsp_dataset_request_write(struct arena *a, const struct dsp_dataset_request *m)
{
	json_t *j = dsp__begin(DSP_DATASET_REQUEST);
	dsp__put(j, "dataset", m->dataset);
	return dsp__end(a, j, m->extra);
}

/* CatalogError (catalog-error-schema.json): the one error whose reasons may be an empty array. */
enum err dsp_catalog_error_parse(json_t *j, struct flaw *f, struct dsp_catalog_error *ret)
{
	struct dsp_in in = dsp__root(j, DSP_CATALOG_ERROR, f);
	struct dsp_catalog_error m = {.root = j};
	dsp__reason(&in, 0, &m.reason);
	if (!in.err) *ret = m;
	return in.err;
}

json_t *dsp_catalog_error_write(struct arena *a, const struct dsp_catalog_error *m)
{
	json_t *j = dsp__begin(DSP_CATALOG_ERROR);
	dsp__put_reason(j, &m->reason);
	return dsp__end(a, j, m->extra);
}

/* Where a part of a catalog is being read. */
struct place {
	struct arena *a;
	struct flaw *f;
	const char *path;
	size_t depth;
};

static void no_memory(struct dsp_in *in)
{
	if (in->err) return;
	in->err = flaw_set(in->f, ERR_NO_MEMORY, FLAW_NO_OFFSET, in->path, "memory", "%s",
			   err_text(ERR_NO_MEMORY));
}

static enum err service_read(const struct place *at, json_t *j, struct dsp_service *ret);
static enum err dataset_read(const struct place *at, json_t *j, struct dsp_dataset *ret);
static enum err catalog_read(const struct place *at, json_t *j, struct dsp_catalog *ret);
static enum err distribution_read(const struct place *at, json_t *j, struct dsp_distribution *ret);

enum part { PART_SERVICE, PART_DATASET, PART_CATALOG, PART_DISTRIBUTION };

static const struct {
	const char *key;
	size_t size;
} parts[] = {
    [PART_SERVICE] = {"service", sizeof(struct dsp_service)},
    [PART_DATASET] = {"dataset", sizeof(struct dsp_dataset)},
    [PART_CATALOG] = {"catalog", sizeof(struct dsp_catalog)},
    [PART_DISTRIBUTION] = {"distribution", sizeof(struct dsp_distribution)},
};

static enum err part_read(enum part p, const struct place *at, json_t *j, void *to)
{
	switch (p) {
	case PART_SERVICE: return service_read(at, j, to);
	case PART_DATASET: return dataset_read(at, j, to);
	case PART_CATALOG: return catalog_read(at, j, to);
	case PART_DISTRIBUTION: return distribution_read(at, j, to);
	}
	return ERR_INTERNAL;
}

/* The elements of an array member into the arena; *n 0 when it is absent or empty. The schemas have
 * minItems 1, but EDC writes what it has none of as []: a partner who offers nothing, or whose asset no
 * data plane serves, is to be read like others. What we write leaves empty members out. */
static void *array_read(struct dsp_in *in, const struct place *up, const char *key, enum part p, size_t *n)
{
	json_t *all = dsp__array_opt(in, key, 0, DSP_ITEMS_MAX);
	*n = json_array_size(all);
	if (!*n) return NULL;
	char *to = arena_array(up->a, parts[p].size, *n), path[DSP_PATH];
	if (!to) no_memory(in);
	for (size_t i = 0; !in->err && i < *n; i++) {
		dsp__path_at(path, up->path, key, i);
		struct place at = {up->a, up->f, path, up->depth + 1};
		in->err = part_read(p, &at, json_array_get(all, i), to + i * parts[p].size);
	}
	return in->err ? NULL : to;
}

static json_t *offers_read(struct dsp_in *in, bool required)
{
	json_t *all = required ? dsp__array(in, "hasPolicy", 1, DSP_ITEMS_MAX)
			       : dsp__array_opt(in, "hasPolicy", 1, DSP_ITEMS_MAX),
	       *one;
	struct odrl_policy p;
	size_t i;
	json_array_foreach(all, i, one)
	{
		char path[DSP_PATH];
		dsp__path_at(path, in->path, "hasPolicy", i);
		if (!in->err) in->err = odrl_check(one, ODRL_OFFER, path, in->f, &p);
	}
	return all;
}

static struct dsp_in part_in(const struct place *at, json_t *j)
{
	struct dsp_in in = dsp__in(j, at->path, ERR_BAD_MESSAGE, at->f);
	if (at->depth > DSP_DEPTH_MAX) dsp__fail(&in, "", "limit", "lies too deep");
	return in;
}

static enum err service_read(const struct place *at, json_t *j, struct dsp_service *ret)
{
	struct dsp_in in = part_in(at, j);
	struct dsp_service m = {.root = j};
	size_t n;
	m.id = dsp__text(&in, "@id");
	dsp__const(&in, "@type", "DataService");
	m.endpoint_url = dsp__text(&in, "endpointURL");
	array_read(&in, at, "servesDataset", PART_DATASET, &n);
	if (!in.err) *ret = m;
	return in.err;
}

static enum err distribution_read(const struct place *at, json_t *j, struct dsp_distribution *ret)
{
	struct dsp_in in = part_in(at, j);
	struct dsp_distribution m = {.root = j};
	m.format = dsp__text(&in, "format");
	m.offers = offers_read(&in, false);
	json_t *service = in.err ? NULL : json_object_get(j, "accessService");
	if (json_is_object(service)) {
		char path[DSP_PATH];
		dsp__path(path, at->path, "accessService");
		struct place inner = {at->a, at->f, path, at->depth + 1};
		m.service = ARENA_NEW(at->a, struct dsp_service);
		if (!m.service) no_memory(&in);
		if (!in.err) in.err = service_read(&inner, service, m.service);
		if (!in.err) m.service_id = m.service->id;
	} else {
		m.service_id = dsp__text(&in, "accessService");
	}
	if (!in.err) *ret = m;
	return in.err;
}

static enum err dataset_read(const struct place *at, json_t *j, struct dsp_dataset *ret)
{
	struct dsp_in in = part_in(at, j);
	struct dsp_dataset m = {.root = j};
	m.id = dsp__text(&in, "@id");
	m.offers = offers_read(&in, true);
	dsp__array(&in, "distribution", 0, DSP_ITEMS_MAX);
	m.distributions = array_read(&in, at, "distribution", PART_DISTRIBUTION, &m.distributions_n);
	if (!in.err) *ret = m;
	return in.err;
}

static enum err catalog_read(const struct place *at, json_t *j, struct dsp_catalog *ret)
{
	struct dsp_in in = part_in(at, j);
	struct dsp_catalog m = {.root = j};
	m.id = dsp__text(&in, "@id");
	dsp__const(&in, "@type", dsp_type_name(DSP_CATALOG));
	m.participant_id = dsp__text_opt(&in, "participantId");
	if (dsp__has(&in, "hasPolicy"))
		dsp__fail(&in, "hasPolicy", "not-allowed", "must not stand in a catalog");
	m.datasets = array_read(&in, at, "dataset", PART_DATASET, &m.datasets_n);
	m.catalogs = array_read(&in, at, "catalog", PART_CATALOG, &m.catalogs_n);
	m.services = array_read(&in, at, "service", PART_SERVICE, &m.services_n);
	m.distributions = array_read(&in, at, "distribution", PART_DISTRIBUTION, &m.distributions_n);
	if (!in.err) *ret = m;
	return in.err;
}

/* RootCatalog (catalog-schema.json). */
enum err dsp_catalog_parse(struct arena *a, json_t *j, struct flaw *f, struct dsp_catalog *ret)
{
	struct dsp_in in = dsp__root(j, DSP_CATALOG, f);
	dsp__text(&in, "participantId");
	struct place at = {a, f, "", 0};
	return in.err ? in.err : catalog_read(&at, j, ret);
}

/* RootDataset (dataset-schema.json), which requires no @type. */
enum err dsp_dataset_parse(struct arena *a, json_t *j, struct flaw *f, struct dsp_dataset *ret)
{
	struct dsp_in in = dsp__in(j, "", ERR_BAD_MESSAGE, f);
	dsp__context(&in);
	struct place at = {a, f, "", 0};
	return in.err ? in.err : dataset_read(&at, j, ret);
}

static json_t *part_begin(const char *type, struct str id)
{
	json_t *j = json_object();
	must(j);
	dsp__put(j, "@id", id);
	json_put_str(j, "@type", str_of(type));
	return j;
}

static json_t *service_json(const struct dsp_service *m)
{
	json_t *j = part_begin("DataService", m->id);
	dsp__put(j, "endpointURL", m->endpoint_url);
	dsp__put_others(j, m->root, true);
	return j;
}

static json_t *distribution_json(const struct dsp_distribution *m)
{
	json_t *j = part_begin("Distribution", STR_NONE);
	dsp__put(j, "format", m->format);
	if (m->service)
		json_put(j, "accessService", service_json(m->service));
	else
		dsp__put(j, "accessService", m->service_id);
	dsp__put_json(j, "hasPolicy", m->offers);
	dsp__put_others(j, m->root, true);
	return j;
}

static void distributions_put(json_t *j, const struct dsp_distribution *all, size_t n)
{
	json_t *array = json_array();
	must(array);
	for (size_t i = 0; i < n; i++) must(!json_array_append_new(array, distribution_json(&all[i])));
	if (n) dsp__put_json(j, "distribution", array);
	json_decref(array);
}

static void dataset_put(json_t *j, const struct dsp_dataset *m)
{
	dsp__put_json(j, "hasPolicy", m->offers);
	distributions_put(j, m->distributions, m->distributions_n);
	if (!m->distributions_n) json_put(j, "distribution", json_array()); /* it must be there */
	dsp__put_others(j, m->extra, false);
}

static void catalog_put(json_t *j, const struct dsp_catalog *m)
{
	json_t *datasets = json_array(), *catalogs = json_array(), *services = json_array();
	must(datasets && catalogs && services);
	dsp__put(j, "participantId", m->participant_id);
	for (size_t i = 0; i < m->datasets_n; i++) {
		json_t *one = part_begin("Dataset", m->datasets[i].id);
		dataset_put(one, &m->datasets[i]);
		must(!json_array_append_new(datasets, one));
	}
	for (size_t i = 0; i < m->catalogs_n; i++) {
		json_t *one = part_begin("Catalog", m->catalogs[i].id);
		catalog_put(one, &m->catalogs[i]);
		dsp__put_others(one, m->catalogs[i].extra, false);
		must(!json_array_append_new(catalogs, one));
	}
	for (size_t i = 0; i < m->services_n; i++)
		must(!json_array_append_new(services, service_json(&m->services[i])));
	if (m->datasets_n) dsp__put_json(j, "dataset", datasets);
	if (m->catalogs_n) dsp__put_json(j, "catalog", catalogs);
	if (m->services_n) dsp__put_json(j, "service", services);
	json_decref(datasets);
	json_decref(catalogs);
	json_decref(services);
	distributions_put(j, m->distributions, m->distributions_n);
}

json_t *dsp_catalog_write(struct arena *a, const struct dsp_catalog *m)
{
	json_t *j = dsp__begin(DSP_CATALOG);
	dsp__put(j, "@id", m->id);
	catalog_put(j, m);
	return dsp__end(a, j, m->extra);
}

json_t *dsp_dataset_write(struct arena *a, const struct dsp_dataset *m)
{
	json_t *j = dsp__begin(DSP_DATASET);
	dsp__put(j, "@id", m->id);
	dataset_put(j, m);
	return json_keep(a, j);
}
