/* The filter of Eclipse EDC's catalog requests: one criterion of its own form,
 *   {"@type": "QuerySpec", "offset": 0, "limit": 50, "sortOrder": "ASC", "filterExpression": []}
 * which its connectors always send. An expression {"operandLeft", "operator": "=", "operandRight"} is the
 * criterion "id" or a property; other operators and orders are refused by name ("unsupported"): an answer
 * that left them out would be another than was asked for. Pure; any thread. */
#ifndef PROTO_DSP_FILTER_EDC_H
#define PROTO_DSP_FILTER_EDC_H

#include "proto/dsp/filter.h"

bool dsp_filter_edc_is(json_t *criterion);
/* Adds to *q; at: the place in the message. ERR_BAD_MESSAGE. Texts are borrowed from the JSON. */
enum err dsp_filter_edc_read(json_t *criterion, const char *at, struct flaw *f,
			     struct dsp_filter *q) MUST_USE;

#endif
