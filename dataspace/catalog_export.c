#include "dataspace/catalog_export.h"

#include "dataspace/agreement.h"
#include "dataspace/data_plane.h"
#include "dataspace/dataset_meta.h"
#include "dataspace/offer.h"
#include "dataspace/transfer.h"
#include "proto/dsp/catalog.h"

static const struct {
	const char *name, *type;
} formats[] = {
    [CATALOG_DSP] = {"dsp", DSP_MEDIA_TYPE},
    [CATALOG_CROISSANT] = {"croissant", "application/ld+json"},
    [CATALOG_DCAT_AP] = {"dcat-ap", "application/ld+json"},
};

enum err catalog_format_parse(struct str s, struct flaw *f, enum catalog_format *ret)
{
	*ret = CATALOG_DSP;
	if (!s.n) return ERR_OK;
	for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
		if (!str_is(s, formats[i].name)) continue;
		*ret = (enum catalog_format)i;
		return ERR_OK;
	}
	return flaw_set(f, ERR_BAD_INPUT, FLAW_NO_OFFSET, "format", "unknown",
			"known are dsp, croissant and dcat-ap");
}

const char *catalog_format_type(enum catalog_format f)
{
	return formats[f].type;
}

/* ---- the protocol's own form ---- */

static json_t *dsp_extra(struct arena *a, const Ds__Dataset *s, const char *hex, json_t *meta)
{
	json_t *x = json_keep(a, json_object()), *ids;

	if (!x) return NULL;
	if (hex[0])
		json_put(x, "kanhe:content",
			 json_pack("{s:o,s:I,s:s}", "digest", json_sprintf("sha256:%s", hex), "size",
				   (json_int_t)s->size, "mediaType", s->media_type));
	if (s->non_finite) json_put(x, "kanhe:nonFinite", json_true());
	if (s->title[0]) json_put_str(x, "title", str_of(s->title));
	if (s->description[0]) json_put_str(x, "description", str_of(s->description));
	meta_write(x, s, meta);
	if (!s->n_identifiers) return x;
	ids = json_array();
	must(ids);
	for (size_t i = 0; i < s->n_identifiers; i++)
		must(!json_array_append_new(ids, json_string(s->identifiers[i])));
	json_put(x, "kanhe:identifiers", ids);
	return x;
}

/* What a way tells besides its format: size and digest of a content that is here and stays. */
static json_t *way_root(struct arena *a, const Ds__Dataset *s, const char *hex)
{
	if (!hex[0]) return json_keep(a, json_pack("{s:s}", "mediaType", s->media_type));
	return json_keep(a, json_pack("{s:I,s:s,s:{s:s,s:s}}", "byteSize", (json_int_t)s->size, "mediaType",
				      s->media_type, "spdx:checksum", "spdx:algorithm",
				      "spdx:checksumAlgorithm_sha256", "spdx:checksumValue", hex));
}

/* Its formats: of an outside data plane those of its profiles. */
static size_t ways_make(const Ds__Dataset *s, struct dsp_distribution way[DPS_ITEMS_MAX])
{
	if (!s->plane[0]) {
		way[0].format = STR(TRANSFER_PULL);
		way[1].format = STR(TRANSFER_PUSH);
		return s->non_finite ? 1 : 2;
	}
	for (size_t i = 0; i < s->n_profiles && i < DPS_ITEMS_MAX; i++)
		way[i].format = data_plane_format(str_of(s->profiles[i]));
	return s->n_profiles < DPS_ITEMS_MAX ? s->n_profiles : DPS_ITEMS_MAX;
}

static json_t *dsp_dataset_form(struct arena *a, const struct ds_self *self, const Ds__Dataset *s,
				json_t *meta, bool alone)
{
	struct dsp_distribution way[DPS_ITEMS_MAX] = {{.format = STR_NONE}};
	struct dsp_dataset m = {
	    .id = str_of(s->id), .distributions = way, .distributions_n = ways_make(s, way)};
	char hex[65] = {0};
	json_t *policy, *offer, *j;

	if (s->digest.len == 32) hex_write(s->digest.data, 32, hex);
	if (json_read(a, str_of(s->policy), NULL, &policy)) return NULL;
	offer = offer_write(a, policy, str_of(s->offer_id), STR_NONE, STR_NONE);
	for (size_t i = 0; i < m.distributions_n; i++) {
		way[i].service_id =
		    i ? way[0].service_id : arena_printf(a, "%.*s#catalog", STR_ARG(self->did));
		way[i].root = i ? way[0].root : way_root(a, s, hex);
	}
	m.offers = json_keep(a, json_array());
	m.extra = dsp_extra(a, s, hex, meta);
	if (!offer || !m.offers || !m.extra || !way[0].root || !way[0].service_id.p) return NULL;
	must(!json_array_append(m.offers, offer));
	j = dsp_dataset_write(a, &m);
	if (j && !alone) json_object_del(j, "@context");
	return json_incref(j);
}

static json_t *dsp_frame(struct arena *a, const struct ds_self *self, json_t *datasets)
{
	struct dsp_service service = {.id = arena_printf(a, "%.*s#catalog", STR_ARG(self->did)),
				      .endpoint_url = arena_printf(a, "%s" DS_DSP_PATH, self->base)};
	struct dsp_catalog c = {.id = arena_printf(a, "%s" DS_DSP_PATH "/catalog", self->base),
				.participant_id = self->did,
				.services = &service,
				.services_n = 1};
	json_t *j = dsp_catalog_write(a, &c);

	if (j && json_array_size(datasets)) /* the schema wants no empty array */
		json_put(j, "dataset", datasets);
	else
		json_decref(datasets);
	return json_incref(j);
}

/* ---- all ---- */

json_t *catalog_dataset(struct arena *a, enum catalog_format f, const struct ds_self *self,
			const Ds__Dataset *s, bool alone)
{
	json_t *meta = meta_open(a, s), *j = NULL;

	if (!meta) return NULL;
	switch (f) {
	case CATALOG_DSP: return dsp_dataset_form(a, self, s, meta, alone);
	case CATALOG_CROISSANT:
		j = croissant_dataset(a, self, s, meta);
		if (j && alone) json_put(j, "@context", croissant_context());
		break;
	case CATALOG_DCAT_AP:
		j = dcat_dataset(a, self, s, meta);
		if (j && alone) json_put(j, "@context", dcat_context());
		break;
	}
	return j;
}

static json_t *croissant_frame(const struct ds_self *self, json_t *datasets)
{
	json_t *j = json_object();

	must(j);
	json_put(j, "@context", croissant_context());
	json_put_str(j, "@type", STR("sc:DataCatalog"));
	json_put_str(j, "@id", self->did);
	json_put_str(j, "name", self->title.n ? self->title : self->id);
	json_put(j, "dataset", datasets);
	return j;
}

json_t *catalog_frame(struct arena *a, enum catalog_format f, const struct ds_self *self, json_t *datasets)
{
	switch (f) {
	case CATALOG_DSP: return dsp_frame(a, self, datasets);
	case CATALOG_CROISSANT: return croissant_frame(self, datasets);
	case CATALOG_DCAT_AP: return dcat_catalog(a, self, datasets);
	}
	return NULL;
}
