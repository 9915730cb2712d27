// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Talking to systemd, over its private socket where we may, else over the bus of the system or the user.
 *
 * On the private socket there is no dbus-daemon in between, nothing to subscribe to, and it is there
 * earlier in boot; systemctl(1) does the same. A job's end is told by a signal, JobRemoved. It may come
 * before the answer that names the job does; sd_bus_call keeps signals for later, and they are looked at
 * only once the name is known.
 *
 * What is changed by SetUnitProperties systemd writes to the cgroup when it next looks into its queue,
 * which is before it answers the next question. So one is asked: whoever writes to the files after that
 * is the last to write.
 */
#include "kernel/systemd.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/strings.h"

#define LIBRARY "libsystemd.so.0"
#define JOB_TIMEOUT_US 60000000ull

#define DESTINATION "org.freedesktop.systemd1"
#define OBJECT "/org/freedesktop/systemd1"
#define MANAGER "org.freedesktop.systemd1.Manager"

#define SYMBOLS(X)                                                                                 \
	X(sd_bus_new)                                                                              \
	X(sd_bus_set_address)                                                                      \
	X(sd_bus_start)                                                                            \
	X(sd_bus_open_system)                                                                      \
	X(sd_bus_open_user)                                                                        \
	X(sd_bus_flush_close_unref)                                                                \
	X(sd_bus_match_signal)                                                                     \
	X(sd_bus_process)                                                                          \
	X(sd_bus_wait)                                                                             \
	X(sd_bus_call)                                                                             \
	X(sd_bus_get_property_string)                                                              \
	X(sd_bus_error_free)                                                                       \
	X(sd_bus_message_new_method_call)                                                          \
	X(sd_bus_message_append_basic)                                                             \
	X(sd_bus_message_append_array)                                                             \
	X(sd_bus_message_open_container)                                                           \
	X(sd_bus_message_close_container)                                                          \
	X(sd_bus_message_read)                                                                     \
	X(sd_bus_message_unref)

static struct {
	void *library;
#define X(symbol) __typeof__(symbol) *symbol;
	SYMBOLS(X)
#undef X
} api;

struct systemd {
	sd_bus *bus;
	const char *job; /* the one that is waited for */
	char result[32]; /* of that job: "done", "failed"; "" while it runs */
};

bool systemd_is_built_in(void)
{
	return true;
}

bool systemd_is_apart(void)
{
	return false;
}

/* It stays loaded until we end. */
static int load_library(struct error *err)
{
	static const struct {
		const char *name;
		size_t at;
	} symbols[] = {
#define X(symbol) {#symbol, offsetof(__typeof__(api), symbol)},
		SYMBOLS(X)
#undef X
	};
	void *library = api.library ? api.library : dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);

	if (!library)
		return error_set(err, ENOENT, "cannot talk to systemd: %s", dlerror());
	for (size_t i = 0; !api.library && i < ARRAY_SIZE(symbols); i++) {
		void *address = dlsym(library, symbols[i].name);

		if (!address)
			return error_set(err, ENOTSUP,
					 "cannot talk to systemd: " LIBRARY " has no %s",
					 symbols[i].name);
		memcpy((char *)&api + symbols[i].at, &address, sizeof(address));
	}
	api.library = library;
	return 0;
}

/* SENDER is gone from the text of what D-Bus said: one sentence, with the name of the error for search. */
static int tell(struct error *err, int r, const sd_bus_error *said, const char *what,
		const char *unit)
{
	if (said && said->name)
		return error_set(err, r, "systemd: %s%s%s: %s (%s)", what, unit ? " " : "",
				 unit ? unit : "", said->message ? said->message : "refused",
				 said->name);
	return error_errno(err, r, "systemd: %s%s%s", what, unit ? " " : "", unit ? unit : "");
}

static bool is_error(const sd_bus_error *said, const char *name)
{
	return said->name && !strcmp(said->name, name);
}

/* Connection. */

static int open_private(bool user, sd_bus **bus)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	_cleanup_free_ char *address = NULL;
	int r;

	if (user && (!runtime || strpbrk(runtime, ";,=%")))
		return -ENOENT;
	address = user ? string_format("unix:path=%s/systemd/private", runtime)
		       : strdup("unix:path=/run/systemd/private");
	if (!address)
		return -ENOMEM;
	r = api.sd_bus_new(bus);
	if (r >= 0)
		r = api.sd_bus_set_address(*bus, address);
	if (r >= 0)
		r = api.sd_bus_start(*bus);
	if (r < 0 && *bus)
		*bus = api.sd_bus_flush_close_unref(*bus);
	return r;
}

static int note_job(sd_bus_message *message, void *data, sd_bus_error *unused)
{
	struct systemd *systemd = data;
	const char *job, *unit, *result;
	uint32_t number;

	(void)unused;
	if (api.sd_bus_message_read(message, "uoss", &number, &job, &unit, &result) < 0)
		return 0;
	if (systemd->job && !strcmp(job, systemd->job))
		snprintf(systemd->result, sizeof(systemd->result), "%s", result);
	return 0;
}

static int new_call(struct systemd *systemd, const char *method, sd_bus_message **message)
{
	return api.sd_bus_message_new_method_call(systemd->bus, message, DESTINATION, OBJECT,
						  MANAGER, method);
}

static int subscribe(struct systemd *systemd)
{
	sd_bus_message *message = NULL;
	int r = new_call(systemd, "Subscribe", &message);

	if (r >= 0)
		r = api.sd_bus_call(systemd->bus, message, 0, NULL, NULL);
	api.sd_bus_message_unref(message);
	return r;
}

int systemd_open(bool user, struct systemd **systemd, struct error *err)
{
	_cleanup_(cleanup_systemd) struct systemd *new = calloc(1, sizeof(*new));
	bool private;
	int r;

	if (!new)
		return error_oom(err);
	r = load_library(err);
	if (r < 0)
		return r;
	r = open_private(user, &new->bus);
	private = r >= 0;
	if (!private)
		r = user ? api.sd_bus_open_user(&new->bus) : api.sd_bus_open_system(&new->bus);
	if (r >= 0)
		r = api.sd_bus_match_signal(new->bus, NULL, private ? NULL : DESTINATION, OBJECT,
					    MANAGER, "JobRemoved", note_job, new);
	if (r >= 0 && !private)
		r = subscribe(new);
	if (r < 0)
		return error_errno(err, r, "cannot talk to systemd%s (does it run here?)",
				   user ? " of the user" : "");
	*systemd = take_ptr(new);
	return 0;
}

void systemd_close(struct systemd *systemd)
{
	if (!systemd)
		return;
	if (systemd->bus)
		api.sd_bus_flush_close_unref(systemd->bus);
	free(systemd);
}

void cleanup_systemd(struct systemd **systemd)
{
	systemd_close(*systemd);
}

/* Messages. */

static int append_number(sd_bus_message *m, const struct systemd_property *p)
{
	uint64_t n = p->number;
	int boolean = n != 0;
	uint8_t byte = (uint8_t)n;
	uint16_t short_number = (uint16_t)n;
	uint32_t number = (uint32_t)n;
	const void *value = &n;

	switch (p->type[0]) {
	case 'b':
		value = &boolean;
		break;
	case 'y':
		value = &byte;
		break;
	case 'n':
	case 'q':
		value = &short_number;
		break;
	case 'i':
	case 'u':
		value = &number;
		break;
	}
	return api.sd_bus_message_append_basic(m, p->type[0], value);
}

static int append_pairs(sd_bus_message *m, char *const *list)
{
	int r = api.sd_bus_message_open_container(m, 'a', "(ss)");

	for (; r >= 0 && list && list[0] && list[1]; list += 2) {
		r = api.sd_bus_message_open_container(m, 'r', "ss");
		for (int i = 0; r >= 0 && i < 2; i++)
			r = api.sd_bus_message_append_basic(m, 's', list[i]);
		if (r >= 0)
			r = api.sd_bus_message_close_container(m);
	}
	return r < 0 ? r : api.sd_bus_message_close_container(m);
}

static int append_texts(sd_bus_message *m, char *const *list)
{
	int r = api.sd_bus_message_open_container(m, 'a', "s");

	for (; r >= 0 && list && *list; list++)
		r = api.sd_bus_message_append_basic(m, 's', *list);
	return r < 0 ? r : api.sd_bus_message_close_container(m);
}

static int append_value(sd_bus_message *m, const struct systemd_property *p)
{
	if (!strcmp(p->type, "s"))
		return api.sd_bus_message_append_basic(m, 's', p->text);
	if (!strcmp(p->type, "as"))
		return append_texts(m, p->list);
	if (!strcmp(p->type, "a(ss)"))
		return append_pairs(m, p->list);
	if (p->type[0] == 'a')
		return api.sd_bus_message_append_array(m, p->type[1], p->bytes, p->n_bytes);
	return append_number(m, p);
}

/* "a(sv)" */
static int append_properties(sd_bus_message *m, const struct systemd_properties *properties)
{
	int r = api.sd_bus_message_open_container(m, 'a', "(sv)");

	for (size_t i = 0; r >= 0 && i < properties->n; i++) {
		const struct systemd_property *p = &properties->items[i];

		r = api.sd_bus_message_open_container(m, 'r', "sv");
		if (r >= 0)
			r = api.sd_bus_message_append_basic(m, 's', p->name);
		if (r >= 0)
			r = api.sd_bus_message_open_container(m, 'v', p->type);
		if (r >= 0)
			r = append_value(m, p);
		if (r >= 0)
			r = api.sd_bus_message_close_container(m);
		if (r >= 0)
			r = api.sd_bus_message_close_container(m);
	}
	return r < 0 ? r : api.sd_bus_message_close_container(m);
}

/* Sends MESSAGE, of a method that answers with a job, and waits for that. Takes MESSAGE. */
static int run_job(struct systemd *systemd, sd_bus_message *message, sd_bus_error *said,
		   const char **job_result)
{
	uint64_t end_us = clock_monotonic_ns() / 1000 + JOB_TIMEOUT_US;
	sd_bus_message *answer = NULL;
	int r = api.sd_bus_call(systemd->bus, message, 0, said, &answer);

	systemd->result[0] = '\0';
	if (r >= 0)
		r = api.sd_bus_message_read(answer, "o", &systemd->job);
	while (r >= 0 && !systemd->result[0]) {
		uint64_t now_us = clock_monotonic_ns() / 1000;

		r = api.sd_bus_process(systemd->bus, NULL);
		if (r > 0)
			continue;
		if (r == 0 && now_us >= end_us)
			r = -ETIMEDOUT;
		else if (r == 0)
			r = api.sd_bus_wait(systemd->bus, end_us - now_us);
		if (r == -EINTR)
			r = 0;
	}
	systemd->job = NULL;
	*job_result = systemd->result;
	api.sd_bus_message_unref(answer);
	api.sd_bus_message_unref(message);
	return r < 0 ? r : 0;
}

/* What systemd can do. */

int systemd_group(struct systemd *systemd, char **path, struct error *err)
{
	sd_bus_error said = SD_BUS_ERROR_NULL;
	char *text = NULL;
	int r = api.sd_bus_get_property_string(systemd->bus, DESTINATION, OBJECT, MANAGER,
					       "ControlGroup", &said, &text);

	if (r < 0)
		tell(err, r, &said, "look up its cgroup", NULL);
	api.sd_bus_error_free(&said);
	if (r < 0)
		return r;
	for (size_t n = strlen(text); n && text[n - 1] == '/'; n--)
		text[n - 1] = '\0';
	*path = text;
	return 0;
}

/* A call about a unit alone, whose answer does not matter. Returns what D-Bus said by SAID. */
static int call_about(struct systemd *systemd, const char *method, const char *unit,
		      sd_bus_error *said, char **answer_path)
{
	sd_bus_message *message = NULL, *answer = NULL;
	const char *path = NULL;
	int r = new_call(systemd, method, &message);

	if (r >= 0)
		r = api.sd_bus_message_append_basic(message, 's', unit);
	if (r >= 0)
		r = api.sd_bus_call(systemd->bus, message, 0, said, &answer);
	if (r >= 0 && answer_path) {
		r = api.sd_bus_message_read(answer, "o", &path);
		*answer_path = r >= 0 ? strdup(path) : NULL;
		if (r >= 0 && !*answer_path)
			r = -ENOMEM;
	}
	api.sd_bus_message_unref(answer);
	api.sd_bus_message_unref(message);
	return r < 0 ? r : 0;
}

int systemd_has_unit(struct systemd *systemd, const char *unit, struct error *err)
{
	sd_bus_error said = SD_BUS_ERROR_NULL;
	_cleanup_free_ char *object = NULL, *state = NULL;
	int r = call_about(systemd, "GetUnit", unit, &said, &object);
	bool missing = is_error(&said, DESTINATION ".NoSuchUnit");

	if (r >= 0)
		r = api.sd_bus_get_property_string(systemd->bus, DESTINATION, object,
						   DESTINATION ".Unit", "ActiveState", &said,
						   &state);
	if (r < 0 && !missing)
		tell(err, r, &said, "look up the unit", unit);
	api.sd_bus_error_free(&said);
	if (missing)
		return 0;
	return r < 0 ? r : strcmp(state, "inactive") != 0 && strcmp(state, "failed") != 0;
}

static int start_once(struct systemd *systemd, const char *unit,
		      const struct systemd_properties *properties, bool *exists, struct error *err)
{
	sd_bus_error said = SD_BUS_ERROR_NULL;
	sd_bus_message *message = NULL;
	const char *result = "";
	int r = new_call(systemd, "StartTransientUnit", &message);

	if (r >= 0)
		r = api.sd_bus_message_append_basic(message, 's', unit);
	if (r >= 0)
		r = api.sd_bus_message_append_basic(message, 's', "fail");
	if (r >= 0)
		r = append_properties(message, properties);
	/* No auxiliary units: "a(sa(sv))", empty. */
	if (r >= 0)
		r = api.sd_bus_message_open_container(message, 'a', "(sa(sv))");
	if (r >= 0)
		r = api.sd_bus_message_close_container(message);
	if (r >= 0)
		r = run_job(systemd, message, &said, &result);
	else
		api.sd_bus_message_unref(message);
	*exists = r < 0 && is_error(&said, DESTINATION ".UnitExists");
	if (r < 0)
		tell(err, *exists ? -EEXIST : r, &said, "start the unit", unit);
	else if (strcmp(result, "done") != 0)
		r = error_set(err, EIO, "systemd: start the unit %s: the job is '%s'", unit,
			      result);
	api.sd_bus_error_free(&said);
	return *exists ? -EEXIST : r;
}

static void forget(struct systemd *systemd, const char *unit)
{
	sd_bus_error said = SD_BUS_ERROR_NULL;

	call_about(systemd, "ResetFailedUnit", unit, &said, NULL);
	api.sd_bus_error_free(&said);
}

int systemd_start_scope(struct systemd *systemd, const char *unit, pid_t pid,
			const struct systemd_properties *properties, struct error *err)
{
	_cleanup_free_ struct systemd_property *with_pid =
		calloc(properties->n + 1, sizeof(*with_pid));
	struct systemd_properties all = {with_pid, properties->n + 1, false};
	uint32_t number = (uint32_t)pid;
	bool exists;
	int r;

	if (properties->out_of_memory || !with_pid)
		return error_oom(err);
	memcpy(with_pid, properties->items, properties->n * sizeof(*with_pid));
	with_pid[properties->n] = (struct systemd_property){.name = (char *)"PIDs",
							    .type = "au",
							    .bytes = (uint8_t *)&number,
							    .n_bytes = sizeof(number)};
	r = start_once(systemd, unit, &all, &exists, err);
	if (exists && systemd_has_unit(systemd, unit, NULL) == 0) {
		forget(systemd, unit);
		r = start_once(systemd, unit, &all, &exists, err);
	}
	return r;
}

int systemd_set(struct systemd *systemd, const char *unit,
		const struct systemd_properties *properties, struct error *err)
{
	sd_bus_error said = SD_BUS_ERROR_NULL;
	sd_bus_message *message = NULL;
	_cleanup_free_ char *group = NULL;
	int runtime_only = 1, r;

	if (properties->out_of_memory)
		return error_oom(err);
	if (!properties->n)
		return 0;
	r = new_call(systemd, "SetUnitProperties", &message);
	if (r >= 0)
		r = api.sd_bus_message_append_basic(message, 's', unit);
	if (r >= 0)
		r = api.sd_bus_message_append_basic(message, 'b', &runtime_only);
	if (r >= 0)
		r = append_properties(message, properties);
	if (r >= 0)
		r = api.sd_bus_call(systemd->bus, message, 0, &said, NULL);
	api.sd_bus_message_unref(message);
	if (r < 0)
		tell(err, r, &said, "change the unit", unit);
	api.sd_bus_error_free(&said);
	return r < 0 ? r : systemd_group(systemd, &group, err);
}

int systemd_stop(struct systemd *systemd, const char *unit, struct error *err)
{
	sd_bus_error said = SD_BUS_ERROR_NULL;
	sd_bus_message *message = NULL;
	const char *result = "";
	int r = new_call(systemd, "StopUnit", &message);

	if (r >= 0)
		r = api.sd_bus_message_append_basic(message, 's', unit);
	if (r >= 0)
		r = api.sd_bus_message_append_basic(message, 's', "replace");
	if (r >= 0)
		r = run_job(systemd, message, &said, &result);
	else
		api.sd_bus_message_unref(message);
	if (r < 0 && is_error(&said, DESTINATION ".NoSuchUnit"))
		r = 0;
	else if (r < 0)
		tell(err, r, &said, "stop the unit", unit);
	api.sd_bus_error_free(&said);
	if (r >= 0)
		forget(systemd, unit);
	return r < 0 ? r : 0;
}
