#include "proto/dsp/v2024_names.h"

static const struct row rows[] = {
#define X(shape, name, old, change, inner) {shape, name, old, change, inner},
    V2024_MEMBERS(X) V2024_RESOURCE(X)
#undef X
};

static bool row_in(const struct row *r, enum shape s)
{
	bool dcat = s == CATALOG || s == DATASET || s == SERVICE || s == DISTRIBUTION;

	return r->shape == s || (r->shape == RESOURCE && dcat);
}

const struct row *dsp__v2024_row(enum shape s, struct str key)
{
	if (s == CONSTRAINT && str_is(key, "odrl:operand")) key = STR("operator");
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (row_in(&rows[i], s) && (str_is(key, rows[i].old) || str_is(key, rows[i].name)))
			return &rows[i];
	return NULL;
}

enum shape dsp__v2024_shape(struct str type)
{
	size_t colon = type.n ? str_find(type, ':') : 0;

	if (colon < type.n) type = str_skip(type, colon + 1);
	return str_is(type, "Catalog") ? CATALOG : str_is(type, "Dataset") ? DATASET : MESSAGE;
}
