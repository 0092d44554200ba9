/* kanhe: the command line. Finds the command, runs it. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/sign.h"
#include "tools/kanhe/client.h"
#include "tools/kanhed/version.h"

/* Everything a command keeps at once: answers of up to 64 MiB and their JSON. */
#define ARENA_CAP ((size_t)1 << 30)

const struct command commands[] = {
#define X(name, run, token, help) {#name, run, token, SAY_##help},
    COMMANDS(X)
#undef X
};
const size_t commands_n = sizeof commands / sizeof *commands;

static const struct command *command_named(const char *name)
{
	for (size_t i = 0; i < commands_n; i++)
		if (strcmp(commands[i].name, name) == 0) return &commands[i];
	return NULL;
}

static int unknown(const char *name)
{
	const char *names[64];
	for (size_t i = 0; i < commands_n; i++) names[i] = commands[i].name;
	const char *near = suggest(name, names, commands_n);
	fprintf(stderr, say(SAY_UNKNOWN_COMMAND), name);
	if (near) fprintf(stderr, say(SAY_DID_YOU_MEAN), near);
	fprintf(stderr, "%s", say(SAY_SEE_OVERVIEW));
	return CLI_USAGE;
}

int main(int argc, char **argv)
{
	const char *node = getenv("KANHE_NODE");
	struct cli c = {.node = node && node[0] ? node : "."};
	say_setup();
	log_setup(LOG_ERROR, 2);
	if (argc < 2) {
		fprintf(stderr, "%s", say(SAY_OVERVIEW));
		return CLI_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
		c.command = argc > 2 ? command_named(argv[2]) : NULL;
		if (argc > 2 && !c.command) return unknown(argv[2]);
		printf("%s", say(c.command ? c.command->help : SAY_OVERVIEW));
		return CLI_OK;
	}
	if (strcmp(argv[1], "--version") == 0) {
		printf("kanhe %s\n", KANHE_VERSION);
		return CLI_OK;
	}
	c.command = command_named(argv[1]);
	if (!c.command) return unknown(argv[1]);
	c.arena = arena_new(ARENA_CAP);
	if (!c.arena || sign_setup()) {
		fprintf(stderr, "kanhe: %s\n", err_text(ERR_NO_MEMORY));
		return CLI_FAILED;
	}
	int status = c.command->run(&c, argc - 1, argv + 1);
	client_close(&c);
	arena_free(c.arena);
	if (fflush(stdout)) status = status ? status : CLI_FAILED;
	return status < 0 ? CLI_OK : status;
}
