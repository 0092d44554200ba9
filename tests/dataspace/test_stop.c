/* Commands may end after the server: what they cause then must not look for it. */
#include <semaphore.h>

#include "tests/dataspace/node.h"

static sem_t begun, stopped, ended;

static void when_stopped(struct node *n)
{
	(void)n;
	sem_post(&stopped);
}

static enum err late_work(struct ds_job *j, struct writer_txn *t)
{
	(void)t;
	sem_post(&begun);
	sem_wait(&stopped);
	sem_post(&stopped); /* work may run again */
	ds_fx_changed(&j->fx, STR("kit"), STR("urn:uuid:019fdcb0-f47c-4cb8-8fb8-9ce5e61f22c9"));
	return ERR_OK;
}

static void late_answer(struct ds_job *j, enum err result)
{
	(void)j;
	assert_int_equal(result, ERR_OK);
	sem_post(&ended);
}

/* kanhed in test mode, stopped in the midst of a replay: the step that comes next was set on a shard that
 * had been freed. */
static void test_mode_sets_no_step_on_a_server_that_has_stopped(void **state)
{
	static const char *const participants[] = {"kit"};
	struct node n;
	struct ds_job *j;

	(void)state;
	assert_int_equal(sem_init(&begun, 0, 0) | sem_init(&stopped, 0, 0) | sem_init(&ended, 0, 0), 0);
	node_open(&n, participants, 1, 2);
	node_stop(&n);
	n.kit = "kit"; /* it is there now */
	node_start(&n);
	j = ds_job_new(n.d, NULL);
	assert_non_null(j);
	j->work = late_work;
	j->answer = late_answer;
	assert_int_equal(ds_job_submit(j), ERR_OK);
	sem_wait(&begun);
	n.stopped = when_stopped;
	node_close(&n);
	assert_int_equal(sem_trywait(&ended), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_mode_sets_no_step_on_a_server_that_has_stopped),
	};

	return cmocka_run_group_tests_name("dataspace-stop", tests, NULL, NULL);
}
