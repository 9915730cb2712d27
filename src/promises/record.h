/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * A promise as JSON and back:
 *
 *	{"kind": "container", "name": "web", "root": "/run/behalf", "since": "2026-01-01T00:00:00Z",
 *	 "maker": {"pid": 4711, "start": 123456}, "terms": {"io.behalf.cpu.reserve": "0.5"},
 *	 "cpus": "0-1", "intended": "/pod/web", "forced": true, "cgroup": {...}, "inode": 42}
 */
#include "base/error.h"
#include "promises/promises.h"

struct json_object;

/* The caller's to put. */
struct json_object *promise_to_json(const struct promise *promise);

/* *PROMISE, empty before, is the caller's to promise_clear, also after a failure. */
int promise_from_json(struct json_object *json, struct promise *promise, struct error *err);
