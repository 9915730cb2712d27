/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Admission: a container whose annotations have terms is promised them, if this host can keep them beside all
 * it has promised, or refused. One without terms costs nothing here: nothing is opened or read.
 */
#include <stdbool.h>

#include "base/error.h"
#include "oci/config.h"
#include "promises/promises.h"
#include "runtime/container.h"

/* Of verbs whose exit status is their own: there is no room for what was asked. */
#define EXIT_REFUSED 3

struct admission;

/*
 * To be called before container_create(CREATE, CONFIG): reads the terms, asks for means and room, notes the
 * promise, and has CREATE tell of the container's groups. What the kernel is to keep of the terms is added to
 * CONFIG. -EBUSY: refused, there is no room, unless FORCE: then the promise is noted as a forced one.
 * *ADMISSION is the caller's to admission_free; NULL: there are no terms.
 */
int admit_container(struct container_create_options *create, struct oci_config *config, bool force,
		    struct admission **admission, struct error *err);

/* The container is there: from now on the promise lives and ends with it. */
void admission_done(struct admission *admission);

/* Warns of terms that only a keeper keeps, when none runs. ADMISSION may be NULL. */
void admission_warn(const struct admission *admission);

/* Before admission_done: takes the promise back. */
void admission_free(struct admission *admission);
void cleanup_admission(struct admission **admission);

enum admit_how {
	ADMIT_WITH_ROOM,
	ADMIT_FORCED, /* without room, too, with a warning */
	ADMIT_LESS, /* less is promised than before: whether there is room was judged, and told, when that was promised */
};

/*
 * Plans with PROMISE and puts it into the register; the same rules. BEFORE NULL: it has to be new, -EEXIST.
 * Else *BEFORE gets what it was, the caller's to promise_clear; its name is NULL when it is new. WAS are the terms that
 * PROMISE's were made from, as the caller has read them: -EAGAIN when they are others by now.
 */
int admit_promise(struct promise *promise, enum admit_how how, const struct terms *was,
		  struct promise *before, struct error *err);

/* ROOT as an absolute path, as promises have it; the caller's to free. NULL: out of memory. */
char *admit_state_root(const char *root);
