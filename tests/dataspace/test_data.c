/* The data plane over real sockets: store, serve, pull, meter, sign, prove. */
#include "tests/dataspace/pair.h"

#include <unistd.h>

#include <stdio.h>

#include "base/hash.h"
#include "dataspace/bundle.h"

#define THREE_MAINTENANCE                                                                                  \
	"{\"leftOperand\":\"count\",\"operator\":\"lteq\",\"rightOperand\":3},"                            \
	"{\"leftOperand\":\"purpose\",\"operator\":\"eq\",\"rightOperand\":\"maintenance\"}"

static void test_a_dataset_goes_over_and_is_counted_and_signed(void **state)
{
	struct str content = octets(900 << 10, 1);
	const char *agreement, *pid;
	struct answer a;

	(void)state;
	publish("telemetry", THREE_MAINTENANCE, content);
	agreement = agree("telemetry");
	for (int i = 0; i < 3; i++) {
		pid = pull(agreement, ",\"purpose\":\"maintenance\"");
		a = await(pid, "COMPLETED,TERMINATED");
		assert_string_equal(answer_text(&a, "state"), "COMPLETED");
		assert_string_equal(answer_text(&a, "digest"), digest_text(content));
		assert_int_equal(count(&a, "octets"), content.n);
	}
	a = buyer_call("GET", text("/transfers/%s/content", pid), NULL);
	assert_int_equal(a.status, 200);
	assert_true(str_eq(a.body, content));
	assert_meters(agreement, 3, 3, 3 * content.n);

	pid = pull(agreement, ",\"purpose\":\"maintenance\"");
	a = await(pid, "COMPLETED,TERMINATED");
	assert_string_equal(answer_text(&a, "state"), "TERMINATED");
	assert_non_null(strstr(answer_text(&a, "reason"), "count: limit 3, actual 3"));
	assert_meters(agreement, 3, 3, 3 * content.n);
}

static void test_purpose(void **state)
{
	const char *agreement, *pid;
	struct answer a;

	(void)state;
	publish("purposeful", THREE_MAINTENANCE, octets(1000, 2));
	agreement = agree("purposeful");
	pid = pull(agreement, ",\"purpose\":\"advertising\"");
	a = await(pid, "COMPLETED,TERMINATED");
	assert_string_equal(answer_text(&a, "state"), "TERMINATED");
	assert_non_null(strstr(answer_text(&a, "reason"), "purpose eq maintenance: actual advertising"));
}

static bool told_that_it_is_not_fetched(const char *pid)
{
	struct answer a = buyer_call("GET", text("/transfers/%s", pid), NULL);
	json_t *why = json_object_get(a.json, "fetching");

	assert_string_equal(answer_text(&a, "state"), "STARTED");
	if (!why) return false;
	assert_true(json_text(json_object_get(why, "reason")).n > 0);
	assert_true(json_text(json_object_get(why, "time")).n > 0);
	return true;
}

/* The transfer is STARTED for as long as the provider's data cannot be had: its owner sees why. */
static void test_tells_why_data_is_not_fetched(void **state)
{
	const char *pid;

	(void)state;
	publish("away", "", octets(200000, 3));
	pid = pull(agree("away"), ",\"rate\":10000");
	await_octets(pid, 1);
	assert_false(told_that_it_is_not_fetched(pid));
	node_stop(&pair.maker);
	while (!told_that_it_is_not_fetched(pid)) usleep(10000);
	node_start(&pair.maker);
	while (told_that_it_is_not_fetched(pid)) usleep(10000);
	buyer_call("POST", text("/transfers/%s/terminate", pid), "{}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_a_dataset_goes_over_and_is_counted_and_signed),
	    cmocka_unit_test(test_purpose),
	    cmocka_unit_test(test_tells_why_data_is_not_fetched),
	};

	return cmocka_run_group_tests(tests, pair_setup, pair_teardown);
}
