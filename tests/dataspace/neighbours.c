#include "tests/dataspace/neighbours.h"

#include <stdio.h>

#include "tests/dataspace/fake_plane.h"

struct node here, there;
const char *maker_owner, *buyer_owner;

const char *format(const char *fmt, const char *a, const char *b)
{
	char *out = arena_alloc(here.arena, 4096);

	(void)snprintf(out, 4096, fmt, a, b);
	return out;
}

int setup(void **state)
{
	static const char *const ours[] = {"maker", "neighbour"}, *const theirs[] = {"buyer", "thief"};

	(void)state;
	fake_plane = (struct fake_plane){.finish = false};
	node_open(&here, ours, 2, 1);
	node_open(&there, theirs, 2, 1);
	maker_owner = node_token(&here, "maker-owner", ROLE_OWNER, "@maker");
	buyer_owner = node_token(&there, "buyer-owner", ROLE_OWNER, "@buyer");
	assert_int_equal(
	    node_manage(&here, maker_owner, "PUT", "/participants/maker/datasets/telemetry", DATASET)
		.status,
	    201);
	node_content(&here, "maker", "telemetry");
	return 0;
}

int teardown(void **state)
{
	(void)state;
	node_close(&here);
	node_close(&there);
	return 0;
}

void assert_unchanged(struct node_mark before)
{
	struct node_mark now = node_mark(&here);

	assert_int_equal(now.ledger, before.ledger);
	assert_int_equal(now.feed, before.feed);
}

bool text_has(struct str s, const char *part)
{
	return memmem(s.p, s.n, part, strlen(part)) != NULL;
}

struct answer as_partner(struct node *from, const char *who, const char *participant, const char *method,
			 const char *path, const char *body)
{
	const char *token = node_partner_token(from, who, node_did(&here, participant));

	return node_call(&here, method, format("/p/%s/dsp/2025-1%s", participant, path), token, body);
}
