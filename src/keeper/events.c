// SPDX-License-Identifier: GPL-2.0-or-later
#include "keeper/events.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/log.h"
#include "base/strings.h"
#include "keeper/status.h"
#include "plan/units.h"

#define EVENTS_MAX 64

int events_open(struct events *events)
{
	events->last = json_object_new_array();
	return events->last ? 0 : -ENOMEM;
}

void events_clear(struct events *events)
{
	json_object_put(events->last);
	events->last = NULL;
}

struct json_object *events_new(void)
{
	struct json_object *o = json_object_new_object();
	time_t now = time(NULL);
	char text[40];
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	json_add_string(o, "time", text);
	return o;
}

void events_add(struct events *events, struct json_object *event, const char *sentence)
{
	json_object_array_add(events->last, event);
	if (json_object_array_length(events->last) > EVENTS_MAX)
		json_object_array_del_idx(events->last, 0, 1);
	if (events->json) {
		printf("%s\n", json_text(event, false));
		fflush(stdout);
	} else if (events->log) {
		log_warning("%s", sentence);
	}
}

static struct json_object *event_of(const struct truth_sources *sources, size_t i,
				    enum truth_kind kind, const struct control_truth *t)
{
	struct json_object *o = events_new();

	json_add_string(o, "workspace", sources->roster->items[i].called);
	json_add_string(o, "cgroup", sources->roster->items[i].path);
	json_add_string(o, "term", truth_name(kind));
	json_add_string(o, "unit", truth_unit(kind));
	json_add_string(o, "state", t->state == CONTROL_BROKEN ? "broken" : "kept");
	json_add_double(o, "promised", t->promised);
	json_add_double(o, "got", t->got);
	json_add_double(o, "ratio", t->ratio);
	json_add_string(o, "by", truth_culprit(sources->roster, t->by));
	return o;
}

static void tell(struct events *events, const struct truth_sources *sources, size_t i,
		 enum truth_kind kind, const struct control_truth *t)
{
	const char *by = truth_culprit(sources->roster, t->by);
	_cleanup_free_ char *sentence = string_format(
		"%s: %s %s: %.*f of %.*f %s%s%s", sources->roster->items[i].called,
		truth_name(kind), t->state == CONTROL_BROKEN ? "broken" : "kept again",
		t->promised < 1000 ? 2 : 0, t->got, t->promised < 1000 ? 2 : 0, t->promised,
		truth_unit(kind), by ? ", by " : "", by ? by : "");

	events_add(events, event_of(sources, i, kind, t), sentence ? sentence : truth_name(kind));
}

/* That a term is kept is news only after it was broken. */
void events_tell(struct events *events, const struct truth_sources *sources, size_t i,
		 enum truth_kind kinds)
{
	struct roster_entry *e = &sources->roster->items[i];

	for (enum truth_kind kind = 0; kind < kinds; kind++) {
		const struct control_truth *t = truth_of(sources, i, kind);
		bool broken = t && t->state == CONTROL_BROKEN;

		if (broken != (e->broken >> kind & 1) && t)
			tell(events, sources, i, kind, t);
		e->broken = (e->broken & ~(1u << kind)) | (unsigned int)broken << kind;
	}
}
