/* What the tests of messages share beside cases.h. */
#ifndef TESTS_PROTO_PB_CASES_H
#define TESTS_PROTO_PB_CASES_H

#include "tests/proto/cases.h"

#include "proto/pb/kanhe.pb-c.h"
#include "proto/pb/message.h"
#include "proto/pb/record.h"

static inline void record_same(const struct record *a, const struct record *b)
{
	assert_true(str_eq(a->id, b->id) && str_eq(a->owner, b->owner));
	assert_true(a->created == b->created && a->modified == b->modified && a->revision == b->revision);
	assert_int_equal(a->status, b->status);
	assert_int_equal(a->values_n, b->values_n);
	for (size_t i = 0; i < a->values_n; i++) {
		const struct value *v = &a->values[i], *w = &b->values[i];
		assert_true(str_eq(v->type, w->type) && str_eq(v->data, w->data));
		assert_true(v->index == w->index && v->ttl == w->ttl && v->ttl_absolute == w->ttl_absolute);
		assert_true(v->timestamp == w->timestamp && v->permissions == w->permissions);
		assert_int_equal(v->references_n, w->references_n);
		for (size_t k = 0; k < v->references_n; k++) {
			assert_true(str_eq(v->references[k].handle, w->references[k].handle));
			assert_int_equal(v->references[k].index, w->references[k].index);
		}
	}
}

/* What we write is what protobuf-c writes for the same message. */
static inline void canonical(const ProtobufCMessageDescriptor *d, struct str packed)
{
	ProtobufCMessage *m = protobuf_c_message_unpack(d, NULL, packed.n, (const uint8_t *)packed.p);
	assert_non_null(m);
	size_t n = protobuf_c_message_get_packed_size(m);
	uint8_t *again = malloc(n);
	protobuf_c_message_pack(m, again);
	assert_int_equal(n, packed.n);
	assert_memory_equal(again, packed.p, n);
	free(again);
	protobuf_c_message_free_unpacked(m, NULL);
}

#endif
