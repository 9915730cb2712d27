/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Cgroups through systemd: a transient scope unit, made over D-Bus (org.freedesktop.systemd1(5)).
 *
 * libsystemd is loaded by systemd_open and not before: a start without it does not pay for it. A build
 * without its headers has all of this too; systemd_open refuses then.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

/* Whether this build has it; whether systemd runs here only systemd_open can tell. */
bool systemd_is_built_in(void);

/* Whether it is another program of this build that has it, behalf-full: this one is static. */
bool systemd_is_apart(void);

/* Whether it is the user's manager that one has to ask, not the machine's. */
bool systemd_is_of_user(void);

/* Names. */

/*
 * linux.cgroupsPath, "SLICE:PREFIX:NAME", as the names of two units: the slice, and PREFIX-NAME.scope in
 * it. Empty parts, or no path at all (NULL or ""), are system.slice (of a user: user.slice), "behalf"
 * and ID. Both are the caller's to free.
 */
int systemd_names_of(const char *path, const char *id, bool user, char **slice, char **unit,
		     struct error *err);

/*
 * Where the group of a slice is: "a-b.slice" is below a.slice, so "/a.slice/a-b.slice"; "-.slice" is
 * the root, "". *PATH is the caller's to free. See systemd.slice(5).
 */
int systemd_slice_path(const char *slice, char **path, struct error *err);

/* Properties of a unit. */

struct systemd_property {
	char *name;
	char type[8];	 /* its D-Bus signature: a basic type, "as", "ay", "au" or "a(ss)" */
	uint64_t number; /* of basic types but "s"; negative ones sign-extended */
	char *text;	 /* "s" */
	char **list;	 /* "as"; "a(ss)": two after two */
	uint8_t *bytes;	 /* "ay"; "au": 32-bit numbers */
	size_t n_bytes;
};

/* A list that grows; what could not be added for want of memory is told when the list is used. */
struct systemd_properties {
	struct systemd_property *items;
	size_t n;
	bool out_of_memory;
};

void systemd_add_number(struct systemd_properties *p, const char *name, const char *type,
			uint64_t number);
void systemd_add_bool(struct systemd_properties *p, const char *name, bool value);
void systemd_add_text(struct systemd_properties *p, const char *name, const char *text);
/* TYPE "as" or "a(ss)"; LIST may be NULL: empty. It is copied. */
void systemd_add_list(struct systemd_properties *p, const char *name, const char *type,
		      char *const *list);
void systemd_add_bytes(struct systemd_properties *p, const char *name, const char *type,
		       const void *bytes, size_t n);

/*
 * A property as text, in the form that annotations have it in: true, 'text', ['a', 'b'], 5 (32 bits), or
 * a number after its type: "uint64 5", as g_variant_print writes it. NAMEs that end in "Sec" are in
 * seconds, and become the ones in microseconds that there are on the bus.
 */
int systemd_add_parsed(struct systemd_properties *p, const char *name, const char *text,
		       struct error *err);

/* A list of numbers as the kernel writes CPUs, "0-3,7", as the bits of AllowedCPUs. -EINVAL. */
int systemd_add_cpu_list(struct systemd_properties *p, const char *name, const char *list);

void systemd_properties_free(struct systemd_properties *p);

/* A connection. */

struct systemd;

/* USER: to the manager of the user, not of the machine. Refused with a sentence when there is none. */
int systemd_open(bool user, struct systemd **systemd, struct error *err);
void systemd_close(struct systemd *systemd);
void cleanup_systemd(struct systemd **systemd);

/* The group below which the manager keeps those of its units: "" is the root. The caller's to free. */
int systemd_group(struct systemd *systemd, char **path, struct error *err);

/* 1 or 0: whether a unit of that name is loaded and not dead. */
int systemd_has_unit(struct systemd *systemd, const char *unit, struct error *err);

/*
 * Makes the scope with process PID in it, and waits until that is done. -EEXIST when there is such a
 * unit; one that is only remembered, because it has failed, is forgotten first.
 */
int systemd_start_scope(struct systemd *systemd, const char *unit, pid_t pid,
			const struct systemd_properties *properties, struct error *err);

/* Changes properties of a living unit; they are in the kernel when this returns. */
int systemd_set(struct systemd *systemd, const char *unit,
		const struct systemd_properties *properties, struct error *err);

/* Stops a unit, waits for it, and makes systemd forget it. One that is not there is no error. */
int systemd_stop(struct systemd *systemd, const char *unit, struct error *err);
