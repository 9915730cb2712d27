// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/strings.h"
#include "cmd/cmd.h"
#include "cmd/options.h"
#include "runtime/container.h"
#include "runtime/helper.h"

/* What the host's ps may say: several lines for each number there can be. */
#define PS_MAX_BYTES (1u << 30)

static const struct option options[] = {
	{"format", required_argument, NULL, 'f'},
	{"help", no_argument, NULL, 'h'},
	{0},
};

struct request {
	const char *id;
	char **words; /* for the host's ps, or none */
	bool json;
};

static void print_help(void)
{
	puts("Usage: behalf ps [--format table|json] ID [PS-OPTION...]\n"
	     "Lists the processes of a container by their numbers on the host, or, with options\n"
	     "of ps(1) such as -ef or aux, as the host's ps shows them.\n"
	     "\n"
	     "  -f, --format FORMAT   table (default), or json: an array of numbers");
}

static void print_pids(const pid_t *pids, size_t n, bool json)
{
	_cleanup_json_ struct json_object *array = json_object_new_array();

	if (!json)
		puts("PID");
	for (size_t i = 0; i < n; i++) {
		if (json)
			json_object_array_add(array, json_object_new_int(pids[i]));
		else
			printf("%d\n", pids[i]);
	}
	if (json)
		puts(json_text(array, false));
}

/* Where word N of LINE begins; NULL: it has fewer. */
static const char *find_word(const char *line, size_t n)
{
	line += strspn(line, " ");
	while (*line && n--) {
		line += strcspn(line, " ");
		line += strspn(line, " ");
	}
	return *line ? line : NULL;
}

/* Which word of LINE is PID, the heading of the column; -1: none. */
static int find_pid_column(const char *line)
{
	const char *word;

	for (int n = 0; (word = find_word(line, (size_t)n)); n++)
		if (strncmp(word, "PID", 3) == 0 && (word[3] == ' ' || !word[3]))
			return n;
	return -1;
}

static bool is_of_container(const char *line, int column, const pid_t *pids, size_t n)
{
	const char *word = find_word(line, (size_t)column);
	long pid = word ? strtol(word, NULL, 10) : 0;

	while (n && pids[n - 1] != pid)
		n--;
	return n;
}

/* As runc has it: what ps says when it is called with these words, of these processes alone. */
static int print_as_ps(char **words, const pid_t *pids, size_t n, struct error *err)
{
	_cleanup_free_ char **command = calloc(strv_length(words) + 2, sizeof(char *));
	_cleanup_free_ char *said = NULL;
	char *line, *rest = NULL;
	int column = -1, r;

	if (!command)
		return error_oom(err);
	command[0] = (char *)"ps";
	memcpy(command + 1, words, strv_length(words) * sizeof(char *));
	r = helper_read(command, PS_MAX_BYTES, &said, err);
	if (r < 0)
		return r;
	for (line = strtok_r(said, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		bool is_heading = column < 0;

		if (is_heading)
			column = find_pid_column(line);
		if (column >= 0 && (is_heading || is_of_container(line, column, pids, n)))
			puts(line);
	}
	return column >= 0 ? 0 : error_set(err, EINVAL, "'ps %s' shows no column PID", words[0]);
}

static int ps(const struct cmd_context *ctx, const struct request *q, struct error *err)
{
	_cleanup_(cleanup_container) struct container *container = NULL;
	_cleanup_free_ pid_t *pids = NULL;
	size_t n = 0;
	int r = container_load(ctx->root, q->id, &container, err);

	if (r == 0)
		r = container_processes(container, &pids, &n, err);
	if (r == 0 && !q->json && q->words[0])
		r = print_as_ps(q->words, pids, n, err);
	else if (r == 0)
		print_pids(pids, n, q->json);
	if (r < 0)
		return r;
	return fflush(stdout) == 0 ? 0 : error_errno(err, errno, "write to standard output");
}

/* Behind the id a word is ours when it is one of our options as it is written out, else the first of ps's. */
static bool is_ours(char *const *words)
{
	if (!words[0])
		return false;
	if (strcmp(words[0], "-f") == 0)
		return words[1] &&
		       (strcmp(words[1], "json") == 0 || strcmp(words[1], "table") == 0);
	return string_starts_with(words[0], "--format") || strcmp(words[0], "--help") == 0;
}

/* Returns -1 to go on, or the exit status. */
static int parse_options(int argc, char **argv, struct request *q)
{
	int opt;

	while ((opt = options_next(argc, argv, "+f:h", options)) != -1) {
		switch (opt) {
		case 'f':
			q->json = strcmp(optarg, "json") == 0;
			if (!q->json && strcmp(optarg, "table") != 0) {
				log_error("--format '%s': table or json", optarg);
				return EXIT_FAILURE;
			}
			break;
		case 'h':
			print_help();
			return EXIT_SUCCESS;
		default:
			return EXIT_FAILURE;
		}
		if (q->id && !is_ours(argv + optind))
			break;
	}
	return -1;
}

int cmd_ps(const struct cmd_context *ctx, int argc, char **argv)
{
	struct request q = {0};
	struct error err = {0};
	int status = parse_options(argc, argv, &q);

	if (status >= 0)
		return status;
	if (optind == argc) {
		log_error("ps: a container id is needed, see behalf ps --help");
		return EXIT_FAILURE;
	}
	q.id = argv[optind++];
	if (is_ours(argv + optind))
		status = parse_options(argc, argv, &q);
	if (status >= 0)
		return status;
	q.words = argv + optind;
	if (ps(ctx, &q, &err) < 0) {
		log_error("%s", err.text);
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
