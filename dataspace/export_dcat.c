/* DCAT-AP 3.0.1 in JSON-LD. Titles and descriptions carry their languages, dates their types, and what the
 * profile wants as a resource (license, theme, spatial…) is a node: an IRI, or a blank node with a label.
 */
#include "dataspace/catalog_export.h"
#include "dataspace/dataset_meta.h"

struct str export_url(struct arena *a, const struct ds_self *self, const char *dataset)
{
	return arena_printf(a, "%s" DS_DSP_PATH "/catalog/datasets/%s", self->base, dataset);
}

/* Prefixes only: names stay readable without fetching a context. */
static const char *const prefixes[][2] = {
    {"dcat", "http://www.w3.org/ns/dcat#"},           {"dct", "http://purl.org/dc/terms/"},
    {"foaf", "http://xmlns.com/foaf/0.1/"},           {"rdfs", "http://www.w3.org/2000/01/rdf-schema#"},
    {"spdx", "http://spdx.org/rdf/terms#"},           {"xsd", "http://www.w3.org/2001/XMLSchema#"},
    {"skos", "http://www.w3.org/2004/02/skos/core#"},
};

json_t *dcat_context(void)
{
	json_t *j = json_object();

	must(j);
	for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
		json_put_str(j, prefixes[i][0], str_of(prefixes[i][1]));
	return j;
}

static json_t *typed(struct str value, const char *type)
{
	return json_pack("{s:s%,s:s}", "@value", value.p, value.n, "@type", type);
}

static json_t *date(struct str s)
{
	return typed(s, s.n == 10 ? "xsd:date" : "xsd:dateTime");
}

static bool is_iri(struct str s)
{
	return str_find(s, ':') < s.n && str_find(s, ' ') == s.n;
}

/* A resource of that class: named by its IRI, or described by a label. */
static json_t *resource(struct str s, const char *type, const char *label)
{
	json_t *o = json_object();

	must(o);
	if (is_iri(s)) json_put_str(o, "@id", s);
	json_put_str(o, "@type", str_of(type));
	if (!is_iri(s) || str_is(str_of(label), "foaf:name")) json_put_str(o, label, s);
	return o;
}

static void resource_put(json_t *out, const char *name, json_t *v, const char *type, const char *label)
{
	json_t *list, *one;
	size_t i;

	if (json_is_string(v)) {
		json_put(out, name, resource(json_text(v), type, label));
		return;
	}
	if (!json_array_size(v)) return;
	list = json_array();
	must(list);
	json_array_foreach(v, i, one)
	{
		must(!json_array_append_new(list, resource(json_text(one), type, label)));
	}
	json_put(out, name, list);
}

static void period_put(json_t *out, json_t *v)
{
	struct str start = json_text(json_object_get(v, "start")),
		   end = json_text(json_object_get(v, "end"));
	json_t *o;

	if (!start.n && !end.n) return;
	o = json_pack("{s:s}", "@type", "dct:PeriodOfTime");
	must(o);
	if (start.n) json_put(o, "dcat:startDate", date(start));
	if (end.n) json_put(o, "dcat:endDate", date(end));
	json_put(out, "dct:temporal", o);
}

static json_t *distribution(struct arena *a, const struct ds_self *self, const Ds__Dataset *s, json_t *meta)
{
	struct str url = export_url(a, self, s->id);
	char hex[65] = {0};
	json_t *d = json_object();

	must(d);
	if (s->digest.len == 32) hex_write(s->digest.data, 32, hex);
	json_put_str(d, "@type", STR("dcat:Distribution"));
	json_put_str(d, "@id", arena_printf(a, "%.*s#distribution", STR_ARG(url)));
	json_put(d, "dcat:accessURL", json_pack("{s:s%}", "@id", url.p, url.n));
	json_put(d, "dcat:accessService",
		 json_pack("{s:o}", "@id", json_sprintf("%.*s#catalog", STR_ARG(self->did))));
	if (hex[0])
		json_put(
		    d, "dcat:byteSize",
		    typed(arena_printf(a, "%llu", (unsigned long long)s->size), "xsd:nonNegativeInteger"));
	if (s->media_type[0])
		json_put(d, "dcat:mediaType",
			 json_pack(
			     "{s:o,s:s}", "@id",
			     json_sprintf("https://www.iana.org/assignments/media-types/%s", s->media_type),
			     "@type", "dct:MediaType"));
	if (hex[0])
		json_put(d, "spdx:checksum",
			 json_pack("{s:s,s:{s:s},s:o}", "@type", "spdx:Checksum", "spdx:algorithm", "@id",
				   "http://spdx.org/rdf/terms#checksumAlgorithm_sha256",
				   "spdx:checksumValue", typed(str_n(hex, 64), "xsd:hexBinary")));
	resource_put(d, "dct:license", json_object_get(meta, "license"), "dct:LicenseDocument",
		     "rdfs:label");
	return d;
}

static void describe(json_t *j, json_t *meta)
{
	json_t *keywords = json_object_get(meta, "keywords"), *issued = json_object_get(meta, "issued"),
	       *version = json_object_get(meta, "version"), *page = json_object_get(meta, "landing_page");

	if (json_array_size(keywords)) json_put(j, "dcat:keyword", json_incref(keywords));
	if (issued) json_put(j, "dct:issued", date(json_text(issued)));
	if (version) json_put(j, "dcat:version", json_incref(version));
	resource_put(j, "dct:creator", json_object_get(meta, "creator"), "foaf:Agent", "foaf:name");
	resource_put(j, "dct:spatial", json_object_get(meta, "spatial"), "dct:Location", "rdfs:label");
	resource_put(j, "dct:conformsTo", json_object_get(meta, "conforms_to"), "dct:Standard",
		     "rdfs:label");
	resource_put(j, "dcat:theme", json_object_get(meta, "theme"), "skos:Concept", "skos:prefLabel");
	resource_put(j, "dct:language", json_object_get(meta, "language"), "dct:LinguisticSystem",
		     "rdfs:label");
	resource_put(j, "dct:type", json_object_get(meta, "type"), "skos:Concept", "skos:prefLabel");
	if (page) resource_put(j, "dcat:landingPage", page, "foaf:Document", "rdfs:label");
	period_put(j, json_object_get(meta, "temporal"));
}

static json_t *publisher(const struct ds_self *self)
{
	json_t *o = resource(self->did, "foaf:Agent", "rdfs:label");

	json_put_str(o, "foaf:name", self->title.n ? self->title : self->id);
	return o;
}

json_t *dcat_dataset(struct arena *a, const struct ds_self *self, const Ds__Dataset *s, json_t *meta)
{
	json_t *j = json_object(), *given = json_object_get(meta, "publisher");
	const char *title = s->title[0] ? s->title : s->id;
	char when[CLOCK_TEXT];

	must(j);
	json_put_str(j, "@id", export_url(a, self, s->id));
	json_put_str(j, "@type", STR("dcat:Dataset"));
	/* both are mandatory (DCAT-AP 3.0.1, Dataset): the title or the id stands in for a missing one */
	meta_write_texts(j, "dct:title", title, json_object_get(meta, "title"));
	meta_write_texts(j, "dct:description", s->description[0] ? s->description : title,
			 json_object_get(meta, "description"));
	json_put_str(j, "dct:identifier", str_of(s->id));
	json_put(j, "dct:modified", date(str_of(clock_print(s->modified, true, when))));
	if (given)
		resource_put(j, "dct:publisher", given, "foaf:Agent", "foaf:name");
	else
		json_put(j, "dct:publisher", publisher(self));
	describe(j, meta);
	json_put(j, "dcat:distribution", json_pack("[o]", distribution(a, self, s, meta)));
	return j;
}

json_t *dcat_catalog(struct arena *a, const struct ds_self *self, json_t *datasets)
{
	struct str name = self->title.n ? self->title : self->id;
	struct str endpoint = arena_printf(a, "%s" DS_DSP_PATH, self->base);
	json_t *j = json_object(), *service = json_object();

	must(j && service);
	json_put(j, "@context", dcat_context());
	json_put_str(j, "@id", arena_printf(a, "%.*s/catalog", STR_ARG(endpoint)));
	json_put_str(j, "@type", STR("dcat:Catalog"));
	json_put_str(j, "dct:title", name);
	json_put_str(j, "dct:description", arena_printf(a, "Datasets of %.*s", STR_ARG(name)));
	json_put(j, "dct:publisher", publisher(self));
	json_put_str(service, "@id", arena_printf(a, "%.*s#catalog", STR_ARG(self->did)));
	json_put_str(service, "@type", STR("dcat:DataService"));
	json_put_str(service, "dct:title", STR("Dataspace Protocol 2025-1"));
	json_put(service, "dcat:endpointURL", json_pack("{s:s%}", "@id", endpoint.p, endpoint.n));
	json_put(j, "dcat:service", json_pack("[o]", service));
	json_put(j, "dcat:dataset", datasets);
	return j;
}
