/* Both sides count the same, whoever is killed when.
 *
 * Each node runs in a process of its own (this program again, as "node …"); the test kills them with
 * SIGKILL in the middle of throttled transfers, starts them again, and compares both sides' meters. */
#include "tests/dataspace/pair.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/hash.h"

enum { CONTENT = 300000, RATE = 400000, TRANSFERS = 6, KILLS_EACH = 2 };

static pid_t child[2]; /* maker, buyer */

static struct node *node_at(int i)
{
	return i ? &pair.buyer : &pair.maker;
}

/* ---- the child ---- */

static int serve(char **argv)
{
	static struct node n;
	char unlock[96];
	struct sign_lock lock = {.unlock_file = unlock};
	struct flaw f = {0};
	uint64_t port;

	must(!sign_setup() && !str_u64(str_of(argv[3]), &port));
	snprintf(n.folder, sizeof n.folder, "%s", argv[2]);
	snprintf(n.access_folder, sizeof n.access_folder, "%s/access", argv[2]);
	snprintf(n.url, sizeof n.url, "http://127.0.0.1:%s", argv[3]);
	snprintf(unlock, sizeof unlock, "%s/unlock", argv[2]);
	n.port = (uint16_t)port;
	n.shards = 2;
	must(!sign_sealer_open(&lock, &f, &n.sealer));
	n.key = sign_key_new();
	node_start(&n);
	for (;;) pause();
}

/* ---- the test ---- */

static void start(int i)
{
	char port[8];

	snprintf(port, sizeof port, "%u", (unsigned)node_at(i)->port);
	child[i] = fork();
	assert_true(child[i] >= 0);
	if (!child[i]) {
		execl("/proc/self/exe", "test-kill", "node", node_at(i)->folder, port, (char *)NULL);
		_exit(127);
	}
	for (int tries = 0; tries < 6000; tries++) { /* until it answers */
		if (node_call(node_at(i), "GET", "/nothing", NULL, NULL).status == 404) return;
		usleep(20000);
	}
	fail_msg("node %d does not answer", i);
}

static void kill_and_start(int i)
{
	int status;

	assert_int_equal(kill(child[i], SIGKILL), 0);
	/* returns when the last thread has gone, and with it the locks */
	assert_int_equal(waitpid(child[i], &status, 0), child[i]);
	assert_true(WIFSIGNALED(status));
	start(i);
}

/* Published and agreed on in this process; then the children take the folders over. */
static const char *agreement, *digest;

static int setup(void **state)
{
	struct str content;
	unsigned char d[HASH_SHA256];
	char hex[2 * HASH_SHA256 + 1] = {0};

	if (pair_setup(state)) return -1;
	content = octets(CONTENT, 77);
	hash_sha256(content, d);
	hex_write(d, sizeof d, hex);
	digest = text("sha256:%s", hex);
	publish("kept", "", content);
	agreement = agree("kept");
	(void)node_did(&pair.maker, "maker");
	node_stop(&pair.maker);
	node_stop(&pair.buyer);
	start(0);
	start(1);
	return 0;
}

static int teardown(void **state)
{
	for (int i = 0; i < 2; i++) {
		if (child[i] > 0) {
			(void)kill(child[i], SIGKILL);
			(void)waitpid(child[i], NULL, 0);
		}
		node_start(node_at(i)); /* pair_teardown stops and removes it */
	}
	return pair_teardown(state);
}

/* Answers, however often the node is away meanwhile. */
static struct answer buyer_asks(const char *method, const char *path, const char *body)
{
	struct answer a;

	for (int tries = 0; tries < 6000; tries++) {
		a = buyer_call(method, path, body);
		if (a.status > 0 && a.status < 500) return a;
		usleep(20000);
	}
	fail_msg("%s %s: %d", method, path, a.status);
	return a;
}

static void test_meters_survive_kills(void **state)
{
	unsigned seed = (unsigned)getpid();
	uint64_t requests = 0;

	(void)state;
	print_message("seed %u\n", seed);
	for (int round = 0; round < TRANSFERS; round++) {
		struct answer a = buyer_asks("POST", "/transfers",
					     text("{\"agreement\":\"%s\",\"rate\":%d}", agreement, RATE));
		const char *pid = answer_text(&a, "pid");

		assert_int_equal(a.status, 202);
		for (int k = 0; k < KILLS_EACH; k++) {
			seed = seed * 1103515245u + 12345u;
			usleep(50000 + (seed >> 8) % 400000);
			kill_and_start((int)(seed >> 16 & 1));
		}
		for (int tries = 0; tries < 600; tries++) {
			a = buyer_asks(
			    "GET", text("/transfers/%s?wait=COMPLETED,TERMINATED&timeout=1", pid), NULL);
			if (str_is(str_of(answer_text(&a, "state")), "COMPLETED")) break;
			assert_string_not_equal(answer_text(&a, "state"), "TERMINATED");
		}
		assert_string_equal(answer_text(&a, "state"), "COMPLETED");
		assert_string_equal(answer_text(&a, "digest"), digest);
		requests += count(&a, "requests");
		assert_meters(agreement, (uint64_t)round + 1, requests,
			      (uint64_t)CONTENT * ((uint64_t)round + 1));
	}
	print_message("%d transfers, %d kills, %llu requests\n", TRANSFERS, TRANSFERS * KILLS_EACH,
		      (unsigned long long)requests);
}

/* The provider ends it while the consumer is dead: what the file holds is what both say. */
static void test_a_cut_while_the_consumer_is_dead(void **state)
{
	json_t *before = await_meter(buyer_call, agreement, "agreed"), *after;
	struct answer a =
	    buyer_asks("POST", "/transfers", text("{\"agreement\":\"%s\",\"rate\":50000}", agreement));
	const char *pid = answer_text(&a, "pid");
	int status;

	(void)state;
	await_octets(pid, 20000);
	assert_int_equal(kill(child[1], SIGKILL), 0);
	assert_int_equal(waitpid(child[1], &status, 0), child[1]);
	assert_int_equal(maker_call("POST", text("/agreements/%s/revoke", agreement), "{}").status, 200);
	start(1);
	a = buyer_asks("GET", text("/transfers/%s?wait=TERMINATED&timeout=30", pid), NULL);
	assert_string_equal(answer_text(&a, "state"), "TERMINATED");
	after = await_meter(buyer_call, agreement, "agreed");
	assert_true(json_integer_value(json_object_get(after, "octets")) >=
		    json_integer_value(json_object_get(before, "octets")) + 20000);
	assert_meters(agreement, TRANSFERS + 1,
		      (uint64_t)json_integer_value(json_object_get(after, "requests")),
		      (uint64_t)json_integer_value(json_object_get(after, "octets")));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_meters_survive_kills),
	    cmocka_unit_test(test_a_cut_while_the_consumer_is_dead),
	};

	if (argc == 4 && strcmp(argv[1], "node") == 0) return serve(argv);
	return cmocka_run_group_tests(tests, setup, teardown);
}
