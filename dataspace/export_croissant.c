/* Croissant 1.1: a dataset with one file, its digest and size. */
#include <stdio.h>

#include "dataspace/catalog_export.h"

/* The context that every Croissant document carries (Croissant 1.1, "JSON-LD context"). */
static const char context[] =
    "{\"@language\":\"en\",\"@vocab\":\"https://schema.org/\",\"citeAs\":\"cr:citeAs\",\"column\":\"cr:c"
    "olumn\",\"conformsTo\":\"dct:conformsTo\",\"containedIn\":\"cr:containedIn\",\"cr\":\"http://mlc"
    "ommons.org/croissant/\",\"data\":{\"@id\":\"cr:data\",\"@type\":\"@json\"},\"dataType\":{\"@id\":\"c"
    "r:dataType\",\"@type\":\"@vocab\"},\"dct\":\"http://purl.org/dc/terms/\",\"extract\":\"cr:extrac"
    "t\",\"field\":\"cr:field\",\"fileObject\":\"cr:fileObject\",\"fileProperty\":\"cr:fileProperty\","
    "\"fileSet\":\"cr:fileSet\",\"format\":\"cr:format\",\"includes\":\"cr:includes\",\"isLiveDataset\""
    ":\"cr:isLiveDataset\",\"jsonPath\":\"cr:jsonPath\",\"key\":\"cr:key\",\"md5\":\"cr:md5\",\"parentFi"
    "eld\":\"cr:parentField\",\"path\":\"cr:path\",\"prov\":\"http://www.w3.org/ns/prov#\",\"recordSe"
    "t\":\"cr:recordSet\",\"references\":\"cr:references\",\"regex\":\"cr:regex\",\"repeated\":\"cr:rep"
    "eated\",\"replace\":\"cr:replace\",\"sc\":\"https://schema.org/\",\"separator\":\"cr:separator\","
    "\"source\":\"cr:source\",\"subField\":\"cr:subField\",\"transform\":\"cr:transform\"}";

json_t *croissant_context(void)
{
	json_t *j = json_loads(context, 0, NULL);

	must(j);
	return j;
}

static void copy(json_t *out, const char *name, json_t *meta, const char *key)
{
	json_t *v = json_object_get(meta, key);

	if (v) json_put(out, name, json_incref(v));
}

/* A party is an Organization with a name, and its IRI when it was given as one. */
static void party(json_t *out, const char *name, json_t *meta, const char *key)
{
	struct str s = json_text(json_object_get(meta, key));
	json_t *o;

	if (!s.n) return;
	o = json_pack("{s:s,s:s%}", "@type", "sc:Organization", "name", s.p, s.n);
	must(o);
	if (str_find(s, ':') < s.n && str_find(s, ' ') == s.n) json_put_str(o, "@id", s);
	json_put(out, name, o);
}

/* schema.org: "start/end" of ISO 8601, ".." for an open end. */
static void period(struct arena *a, json_t *out, json_t *v)
{
	struct str start = json_text(json_object_get(v, "start")),
		   end = json_text(json_object_get(v, "end"));

	if (!start.n && !end.n) return;
	if (!start.n) start = STR("..");
	if (!end.n) end = STR("..");
	json_put_str(out, "temporalCoverage", arena_printf(a, "%.*s/%.*s", STR_ARG(start), STR_ARG(end)));
}

static json_t *file(struct arena *a, const struct ds_self *self, const Ds__Dataset *s)
{
	char hex[65] = {0};
	json_t *f = json_object();

	must(f);
	if (s->digest.len == 32) hex_write(s->digest.data, 32, hex);
	json_put_str(f, "@type", STR("cr:FileObject"));
	json_put_str(f, "@id", str_of("content"));
	json_put_str(f, "name", str_of(s->id));
	json_put_str(f, "contentUrl", export_url(a, self, s->id));
	if (hex[0])
		json_put_str(f, "contentSize", arena_printf(a, "%llu B", (unsigned long long)s->size));
	json_put_str(f, "encodingFormat",
		     str_of(s->media_type[0] ? s->media_type : "application/octet-stream"));
	if (hex[0]) json_put_str(f, "sha256", str_n(hex, 64));
	return f;
}

json_t *croissant_dataset(struct arena *a, const struct ds_self *self, const Ds__Dataset *s, json_t *meta)
{
	json_t *j = json_object(), *files = json_array();
	char when[CLOCK_TEXT];

	must(j && files);
	json_put_str(j, "@type", STR("sc:Dataset"));
	json_put_str(j, "@id", export_url(a, self, s->id));
	json_put_str(j, "conformsTo", STR("http://mlcommons.org/croissant/1.1"));
	json_put_str(j, "name", str_of(s->title[0] ? s->title : s->id));
	if (s->description[0]) json_put_str(j, "description", str_of(s->description));
	json_put_str(j, "url", export_url(a, self, s->id));
	json_put_str(j, "identifier", str_of(s->id));
	json_put_str(j, "dateModified", str_of(clock_print(s->modified, true, when)));
	json_put_str(j, "datePublished", str_of(clock_print(s->created, true, when)));
	copy(j, "datePublished", meta, "issued");
	copy(j, "license", meta, "license");
	copy(j, "keywords", meta, "keywords");
	copy(j, "inLanguage", meta, "language");
	copy(j, "version", meta, "version");
	copy(j, "spatialCoverage", meta, "spatial");
	party(j, "creator", meta, "creator");
	party(j, "publisher", meta, "publisher");
	period(a, j, json_object_get(meta, "temporal"));
	must(!json_array_append_new(files, file(a, self, s)));
	json_put(j, "distribution", files);
	return j;
}
